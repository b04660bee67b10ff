using System.Buffers;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>The row that is booked when a reservation expires, as the JSON text that waits beside it.</summary>
internal static class ReservationRecord
{
    private const int MostKept = 64 << 10;

    // One for each reservation would be most of what a reservation allocates.
    [ThreadStatic]
    private static (ArrayBufferWriter<byte> Text, Utf8JsonWriter Json) t_writer;

    /// <summary>The text, in UTF-8.</summary>
    public static byte[] Write(UsageRecord record, Money dearest)
    {
        if (t_writer.Text is not { Capacity: <= MostKept } text)
        {
            text = new ArrayBufferWriter<byte>(1024);
            t_writer = (text, new Utf8JsonWriter(text));
        }

        var json = t_writer.Json;
        text.ResetWrittenCount();
        json.Reset();
        json.WriteStartObject();
        json.WriteString("call_id", record.CallId ?? record.Id);
        json.WriteNumber("attempt", record.Attempt);
        json.WriteNumber("at", LedgerTime.Micros(record.At));
        json.WriteString("operation", record.Operation);
        Name("provider", record.Provider);
        Name("requested_model", record.RequestedModel);
        Name("model", record.Model);
        Name("model_key", record.ModelKey);
        json.WriteString("currency", record.Currency);
        Name("service_tier", record.ServiceTier);
        Name("region", record.Region);
        json.WriteBoolean("streamed", record.Streamed);
        Name("price_revision", record.Cost.PriceRevision);

        // Without any hold nothing says how dear the attempt could have been, unless its price is known.
        if (dearest == Money.Zero && record.Cost.Certainty == CostCertainty.Unknown)
        {
            json.WriteNull("high");
        }
        else
        {
            json.WriteNumber("high", record.Cost is { Certainty: not CostCertainty.Unknown, Amount: { } amount } ? Money.Max(amount, dearest).Nanos : dearest.Nanos);
        }

        Name("tenant", record.Attribution.Tenant);
        Name("project", record.Attribution.Project);
        Name("team", record.Attribution.Team);
        Name("user", record.Attribution.User);
        Name("feature", record.Attribution.Feature);
        Name("session", record.Attribution.Session);
        Name("agent", record.Attribution.Agent);
        Name("tags", LedgerTags.Write(record.Attribution.Tags));
        Name("trace_id", record.TraceId);
        Name("span_id", record.SpanId);
        json.WriteEndObject();
        json.Flush();
        return text.WrittenSpan.ToArray();

        // Most names are not given, and what is not there is neither written nor stored.
        void Name(string name, string? value)
        {
            if (value is not null)
            {
                json.WriteString(name, value);
            }
        }
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
            Provider = Name("provider"),
            RequestedModel = Name("requested_model"),
            Model = Name("model"),
            ModelKey = Name("model_key"),
            Status = CallStatus.Assumed,
            Certainty = high is null ? CostCertainty.Unknown : CostCertainty.Bounded,
            CostNanos = high,
            LowNanos = high is null ? null : 0,
            HighNanos = high,
            BookedNanos = high ?? 0,
            Unpriced = high is null ? 1 : 0,
            Currency = json.GetProperty("currency").GetString()!,
            PriceRevision = Name("price_revision"),
            Reason = "no outcome was reported before the reservation's deadline; what was held is booked",
            UsageSource = "none",
            ServiceTier = Name("service_tier"),

            Region = Name("region"),
            Streamed = json.GetProperty("streamed").GetBoolean(),
            Attribution = new Attribution
            {
                Tenant = Name("tenant"),
                Project = Name("project"),
                Team = Name("team"),
                User = Name("user"),
                Feature = Name("feature"),
                Session = Name("session"),
                Agent = Name("agent"),
                Tags = LedgerTags.Read(Name("tags")),
            },
            TraceId = Name("trace_id"),
            SpanId = Name("span_id"),
        };

        string? Name(string name) => json.TryGetProperty(name, out var value) ? SoundText.Of(value.GetString()) : null;
    }
}
