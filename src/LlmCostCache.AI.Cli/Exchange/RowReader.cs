using System.Collections.Frozen;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>Makes a row of the ledger of the fields that our exports have, and refuses what contradicts itself.</summary>
/// <param name="now">When a call was made that names no time; null refuses it.</param>
internal sealed class RowReader(DateTimeOffset? now)
{
    private static readonly FrozenDictionary<string, CallStatus> s_statuses = Enum.GetValues<CallStatus>().ToDictionary(LedgerWords.Word)
        .Concat([new("success", CallStatus.Ok), new("error", CallStatus.Failed)]).ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>What is not empty where it is there.</summary>
    private static readonly string[] s_said = ["id", "operation", "currency", "usage_source"];

    private static readonly FrozenDictionary<string, CacheLayer> s_layers = Enum.GetValues<CacheLayer>().ToFrozenDictionary(LedgerWords.Word, StringComparer.Ordinal);

    /// <summary>Whether a call can have been made then: days and months around it must exist in every zone, and rows are never taken out again.</summary>
    public static bool CanBe(DateTimeOffset at) => at.Year is >= 2000 and <= 9000;

    /// <param name="fields">The fields.</param>
    /// <param name="line">Where they stand.</param>
    public SourceRow Read(RowFields fields, long line)
    {
        var read = new CheckedFields(fields);
        var record = ReadRecord(read, out var hasOwnCost);
        var wrong = read.Wrong ?? SqliteLedgerStore.WhyNot(record!);
        return wrong is not null
            ? new SourceRow(line) { Wrong = wrong }
            : new SourceRow(line) { Record = record, HasOwnCost = hasOwnCost, NeedsId = fields["id"] is null, NamesNoTime = read.Text("at") is null };
    }

    private UsageRecord? ReadRecord(CheckedFields fields, out bool hasOwnCost)
    {
        fields.RefuseUnknown();
        foreach (var name in s_said)
        {
            if (fields.Text(name) is { } text && string.IsNullOrWhiteSpace(text))
            {
                fields.Refuse($"\"{name}\" is empty");
            }
        }

        var status = fields.Word(s_statuses, "status", CallStatus.Ok);
        var layer = fields.Word(s_layers, "cache_layer", CacheLayer.None);
        var usage = RowUsage.Read(fields, status, out var isCounted);
        var at = ReadTime(fields);
        var latency = fields.Milliseconds("latency_ms") ?? TimeSpan.Zero;
        var cost = RowCost.Read(fields, out hasOwnCost, out var isGiven);
        var attribution = ReadAttribution(fields);
        var native = fields.Decimal("native_cost");
        var currency = fields.Text("currency") ?? "USD";
        var attempt = fields.Count("attempt") ?? 1;
        var fxDate = fields.Day("fx_date");
        var (rate, streamed, first) = (fields.Decimal("fx_rate"), fields.Flag("streamed"), fields.Milliseconds("first_chunk_ms"));
        if (attempt is < 1 or > int.MaxValue)
        {
            fields.Refuse("\"attempt\" is counted from 1");
        }

        if (native < 0m || rate <= 0m)
        {
            fields.Refuse("\"native_cost\" or \"fx_rate\" is negative");
        }

        if (!isCounted && !hasOwnCost)
        {
            // Priced, a call that says neither what it used nor what it cost would be free.
            usage = TokenUsage.None;
        }

        // A time that is not there is the present, in which no row has been exported yet.
        var model = fields.Text("model") ?? fields.Text("requested_model");
        return fields.Wrong is not null ? null : new UsageRecord
        {
            Id = fields.Text("id") ?? "-",
            CallId = fields.Text("call_id"),
            Attempt = (int)attempt,
            At = at,
            Operation = fields.Text("operation") ?? "chat",
            Provider = fields.Text("provider"),
            RequestedModel = fields.Text("requested_model") ?? (fields.Has("requested_model") ? null : model),
            Model = fields.Has("model") ? fields.Text("model") : model,
            Status = status,
            Cost = cost with { Usage = usage, CacheLayer = layer },
            Currency = currency,
            NativeCost = native ?? (isGiven && currency == "USD" ? cost.Amount?.Usd : null),
            FxRate = rate,
            FxDate = fxDate,
            UsageSource = fields.Text("usage_source") ?? "provider",
            Flags = isGiven ? UsageFlags.Add(fields.Text("flags"), UsageFlags.GivenCost) : fields.Text("flags"),
            ServiceTier = fields.Text("service_tier"),
            Region = fields.Text("region"),
            FinishReason = fields.Text("finish_reason"),
            Error = fields.Text("error"),
            Latency = latency,
            TimeToFirstChunk = first,
            Streamed = streamed,
            Attribution = attribution,
            TraceId = fields.Text("trace_id"),
            SpanId = fields.Text("span_id"),
            ResponseId = fields.Text("response_id"),
        };
    }

    private static Attribution ReadAttribution(CheckedFields fields)
    {
        try
        {
            return Attribution.Create(
                fields.Text("tenant"), fields.Text("project"), fields.Text("user"), fields.Text("team"), fields.Text("feature"), fields.Text("session"), fields.Text("agent"), fields.Tags);
        }
        catch (ArgumentException refusal)
        {
            fields.Refuse($"\"{refusal.ParamName}\": {refusal.Message.Split(" (Parameter", 2)[0].TrimEnd('.')}");
            return Attribution.None;
        }
    }

    private DateTimeOffset ReadTime(CheckedFields fields)
    {
        if (fields.Text("at") is not { } text)
        {
            if (now is null)
            {
                fields.Refuse("has no \"at\": when the call was made decides its day and its price");
            }

            return now ?? default;
        }

        if (!Instants.TryParse(text, out var at))
        {
            fields.Refuse($"\"at\" ('{CheckedFields.Short(text)}') is not a time like 2026-08-20T14:30:00Z");
        }
        else if (!CanBe(at))
        {
            fields.Refuse($"\"at\" ('{CheckedFields.Short(text)}') is before any model was called, or after any day that can be reported");
        }

        return at;
    }
}
