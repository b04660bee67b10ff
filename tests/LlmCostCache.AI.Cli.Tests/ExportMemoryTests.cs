using LlmCostCache.AI.Cli.Exchange;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>Exports hold a page or a group of rows, however many there are.</summary>
[Collection(nameof(Alone))]
public class ExportMemoryTests
{
    private static int Rows => TestSize.IsFull ? 1_000_000 : TestSize.IsCi ? 300_000 : 30_000;

    [Fact]
    public async Task Csv_and_focus_keep_the_same_memory_for_any_number_of_rows()
    {
        // The peak of live memory of many rows is compared with that of a few; a kept row has more than a kilobyte.
        foreach (var write in new Func<IAsyncEnumerable<UsageRecord>, Task>[]
        {
            rows => LedgerExport.WriteAsync(rows, LedgerExportFormat.Csv, static (_, _) => default, default).AsTask(),
            rows => new FocusExport("a").WriteCsvAsync(new FocusCharges(PriceBook.BuiltIn).OfAsync(rows, default), Stream.Null, default),
        })
        {
            var few = await PeakAsync(write, 1_000);
            var many = await PeakAsync(write, Rows);

            Assert.True(many - few < 4_000_000, $"{many - few:N0} bytes more for {Rows:N0} rows than for 1,000.");
        }
    }

    [Theory]
    [InlineData("parquet")]
    [InlineData("focus-parquet")]
    public async Task Parquet_keeps_a_group_of_rows_and_a_few_bytes_for_the_index_at_its_end(string format)
    {
        Func<IAsyncEnumerable<UsageRecord>, Task> write = format == "parquet"
            ? static rows => ParquetExport.WriteAsync(rows, Stream.Null, default)
            : static rows => new FocusExport("a").WriteParquetAsync(new FocusCharges(PriceBook.BuiltIn).OfAsync(rows, default), Stream.Null, default);

        // Memory is looked at five times, when a group is full. The first group fills the pools; after that only the index may grow.
        var rows = 5 * ParquetLine.GroupRows * (TestSize.IsFull ? 10 : 3);
        var kept = await LiveAsync(write, rows);
        var grown = kept[^1] - kept[1];

        // 60 columns, each with some hundred bytes for every group of 10,000 lines, of which FOCUS makes several of a row; a kept row has more than a kilobyte.
        Assert.True(grown < 100L * rows * 3 / 5, $"{grown:N0} bytes more after {rows:N0} rows than after {rows * 2 / 5:N0}.");
    }

    private static async Task<long> PeakAsync(Func<IAsyncEnumerable<UsageRecord>, Task> write, int count) => Math.Max(0, (await LiveAsync(write, count)).Max());

    /// <summary>What is kept after each fifth of the rows.</summary>
    private static async Task<List<long>> LiveAsync(Func<IAsyncEnumerable<UsageRecord>, Task> write, int count)
    {
        var (before, kept) = (GC.GetTotalMemory(forceFullCollection: true), new List<long>());
        await write(Many());
        return kept;

        async IAsyncEnumerable<UsageRecord> Many()
        {
            for (var i = 0; i < count; i++)
            {
                yield return SampleHome.Call("2026-11-20T10:00:00Z", 0.25m, user: i.ToString(System.Globalization.CultureInfo.InvariantCulture));
                if (i % Math.Max(1, count / 5) == count / 5 - 1)
                {
                    await Task.Yield();
                    kept.Add(GC.GetTotalMemory(forceFullCollection: true) - before);
                }
            }
        }
    }

    /// <summary>What other tests keep at the same time must not be measured.</summary>
    [CollectionDefinition(nameof(Alone), DisableParallelization = true)]
    public sealed class Alone;
}
