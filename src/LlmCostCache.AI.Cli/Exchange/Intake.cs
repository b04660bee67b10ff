using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LlmCostCache.AI.Cli.Reports;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>
/// Brings rows into the ledger: prices those that came without a cost, and writes a thousand at a time while the next thousand is read. A bad row is named and left out; the
/// others go in.
/// </summary>
internal sealed class Intake : IAsyncDisposable
{
    private readonly SqliteLedgerStore? _store;
    private readonly LedgerLookup? _lookup;
    private readonly PriceBook _prices;
    private readonly AttemptPricing _pricing;
    private readonly AggregatedPricing _aggregated;
    private readonly MonthlyRequests? _requests;
    private readonly Action<long> _progress;
    private readonly Dictionary<UInt128, ulong> _wouldBeNew = [];
    private readonly Dictionary<UInt128, int> _withoutId = [];
    private readonly BucketDays _days;
    private List<(string? File, SourceRow Row)> _batch = new(SqliteLedgerStore.IntakeBatch);
    private (List<(string? File, SourceRow Row)> Batch, Task<IReadOnlyList<IntakeOutcome>> Outcomes)? _writing;

    /// <param name="home">The home directory; made when it is missing, unless nothing is to be written.</param>
    /// <param name="isDryRun">Whether to say only what would happen.</param>
    /// <param name="prices">What rows without a cost are priced with.</param>
    /// <param name="time">The clock.</param>
    /// <param name="progress">Hears how many rows were read.</param>
    /// <param name="word">Hears what is done to bring an older ledger up to date.</param>
    public Intake(string home, bool isDryRun, PriceBook prices, TimeProvider time, Action<long> progress, Action<string>? word = null)
    {
        (_prices, _progress) = (prices, progress);
        _pricing = new AttemptPricing(new LlmCostsOptions(), prices, NullLogger.Instance);
        _aggregated = new AggregatedPricing(_pricing);
        if (!isDryRun)
        {
            LlmCostsHome.Prepare(home);
            _store = SqliteLedgerStore.Open(home, new LlmCostsOptions { TimeProvider = time }, NullLogger.Instance, neverSync: false, word);
            _requests = new MonthlyRequests(prices, _store, time, NullLogger.Instance);
        }

        _lookup = SqliteLedgerStore.Exists(home) ? new LedgerLookup(LedgerFile.PathIn(home)) : null;
        _days = new BucketDays(_lookup);
    }

    public IntakeReport Report { get; } = new();

    /// <summary>The store; null when nothing is to be written.</summary>
    public SqliteLedgerStore? Store => _store;

    /// <summary>
    /// The first and the last instant of the rows that were taken, by provider, for those that reports of a provider add up; and how many of these rows the ledger holds now: in a
    /// dry run only those that were there before.
    /// </summary>
    public Dictionary<string, (DateTimeOffset First, DateTimeOffset Last, long Held)> Spans { get; } = new(StringComparer.Ordinal);

    /// <summary>Takes in what a file or standard input holds.</summary>
    /// <param name="path">What it is called; - is standard input.</param>
    /// <param name="file">The same where there are several; else null.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="UsageException">It cannot be read to its end. The rows before are good ones, and are kept.</exception>
    public async Task ReadAsync(string path, string? file, IAsyncEnumerable<SourceRow> rows, CancellationToken cancellationToken)
    {
        // Rows without an id that are alike are two calls in one input, and one call in two.
        _withoutId.Clear();
        try
        {
            await foreach (var row in rows.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                await AddAsync(file, row, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or InvalidDataException or Microsoft.Data.Sqlite.SqliteException)
        {
            await FlushAsync(cancellationToken).ConfigureAwait(false);
            throw new UsageException($"{(path == "-" ? "standard input" : $"'{path}'")} cannot be read to its end: {unreadable.Message.TrimEnd('.')}. "
                + $"{Amounts.Count(Report.New, "row")} before that {(_store is null ? "would be" : Report.New == 1 ? "was" : "were")} recorded.");
        }
    }

    public async ValueTask AddAsync(string? file, SourceRow row, CancellationToken cancellationToken)
    {
        Report.Read++;
        _progress(Report.Read);
        if (row.Record is null)
        {
            Report.Reject(file, row, row.Wrong!);
            return;
        }

        if (_days.WhyNot(row.Record.Id, row.Record.At, file, lookup => lookup.Judge(row.Record, row.HasOwnCost)) is { } twice)
        {
            Report.Reject(file, row, twice);
            return;
        }

        var record = row.NeedsId ? row.Record with { Id = IdFor(row.Record, row.NamesNoTime) } : row.NamesNoTime ? Dated(row.Record) : row.Record;
        if (!row.HasOwnCost && record.Cost.Certainty == CostCertainty.Unknown)
        {
            record = IsUnbilled(record) ? record with { Cost = record.Cost with { Certainty = CostCertainty.Known, Amount = Money.Zero, Low = Money.Zero, High = Money.Zero } }
                : record.Cost.Usage == TokenUsage.None ? record with { Cost = record.Cost with { Reason = record.Cost.Reason ?? "neither counts nor a cost were given" } }
                : await PriceAsync(record, row, cancellationToken).ConfigureAwait(false);
        }

        _batch.Add((file, row with { Record = record with { ModelKey = _prices.Find(record.Provider, record.RequestedModel, record.At)?.Model } }));
        if (_batch.Count == SqliteLedgerStore.IntakeBatch)
        {
            await SendAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until every row that was added is on the disk.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        await SendAsync(cancellationToken).ConfigureAwait(false);
        await SettleAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _lookup?.Dispose();
        if (_store is not null)
        {
            await _store.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Whether no provider was paid, whatever was counted.</summary>
    private static bool IsUnbilled(UsageRecord record) => record.Status is CallStatus.Cached or CallStatus.Coalesced or CallStatus.Blocked or CallStatus.Failed;

    /// <summary>A row that names no time is of this moment, unless it names a call that is there: then it is of the moment of that one.</summary>
    private UsageRecord Dated(UsageRecord record) => _lookup?.TimeOf(record.Id) is { } at ? record with { At = at } : record;

    private async ValueTask<UsageRecord> PriceAsync(UsageRecord record, SourceRow row, CancellationToken cancellationToken)
    {
        if (_requests is not null && _prices.FindStepped(record.Provider, record.Model, record.At) is not null)
        {
            // A price with steps asks how many requests went before, and those that wait here did.
            await FlushAsync(cancellationToken).ConfigureAwait(false);
            record = record with { RequestsBefore = await _requests.BeforeRecordedAsync(record.Provider, record.Model, record.At).ConfigureAwait(false) };
        }

        return row.Bucket is not null ? _aggregated.Price(record, row.Prompts) : _pricing.Price(record, record.Cost.Usage, record.ServiceTier, host: null);
    }

    /// <summary>At most one batch is on its way, so that memory stays the same however fast rows come.</summary>
    private async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        await SettleAsync().ConfigureAwait(false);
        if (_batch.Count > 0)
        {
            _writing = (_batch, WriteAsync(_batch, cancellationToken));
            _batch = new(SqliteLedgerStore.IntakeBatch);
        }
    }

    private async ValueTask SettleAsync()
    {
        if (_writing is var (batch, writing))
        {
            _writing = null;
            var outcomes = await writing.ConfigureAwait(false);
            for (var i = 0; i < batch.Count; i++)
            {
                Count(batch[i].File, batch[i].Row, outcomes[i]);
            }
        }
    }

    private async Task<IReadOnlyList<IntakeOutcome>> WriteAsync(List<(string? File, SourceRow Row)> batch, CancellationToken cancellationToken) => _store is null
        ? [.. batch.Select(item => WouldBe(item.Row))]
        : await _store.TakeInAsync([.. batch.Select(item => new IntakeRow(item.Row.Record!, item.Row.HasOwnCost))], cancellationToken).ConfigureAwait(false);

    private IntakeOutcome WouldBe(SourceRow row)
    {
        var record = row.Record!;
        var outcome = _lookup?.Judge(record, row.HasOwnCost) ?? IntakeOutcome.New;
        if (outcome != IntakeOutcome.New)
        {
            return outcome;
        }

        var (id, content) = (HashOf(record.Id), (ulong)HashOf(UsageRecordJson.Serialize(record)));
        return _wouldBeNew.TryAdd(id, content) ? IntakeOutcome.New : _wouldBeNew[id] == content ? IntakeOutcome.Known : IntakeOutcome.Differs;
    }

    private void Count(string? file, SourceRow row, IntakeOutcome outcome)
    {
        var record = row.Record!;
        switch (outcome)
        {
            case IntakeOutcome.New:
                Report.New++;
                Report.Unpriced += record.Cost.Amount is null ? 1 : 0;
                Report.Cost += record.Cost.Amount ?? Money.Zero;
                Note(row, record, held: _store is null ? 0 : 1);
                break;
            case IntakeOutcome.Known:
                Report.Known++;
                Note(row, record, held: _wouldBeNew.ContainsKey(HashOf(record.Id)) ? 0 : 1);
                break;
            case IntakeOutcome.TooLarge:
                Report.Reject(file, row, "makes a sum of the ledger larger than it can hold");
                break;
            default:
                Report.Reject(file, row, row.Bucket is null
                    ? $"has the id '{record.Id}', under which the ledger holds another row; that one stays"
                    : "was imported before with other numbers; what the ledger holds stays");
                break;
        }
    }

    private void Note(SourceRow row, UsageRecord record, int held)
    {
        if (row.Bucket is { } kind)
        {
            var span = Spans.GetValueOrDefault(kind.Provider, (record.At, record.At, 0));
            Spans[kind.Provider] = (record.At < span.Item1 ? record.At : span.Item1, record.At > span.Item2 ? record.At : span.Item2, span.Item3 + held);
        }
    }

    /// <summary>
    /// The same row without an id gets the same id each time it is read, and two that are alike in one input get two. A row that names no time is of this moment, and new.
    /// </summary>
    private string IdFor(UsageRecord record, bool namesNoTime)
    {
        if (namesNoTime)
        {
            return AttemptId.New();
        }

        var hash = HashOf(UsageRecordJson.Serialize(record with { Id = "", Cost = record.Cost with { Reason = null } }));
        var before = _withoutId.GetValueOrDefault(hash);
        _withoutId[hash] = before + 1;
        return string.Create(CultureInfo.InvariantCulture, $"record-{hash:x32}{(before == 0 ? "" : $"-{before + 1}")}");
    }

    private static UInt128 HashOf(string text)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
        return new UInt128(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash, 8));
    }
}
