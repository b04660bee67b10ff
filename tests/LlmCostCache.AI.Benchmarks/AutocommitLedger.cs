using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>The ledger one writes by hand: a prepared INSERT, each in its own transaction, under a lock. The columns are those of ours, the index is on the id.</summary>
internal sealed class AutocommitLedger : IDisposable
{
    private static readonly string[] s_columns = [.. LedgerBook.Columns.Split(',', StringSplitOptions.TrimEntries)];

    private readonly Lock _lock = new();
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _insert;

    public AutocommitLedger(string path)
    {
        _connection = new SqliteConnection($"Data Source={path};Pooling=False");
        _connection.Open();
        Execute("PRAGMA journal_mode = WAL");
        Execute("PRAGMA synchronous = FULL");
        Execute($"CREATE TABLE entry ({string.Join(", ", s_columns.Select(c => c == "seq" ? "seq INTEGER PRIMARY KEY" : c == "id" ? "id TEXT NOT NULL UNIQUE" : c))})");
        _insert = _connection.CreateCommand();
        _insert.CommandText = $"INSERT INTO entry ({string.Join(", ", s_columns.Skip(1))}) VALUES ({string.Join(", ", s_columns.Skip(1).Select(c => "$" + c))})";
        foreach (var column in s_columns.Skip(1))
        {
            _insert.Parameters.Add(new SqliteParameter("$" + column, DBNull.Value));
        }

        _insert.Prepare();
    }

    public void Append(UsageRecord record)
    {
        lock (_lock)
        {
            Set("id", record.Id);
            Set("kind", "call");
            Set("call_id", record.Id);
            Set("attempt", record.Attempt);
            Set("at", record.At.UtcTicks / 10);
            Set("recorded_at", record.At.UtcTicks / 10);
            Set("operation", record.Operation);
            Set("provider", record.Provider);
            Set("requested_model", record.RequestedModel);
            Set("model", record.Model);
            Set("status", "ok");
            Set("certainty", "known");
            Set("cost_nanos", record.Cost.High.Nanos);
            Set("cost_low_nanos", record.Cost.Low.Nanos);
            Set("cost_high_nanos", record.Cost.High.Nanos);
            Set("booked_nanos", record.Cost.High.Nanos);
            Set("unpriced", 0);
            Set("saved_nanos", record.Cost.Saved.Nanos);
            Set("uncached_input_tokens", record.Cost.Usage.UncachedInputTokens);
            Set("cached_input_tokens", record.Cost.Usage.CachedInputTokens);
            Set("output_tokens", record.Cost.Usage.OutputTokens);
            Set("requests", record.Cost.Usage.Requests);
            Set("currency", record.Currency);
            Set("price_revision", record.Cost.PriceRevision);
            Set("usage_source", record.UsageSource);
            Set("finish_reason", record.FinishReason);
            Set("latency_ms", (long)record.Latency.TotalMilliseconds);
            Set("streamed", 0);
            Set("tenant", record.Attribution.Tenant);
            Set("project", record.Attribution.Project);
            Set("team", record.Attribution.Team);
            Set("user", record.Attribution.User);
            Set("feature", record.Attribution.Feature);
            Set("response_id", record.ResponseId);
            _insert.ExecuteNonQuery();
        }
    }

    public void InOneTransaction(Action append)
    {
        using var transaction = _connection.BeginTransaction();
        _insert.Transaction = transaction;
        append();
        transaction.Commit();
    }

    public void Dispose()
    {
        _insert.Dispose();
        _connection.Dispose();
    }

    private void Set(string column, object? value) => _insert.Parameters["$" + column].Value = value ?? DBNull.Value;

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = string.Create(CultureInfo.InvariantCulture, $"{sql}");
        command.ExecuteNonQuery();
    }
}
