using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>
/// The calls in tokenkeeper's SQLite database. It keeps amounts as binary fractions, knows no price for many models and then writes 0 (such rows are priced here), and counts
/// Anthropic's cached tokens beside the prompt instead of inside it.
/// </summary>
internal static class TokenkeeperRows
{
    private static readonly string[] s_columns =
        ["timestamp", "project", "user", "provider", "model", "prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd", "latency_ms", "status", "error"];

    /// <summary>Whether the database has the table of calls, with every column that is read.</summary>
    public static bool IsOne(string path)
    {
        using var connection = SqliteFile.Open(path, SqliteOpenMode.ReadOnly);
        using var select = new SqliteStatement(connection, "SELECT name FROM pragma_table_info('calls')");
        var columns = new HashSet<string>(StringComparer.Ordinal);
        while (select.Step())
        {
            columns.Add(select.Text(0));
        }

        return columns.IsSupersetOf(s_columns);
    }

    public static IEnumerable<SourceRow> Read(string path)
    {
        using var connection = SqliteFile.Open(path, SqliteOpenMode.ReadOnly);

        // Fifteen digits are what a binary fraction keeps of a decimal one.
        using var select = new SqliteStatement(connection, """
            SELECT id, printf('%.6f', timestamp), project, "user", provider, model, prompt_tokens, completion_tokens, cached_tokens, printf('%.15g', cost_usd), latency_ms, status, error
              FROM calls ORDER BY id
            """);
        while (select.Step())
        {
            yield return Read(select);
        }
    }

    private static SourceRow Read(SqliteStatement row)
    {
        var number = row.Int64(0);
        var place = string.Create(CultureInfo.InvariantCulture, $"call {number}");
        var (prompt, completion, cached, latency) = (row.Int64(6), row.Int64(7), row.Int64(8), row.Int64(10));
        var (provider, model, status) = (Named(row.NullableText(4)), Named(row.NullableText(5)), row.NullableText(11));
        if (!decimal.TryParse(row.NullableText(1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) || seconds is <= 0m or > 253_402_300_799m
            || DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond)) is var at && !RowReader.CanBe(at))
        {
            return Wrong("has a timestamp that is no time");
        }

        if (!decimal.TryParse(row.NullableText(9), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var dollars)
            || dollars is < 0m or > GivenCost.Most)
        {
            return Wrong("has a cost that is negative or no number");
        }

        if (prompt < 0 || completion < 0 || cached < 0 || latency < 0)
        {
            return Wrong("has a negative count");
        }

        if (status is not ("success" or "error" or "blocked"))
        {
            return Wrong($"has the status '{status}'");
        }

        var isBeside = provider == "anthropic";
        if (!isBeside && cached > prompt)
        {
            return Wrong($"counts {cached} cached tokens in a prompt of {prompt}");
        }

        var usage = new TokenUsage
        {
            UncachedInputTokens = isBeside ? prompt : prompt - cached,
            CachedInputTokens = cached,
            OutputTokens = completion,
            Requests = status == "blocked" ? 0 : 1,
        };

        // An error without tokens and cost was not billed; one with them may have been. A success without them is one of which nothing was counted, such as a stream that was left.
        var isBilled = dollars > 0m || usage.TotalTokens > 0;
        usage = status == "success" && !isBilled ? TokenUsage.None : usage;
        var outcome = status == "success" ? CallStatus.Ok : status == "blocked" ? CallStatus.Blocked : isBilled ? CallStatus.Assumed : CallStatus.Failed;
        var isCosted = dollars > 0m || outcome is CallStatus.Blocked or CallStatus.Failed;
        var record = new UsageRecord
        {
            Id = Id(number, row),
            At = at,
            Provider = provider,
            RequestedModel = model,
            Model = model,
            Status = outcome,
            Cost = (isCosted ? CallCost.Known(GivenCost.Of(dollars)) with { Reason = dollars > 0m ? "the cost that tokenkeeper recorded" : null } : CallCost.Unknown) with { Usage = usage },
            NativeCost = isCosted ? dollars : null,
            Flags = dollars > 0m ? UsageFlags.Add(UsageFlags.Imported, UsageFlags.GivenCost) : UsageFlags.Imported,
            Error = status == "error" ? TypeOf(row.NullableText(12)) : null,
            Latency = TimeSpan.FromTicks(latency * TimeSpan.TicksPerMillisecond),
            Attribution = Attribution.None with { Project = Named(row.NullableText(2)), User = Named(row.NullableText(3)) },
        };
        return SqliteLedgerStore.WhyNot(record) is { } wrong ? Wrong(wrong) : new SourceRow(number) { Place = place, Record = record, HasOwnCost = isCosted };

        SourceRow Wrong(string what) => new(number) { Place = place, Wrong = what };
    }

    /// <summary>What tokenkeeper writes where nobody said anything.</summary>
    private static string? Named(string? name) => string.IsNullOrWhiteSpace(name) || name is "default" or "unknown" ? null : name.Length > 256 ? name[..256] : name;

    /// <summary>Messages of errors can quote a prompt, so only the type is kept, where there is one.</summary>
    private static string TypeOf(string? message)
    {
        var type = message?.Split(':', '(', ' ')[0] ?? "";
        return type.Length is > 0 and <= 100 && type.All(static symbol => char.IsAsciiLetterOrDigit(symbol) || symbol is '.' or '_')
            && (type.EndsWith("Error", StringComparison.Ordinal) || type.EndsWith("Exception", StringComparison.Ordinal)) ? type : "error";
    }

    private static string Id(long number, SqliteStatement row)
    {
        var text = string.Join('\u001f', Enumerable.Range(1, 8).Select(column => row.NullableText(column)).Prepend(number.ToString(CultureInfo.InvariantCulture)));
        return "tokenkeeper-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
    }
}
