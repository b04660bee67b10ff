using LlmCostCache.AI.Cli.Pricing;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Cli.Completion;

/// <summary>Names out of the ledger and the price book. A ledger that is missing, locked or damaged has none: nobody wants to read about that while typing.</summary>
internal sealed class CompletionNames(CliHost host)
{
    private const int MostNames = 1_000;

    private static readonly Dictionary<string, string> s_columns = new(StringComparer.Ordinal)
    {
        ["--model"] = "model",
        ["--for"] = "model",
        ["--provider"] = "provider",
        ["--tenant"] = "tenant",
        ["--project"] = "project",
        ["--team"] = "team",
        ["--user"] = "user",
        ["--feature"] = "feature",
        ["--agent"] = "agent",
    };

    /// <summary>What calls of the ledger have said there; nothing for options that no sum is kept of.</summary>
    public IReadOnlyList<string> OfOption(string option, string? home) => s_columns.TryGetValue(option, out var column) ? InLedger($"SELECT DISTINCT {column} FROM dimension WHERE {column} IS NOT NULL LIMIT {MostNames}", home) : [];

    public IReadOnlyList<string> Budgets(string? home) => InLedger($"SELECT DISTINCT name FROM budget WHERE name IS NOT NULL LIMIT {MostNames}", home);

    /// <summary>Models that the ledger knows, and those of the price book.</summary>
    public IEnumerable<string> Models(string? home) => OfOption("--model", home).Concat(InBook(home));

    /// <summary>The shell has not put a directory in the place of the tilde yet.</summary>
    private string HomeOf(string? home) => CommonOptions.HomeOf(home?.StartsWith("~/", StringComparison.Ordinal) == true ? $"{host.Environment("HOME")}{home[1..]}" : home, host);

    private IEnumerable<string> InBook(string? home)
    {
        try
        {
            return [.. BookView.Effective(PriceBook.Load(new LlmCostsOptions(), HomeOf(home), host.Environment), host.Time.GetUtcNow(), null).Entries.Select(item => item.Entry.Id)];
        }
        catch (Exception unreadable) when (unreadable is LlmCostException or UsageException)
        {
            return [];
        }
    }

    private List<string> InLedger(string select, string? home)
    {
        var found = new List<string>();
        try
        {
            var path = HomeOf(home);
            if (SqliteLedgerStore.Exists(path))
            {
                using var connection = LedgerFile.OpenForReading(LedgerFile.PathIn(path));
                using var names = new SqliteStatement(connection, select);
                while (names.Step())
                {
                    found.Add(names.Text(0));
                }
            }
        }
        catch (Exception unreadable) when (unreadable is LlmCostException or UsageException or SqliteException or IOException or UnauthorizedAccessException)
        {
            // Those that were read are names too.
        }

        return found;
    }
}
