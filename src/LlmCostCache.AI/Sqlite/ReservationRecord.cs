using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>The row that is booked when a reservation expires, as the JSON text that waits beside it.</summary>
internal static class ReservationRecord
{
    public static string Write(UsageRecord record, Money dearest)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("call_id", record.CallId ?? record.Id);
            json.WriteNumber("attempt", record.Attempt);
            json.WriteNumber("at", LedgerTime.Micros(record.At));
            json.WriteString("operation", record.Operation);
            json.WriteString("provider", record.Provider);
            json.WriteString("requested_model", record.RequestedModel);
            json.WriteString("model", record.Model);
            json.WriteString("model_key", record.ModelKey);
            json.WriteString("currency", record.Currency);
            json.WriteString("service_tier", record.ServiceTier);
            json.WriteString("region", record.Region);
            json.WriteBoolean("streamed", record.Streamed);
            json.WriteString("price_revision", record.Cost.PriceRevision);

            // Without any hold nothing says how dear the attempt could have been, unless its price is known.
            if (dearest == Money.Zero && record.Cost.Certainty == CostCertainty.Unknown)
            {
                json.WriteNull("high");
            }
            else
            {
                json.WriteNumber("high", record.Cost is { Certainty: not CostCertainty.Unknown, Amount: { } amount } ? Money.Max(amount, dearest).Nanos : dearest.Nanos);
            }

            json.WriteString("tenant", record.Attribution.Tenant);
            json.WriteString("project", record.Attribution.Project);
            json.WriteString("team", record.Attribution.Team);
            json.WriteString("user", record.Attribution.User);
            json.WriteString("feature", record.Attribution.Feature);
            json.WriteString("session", record.Attribution.Session);
            json.WriteString("agent", record.Attribution.Agent);
            json.WriteString("tags", LedgerTags.Write(record.Attribution.Tags));
            json.WriteString("trace_id", record.TraceId);
            json.WriteString("span_id", record.SpanId);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>The row of a reservation whose text is lost: the amount is all that is known, and who it was for as far as the budgets say it.</summary>
    public static LedgerEntry WithoutWords(string id, string callId, int attempt, long at, long amount, Attribution who, string? model) => new()
    {
        Id = id,
        CallId = callId,
        Attempt = attempt,
        At = at,
        Operation = "chat",
        RequestedModel = model,
        Model = model,
        Status = CallStatus.Assumed,
        Certainty = amount == 0 ? CostCertainty.Unknown : CostCertainty.Bounded,
        CostNanos = amount == 0 ? null : amount,
        LowNanos = amount == 0 ? null : 0,
        HighNanos = amount == 0 ? null : amount,
        BookedNanos = amount,
        Unpriced = amount == 0 ? 1 : 0,
        Currency = "USD",
        Reason = "no outcome was reported before the reservation's deadline, and what was written down for it cannot be read; what was held is booked",
        UsageSource = "none",
        Attribution = who,
    };

    public static LedgerEntry Expired(string id, string text)
    {
        using var document = JsonDocument.Parse(text);
        var json = document.RootElement;
        var high = json.GetProperty("high") is { ValueKind: JsonValueKind.Number } number ? number.GetInt64() : (long?)null;
        return new LedgerEntry
        {
            Id = id,
            CallId = json.GetProperty("call_id").GetString()!,
            Attempt = json.GetProperty("attempt").GetInt32(),
            At = json.GetProperty("at").GetInt64(),
            Operation = json.GetProperty("operation").GetString()!,
            Provider = json.GetProperty("provider").GetString(),
            RequestedModel = json.GetProperty("requested_model").GetString(),
            Model = json.GetProperty("model").GetString(),
            ModelKey = json.GetProperty("model_key").GetString(),
            Status = CallStatus.Assumed,
            Certainty = high is null ? CostCertainty.Unknown : CostCertainty.Bounded,
            CostNanos = high,
            LowNanos = high is null ? null : 0,
            HighNanos = high,
            BookedNanos = high ?? 0,
            Unpriced = high is null ? 1 : 0,
            Currency = json.GetProperty("currency").GetString()!,
            PriceRevision = json.GetProperty("price_revision").GetString(),
            Reason = "no outcome was reported before the reservation's deadline; what was held is booked",
            UsageSource = "none",
            ServiceTier = json.GetProperty("service_tier").GetString(),

            // A reservation that was made before there were regions has none.
            Region = json.TryGetProperty("region", out var region) ? region.GetString() : null,
            Streamed = json.GetProperty("streamed").GetBoolean(),
            Attribution = new Attribution
            {
                Tenant = json.GetProperty("tenant").GetString(),
                Project = json.GetProperty("project").GetString(),
                Team = json.GetProperty("team").GetString(),
                User = json.GetProperty("user").GetString(),
                Feature = json.GetProperty("feature").GetString(),
                Session = json.GetProperty("session").GetString(),
                Agent = json.GetProperty("agent").GetString(),
                Tags = LedgerTags.Read(json.GetProperty("tags").GetString()),
            },
            TraceId = json.GetProperty("trace_id").GetString(),
            SpanId = json.GetProperty("span_id").GetString(),
        };
    }
}
