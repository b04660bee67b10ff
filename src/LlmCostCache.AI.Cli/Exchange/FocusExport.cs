using System.Collections.Frozen;
using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>
/// The columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification (focus.finops.org): all 21 that it makes mandatory and those conditional ones that a ledger of calls
/// has something to say in, in alphabetical order; then ours, which begin with x_ as it demands.
/// </summary>
/// <param name="billingAccount">The id of the billing account at the providers, as the user names it.</param>
internal sealed class FocusExport(string billingAccount)
{
    public const string DefaultAccount = "default";

    private static readonly FocusCharge s_sample =
        new(new UsageRecord { Id = "", At = DateTimeOffset.UnixEpoch, Cost = CallCost.Known(Money.Zero) }, "", "", 1m, "", Money.Zero, 0m, 0m);

    private static readonly FrozenSet<string> s_asText = FrozenSet.Create(StringComparer.Ordinal, "x_FxRate");

    public Task<long> WriteCsvAsync(IAsyncEnumerable<FocusCharge> charges, Stream destination, CancellationToken cancellationToken) =>
        TableExport.WriteCsvAsync(charges, Write, s_sample, destination, cancellationToken);

    public Task<long> WriteParquetAsync(IAsyncEnumerable<FocusCharge> charges, Stream destination, CancellationToken cancellationToken) =>
        TableExport.WriteParquetAsync(charges, Write, s_sample, s_asText, destination, cancellationToken);

    private void Write(ExportLine line, FocusCharge charge)
    {
        var row = charge.Attempt;
        var provider = Named(row.Provider);
        var model = Named(string.IsNullOrEmpty(row.Model) ? row.RequestedModel : row.Model);
        var sku = $"{provider}/{model}/{charge.Kind}";
        var (startsAt, endsAt, month) = Periods(row);
        line.Decimal("BilledCost", Plain(charge.Billed.Usd));
        line.Text("BillingAccountId", billingAccount);
        line.Text("BillingAccountName", billingAccount);
        line.Text("BillingCurrency", "USD");
        line.Instant("BillingPeriodEnd", month.AddMonths(1));
        line.Instant("BillingPeriodStart", month);
        line.Text("ChargeCategory", "Usage");
        line.Text("ChargeClass", null);
        line.Text("ChargeDescription", $"{charge.Meter} of {model} ({provider}, {row.Operation})");
        line.Text("ChargeFrequency", "Usage-Based");
        line.Instant("ChargePeriodEnd", endsAt);
        line.Instant("ChargePeriodStart", startsAt);
        line.Decimal("ConsumedQuantity", Plain(charge.Quantity));
        line.Text("ConsumedUnit", charge.Unit);
        line.Decimal("ContractedCost", Plain(charge.Contracted));
        line.Decimal("ContractedUnitPrice", Plain(charge.Contracted / charge.Quantity));
        line.Decimal("EffectiveCost", Plain(charge.Billed.Usd));
        line.Text("InvoiceIssuerName", provider);
        line.Decimal("ListCost", Plain(charge.List));
        line.Decimal("ListUnitPrice", Plain(charge.List / charge.Quantity));
        line.Text("PricingCategory", "Standard");
        line.Decimal("PricingQuantity", Plain(charge.Quantity));
        line.Text("PricingUnit", charge.Unit);
        line.Text("ProviderName", provider);
        line.Text("PublisherName", provider);
        line.Text("RegionId", row.Region);
        line.Text("RegionName", row.Region);
        line.Text("ResourceId", model);
        line.Text("ResourceName", model);
        line.Text("ResourceType", "Model");
        line.Text("ServiceCategory", "AI and Machine Learning");
        line.Text("ServiceName", $"{provider} {row.Operation}");
        line.Text("ServiceSubcategory", "Generative AI");
        line.Text("SkuId", sku);
        line.Text("SkuMeter", charge.Meter);
        line.Text("SkuPriceId", $"{sku}/{row.ServiceTier ?? "standard"}{(row.Region is null ? "" : $"/{row.Region}")}");
        line.Text("SubAccountId", row.Attribution.Project);
        line.Text("SubAccountName", row.Attribution.Project);
        line.Text("Tags", TagsOf(row.Attribution));
        line.Text("x_AttemptId", row.Id);
        line.Number("x_BilledNanos", charge.Billed.Nanos);
        line.Text("x_CallId", row.CallId ?? row.Id);
        line.Text("x_Certainty", LedgerWords.Word(row.Cost.Certainty));
        line.Text("x_Flags", row.Flags);
        line.Decimal("x_FxRate", row.FxRate);
        line.Text("x_Operation", row.Operation);
        line.Text("x_PriceRevision", row.Cost.PriceRevision);
        line.Text("x_PricingCurrency", row.Currency);
        line.Text("x_RequestedModel", row.RequestedModel);
        line.Text("x_ServiceTier", row.ServiceTier);
        line.Text("x_Status", LedgerWords.Word(row.Status));
        line.Text("x_TokenKind", charge.Kind);
        line.Text("x_TraceId", row.TraceId);
        line.Text("x_UsageSource", row.UsageSource);
    }

    /// <summary>An empty cell is a null, and the specification allows none here.</summary>
    private static string Named(string? name) => string.IsNullOrEmpty(name) ? "unknown" : name;

    /// <summary>The seconds of the call, whose end is not included, within the calendar month (UTC) that it began in.</summary>
    private static (DateTimeOffset StartsAt, DateTimeOffset EndsAt, DateTimeOffset Month) Periods(UsageRecord row)
    {
        var at = row.At.ToUniversalTime();
        var startsAt = at.AddTicks(-(at.Ticks % TimeSpan.TicksPerSecond));
        var month = new DateTimeOffset(at.Year, at.Month, 1, 0, 0, 0, TimeSpan.Zero);
        var seconds = Math.Max(1, (row.Latency.Ticks + at.Ticks - startsAt.Ticks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond);
        var endsAt = seconds > TimeSpan.FromDays(31).TotalSeconds ? month.AddMonths(1) : startsAt.AddSeconds(seconds);
        return (startsAt, endsAt > month.AddMonths(1) ? month.AddMonths(1) : endsAt, month);
    }

    /// <summary>An object of names and texts; a label without a value is true, as the specification says.</summary>
    private static string TagsOf(Attribution who)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            Write("agent", who.Agent);
            Write("feature", who.Feature);
            Write("project", who.Project);
            Write("session", who.Session);
            Write("team", who.Team);
            Write("tenant", who.Tenant);
            Write("user", who.User);
            foreach (var tag in who.Tags)
            {
                json.WriteBoolean($"tag:{tag}", true);
            }

            json.WriteEndObject();

            void Write(string name, string? value)
            {
                if (value is not null)
                {
                    json.WriteString(name, value);
                }
            }
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>Without zeros at the end.</summary>
    private static decimal Plain(decimal value) => value / 1.0000000000000000000000000000m;
}
