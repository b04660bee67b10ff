using System.Buffers;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>A hold as the ledger keeps it: which window, and how much in the unit of its budget.</summary>
internal readonly record struct StoredHold(string Budget, string Key, long StartsAt, long Amount)
{
    /// <summary>The holds of a request, the most for each window.</summary>
    public static List<StoredHold> Of(IReadOnlyList<Hold> holds)
    {
        var merged = new List<StoredHold>(holds.Count);
        foreach (var hold in holds)
        {
            var stored = new StoredHold(hold.Window.Budget.Id, hold.Window.Key, LedgerTime.Micros(hold.Window.StartsAt), hold.Amount.Count);
            var same = merged.FindIndex(stored.IsOfWindowOf);
            if (same < 0)
            {
                merged.Add(stored);
            }
            else if (merged[same].Amount < stored.Amount)
            {
                merged[same] = stored;
            }
        }

        return merged;
    }

    /// <summary>Holds as the text in their reservation's row: <c>[["budget","key",starts_at,amount],...]</c>.</summary>
    public static byte[] Write(List<StoredHold> holds)
    {
        var text = new ArrayBufferWriter<byte>(128);
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartArray();
            foreach (var hold in holds)
            {
                json.WriteStartArray();
                json.WriteStringValue(hold.Budget);
                json.WriteStringValue(hold.Key);
                json.WriteNumberValue(hold.StartsAt);
                json.WriteNumberValue(hold.Amount);
                json.WriteEndArray();
            }

            json.WriteEndArray();
        }

        return text.WrittenSpan.ToArray();
    }

    /// <summary>Reads them back; what cannot be read holds nothing, and the counters of its windows then say so.</summary>
    public static List<StoredHold> Read(ReadOnlySpan<byte> text)
    {
        var holds = new List<StoredHold>();
        try
        {
            var json = new Utf8JsonReader(text);
            Expect(json.Read() && json.TokenType == JsonTokenType.StartArray);
            while (json.Read() && json.TokenType == JsonTokenType.StartArray)
            {
                var (budget, key) = (Text(ref json), Text(ref json));
                holds.Add(new StoredHold(budget, key, Number(ref json), Number(ref json)));
                Expect(json.Read() && json.TokenType == JsonTokenType.EndArray);
            }

            return holds;
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private bool IsOfWindowOf(StoredHold other) => StartsAt == other.StartsAt && Budget == other.Budget && Key == other.Key;

    private static string Text(ref Utf8JsonReader json)
    {
        Expect(json.Read() && json.TokenType == JsonTokenType.String);
        return json.GetString()!;
    }

    private static long Number(ref Utf8JsonReader json)
    {
        var number = 0L;
        Expect(json.Read() && json.TokenType == JsonTokenType.Number && json.TryGetInt64(out number));
        return number;
    }

    private static void Expect(bool isSo)
    {
        if (!isSo)
        {
            throw new JsonException("Not the holds of a reservation.");
        }
    }
}
