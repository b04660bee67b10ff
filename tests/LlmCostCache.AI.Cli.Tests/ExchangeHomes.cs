using System.Collections.Immutable;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>What several tests do with homes whose rows go from one to the other.</summary>
internal static class ExchangeHomes
{
    /// <summary>Writes rows as they are, and corrects every seventh of them afterwards.</summary>
    public static async Task WriteAsync(string home, IEnumerable<UsageRecord> records, bool corrects = true)
    {
        await using var costs = LlmCosts.Open(options =>
        {
            options.HomeDirectory = home;
            options.TimeProvider = CacheHome.Clock;
        });
        var number = 0;
        foreach (var record in records)
        {
            await costs.Store.AppendAsync(record);
            if (corrects && number++ % 7 == 3)
            {
                await CorrectAsync(costs, record);
            }
        }
    }

    public static ValueTask CorrectAsync(LlmCosts costs, UsageRecord record, long nanos = 1_234) =>
        costs.Store.AdjustAsync(record.Id, CallCost.Known(Money.FromNanos(nanos)) with { Usage = record.Cost.Usage, CacheLayer = record.Cost.CacheLayer }, "tokenizer");

    public static async Task<string> ExportAsync(string home, string format = "jsonl")
    {
        var run = await CliRun.Of("export", "--home", home, "--format", format);
        Assert.Equal((0, ""), (run.Code, run.Error));
        return run.Output;
    }

    /// <summary>The rows whatever their order.</summary>
    public static async Task<ImmutableArray<string>> RowsAsync(string home) => [.. (await ExportAsync(home)).Split('\n').Order(StringComparer.Ordinal)];

    public static async Task VerifyAsync(string home) => Assert.Equal(0, (await CliRun.Of("ledger", "verify", "--home", home)).Code);

    public static string Write(TempHome place, string name, string text)
    {
        var path = Path.Combine(place.Path, name);
        File.WriteAllText(path, text);
        return path;
    }

    public static (long New, long Known, long Rejected) Counts(CliRun run) =>
        (run.Json.GetProperty("new").GetInt64(), run.Json.GetProperty("known").GetInt64(), run.Json.GetProperty("rejected").GetInt64());
}
