using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Asks a ledger, without writing to it, what it holds of rows that come from elsewhere.</summary>
internal sealed class LedgerLookup : IDisposable
{
    private const long MicrosPerDay = 86_400_000_000;

    private readonly SqliteConnection _connection;
    private readonly List<SqliteStatement> _statements = [];
    private readonly LedgerArchiveBook _archive;
    private readonly LedgerCounterpart _counterpart;

    /// <exception cref="StoreUnavailableException">It cannot be read.</exception>
    public LedgerLookup(string path)
    {
        _connection = LedgerFile.OpenForReading(path);
        _archive = new LedgerArchiveBook(_connection, Prepare);
        _archive.Refresh();
        _counterpart = new LedgerCounterpart(Prepare, _archive);
    }

    public static long DayOf(DateTimeOffset at) => Math.DivRem(LedgerTime.Micros(at), MicrosPerDay) is var (day, rest) && rest < 0 ? day - 1 : day;

    public IntakeOutcome Judge(UsageRecord record, bool hasOwnCost) => _counterpart.Judge(LedgerEntry.Of(record), hasOwnCost);

    public IntakeOutcome Judge(ForeignRow row, bool willHaveCall) => _counterpart.Judge(row, willHaveCall);

    public bool Has(string id) => _counterpart.Find(id) is not null;

    /// <summary>When the call of this id was made; null when there is none.</summary>
    public DateTimeOffset? TimeOf(string id) => _counterpart.Find(id) is { IsAdjustment: false } call ? LedgerTime.Instant(call.At) : null;

    /// <summary>The days (since 1970, UTC) of the rows whose ids begin so, and what follows there in the ids, this many characters.</summary>
    public Dictionary<long, HashSet<string>> DaysOf(string idPrefix, int then)
    {
        var days = new Dictionary<long, HashSet<string>>();
        Add(_connection);
        var archives = new LedgerArchives(_connection);
        foreach (var archive in archives.Between(long.MinValue, long.MaxValue))
        {
            using var file = archives.Open(archive);
            Add(file);
        }

        return days;

        void Add(SqliteConnection file)
        {
            using var select = new SqliteStatement(file, "SELECT DISTINCT at, substr(id, ?3, ?4) FROM entry WHERE id >= ?1 AND id < ?2");
            select.Bind(1, idPrefix).Bind(2, idPrefix + char.MaxValue).Bind(3, idPrefix.Length + 1).Bind(4, then);
            while (select.Step())
            {
                var day = DayOf(LedgerTime.Instant(select.Int64(0)));
                if (!days.TryGetValue(day, out var found))
                {
                    days.Add(day, found = new(StringComparer.Ordinal));
                }

                found.Add(select.Text(1));
            }
        }
    }

    public void Dispose()
    {
        _archive.Dispose();
        _statements.ForEach(static statement => statement.Dispose());
        _connection.Dispose();
    }

    private SqliteStatement Prepare(string sql)
    {
        var statement = new SqliteStatement(_connection, sql);
        _statements.Add(statement);
        return statement;
    }
}
