using System.Collections.Frozen;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>The ledger as parquet: the fields of the other exports, and the amounts as decimals beside their nano-dollars.</summary>
internal static class ParquetExport
{
    private static readonly UsageRecord s_sample = new() { Id = "", At = DateTimeOffset.UnixEpoch };

    /// <summary>What is not in US dollars may have any number of digits.</summary>
    private static readonly FrozenSet<string> s_asText = FrozenSet.Create(StringComparer.Ordinal, "native_cost", "fx_rate");

    public static Task<long> WriteAsync(IAsyncEnumerable<UsageRecord> rows, Stream destination, CancellationToken cancellationToken) =>
        TableExport.WriteParquetAsync(rows, Write, s_sample, s_asText, destination, cancellationToken);

    private static void Write(ExportLine line, UsageRecord row)
    {
        LedgerExport.Write(line, row);
        line.Decimal("cost_usd", row.Cost.Amount?.Usd);
        line.Decimal("saved_usd", row.Cost.Saved.Usd);
    }
}
