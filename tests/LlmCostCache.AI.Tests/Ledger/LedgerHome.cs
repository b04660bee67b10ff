using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>A temporary home directory with a clock, and short ways to say what tests of the ledger say often.</summary>
internal sealed class LedgerHome : IAsyncDisposable
{
    public static readonly DateTimeOffset Noon = new(2026, 8, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly List<SqliteLedgerStore> _stores = [];
    private readonly LedgerCalendar _calendar;

    public LedgerHome(TimeZoneInfo? zone = null, bool fast = false)
    {
        var root = fast && Directory.Exists("/dev/shm") ? "/dev/shm" : System.IO.Path.GetTempPath();
        Path = System.IO.Path.Combine(root, "llmcost-test-" + Guid.NewGuid().ToString("N"));
        Fast = fast;
        Options = new LlmCostsOptions { TimeProvider = Clock, TimeZone = zone ?? TimeZoneInfo.Utc };
        _calendar = new LedgerCalendar(Options.TimeZone, DayOfWeek.Monday);
    }

    public string Path { get; }

    public string File => System.IO.Path.Combine(Path, "ledger.db");

    public FakeTimeProvider Clock { get; } = new(Noon);

    public LlmCostsOptions Options { get; }

    private bool Fast { get; }

    public SqliteLedgerStore Open()
    {
        var store = SqliteLedgerStore.Open(Path, Options, NullLogger.Instance, neverSync: Fast);
        _stores.Add(store);
        return store;
    }

    public UsageRecord Row(string id, long nanos, Attribution? who = null, string? model = "gpt-4o-mini", DateTimeOffset? at = null) => new()
    {
        Id = id,
        At = at ?? Clock.GetUtcNow(),
        Provider = "openai",
        RequestedModel = model,
        Model = model,
        Cost = CallCost.Known(Money.FromNanos(nanos)) with { Usage = new TokenUsage { UncachedInputTokens = 10, OutputTokens = 5, Requests = 1 } },
        Attribution = who ?? Attribution.None,
    };

    /// <summary>An amount in the unit of the budget.</summary>
    public Hold Hold(Budget budget, long nanos, string key = "", DateTimeOffset? at = null)
    {
        var (startsAt, endsAt) = _calendar.WindowOf(budget, at ?? Clock.GetUtcNow());
        return new Hold(new BudgetWindow(budget, key, startsAt, endsAt), BudgetAmount.Of(budget.Unit, nanos), budget.Mode != BudgetMode.Warn);
    }

    public ReservationRequest Request(string id, params Hold[] holds) => new()
    {
        Record = Row(id, 0),
        Holds = [.. holds],
        Timeout = TimeSpan.FromMinutes(10),
    };

    public SqliteConnection Connect()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = File, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    public long Scalar(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    public void Execute(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA foreign_keys = OFF; " + sql;
        command.ExecuteNonQuery();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores)
        {
            await store.DisposeAsync();
        }

        if (Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
        else
        {
            System.IO.File.Delete(Path);
        }
    }
}
