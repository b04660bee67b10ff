using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>The rows of calls and adjustments and where their chain ends, inside the transaction that its caller began. Rows are added, never changed.</summary>
internal sealed class LedgerRows
{
    private readonly LedgerArchiveBook _archive;
    private readonly LedgerRowBinder _row;
    private readonly SqliteStatement _tail, _head, _setMeta, _insert, _exists, _byId, _adjustments;

    private long _lastSequence;
    private byte[] _lastHash = new byte[32];
    private long _sequenceAtBegin;

    public LedgerRows(Func<string, SqliteStatement> prepare, LedgerArchiveBook archive)
    {
        _archive = archive;
        var columns = LedgerBook.FirstColumns + LedgerBook.LaterColumns.Length + 2;
        var parameters = string.Join(", ", Enumerable.Range(1, columns).Select(i => "?" + i.ToString(CultureInfo.InvariantCulture)));
        _tail = prepare("SELECT seq, hash, (SELECT value FROM meta WHERE key = 'head') FROM entry ORDER BY seq DESC LIMIT 1");
        _head = prepare("SELECT value FROM meta WHERE key = 'head'");
        _setMeta = prepare("INSERT INTO meta (key, value) VALUES ('head', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
        _insert = prepare($"INSERT INTO entry ({LedgerBook.Columns}) VALUES ({parameters}) ON CONFLICT (id) DO NOTHING");
        _row = new LedgerRowBinder(_insert, columns);
        _exists = prepare("SELECT 1 FROM entry WHERE id = ?1");
        _byId = prepare($"SELECT {LedgerBook.Columns} FROM entry WHERE id = ?1");
        _adjustments = prepare($"SELECT {LedgerBook.Columns} FROM entry WHERE adjusts = ?1 ORDER BY seq");
    }

    /// <summary>What moved out of the ledger.</summary>
    public LedgerArchiveBook Archive => _archive;

    /// <summary>Whether the transaction has added rows.</summary>
    public bool HasGrown => _lastSequence != _sequenceAtBegin;

    /// <summary>Where the chain ends; what is remembered of it holds for one operation that may be undone.</summary>
    public (long Sequence, byte[] Hash) End
    {
        get => (_lastSequence, _lastHash);
        set => (_lastSequence, _lastHash) = value;
    }

    /// <summary>
    /// The chain goes on behind the end that the ledger noted. When rows at the end were lost or exchanged, the gap stays for everybody to see,
    /// and no later row takes the place of one that is gone.
    /// </summary>
    public void Begin()
    {
        _archive.Refresh();
        (_lastSequence, _lastHash) = (0, new byte[32]);
        string? head = null;
        if (_tail.Step())
        {
            (_lastSequence, _lastHash) = (_tail.Int64(0), _tail.Bytes(1).ToArray());
            head = _tail.NullableText(2);
            _tail.Reset();
        }
        else if (_head.Step())
        {
            head = _head.Text(0);
            _head.Reset();
        }

        if (head is not null && LedgerChain.TryReadHead(head, out var noted, out var hash) && noted >= _lastSequence && noted > 0)
        {
            (_lastSequence, _lastHash) = (noted, hash);
        }

        _sequenceAtBegin = _lastSequence;
    }

    /// <returns>False when there is a row with this id, here or in an archive.</returns>
    public bool Insert(LedgerEntry entry, long recordedAt)
    {
        if (_archive.Holds(entry.Id))
        {
            return false;
        }

        var sequence = _lastSequence + 1;
        var hash = entry.Bind(_row, sequence, recordedAt, _lastHash);
        if (_insert.Run() == 0)
        {
            return false;
        }

        (_lastSequence, _lastHash) = (sequence, hash);
        return true;
    }

    public bool Exists(string id)
    {
        var exists = _exists.Bind(1, id).Step();
        _exists.Reset();
        return exists || _archive.Holds(id);
    }

    public LedgerEntry? Find(string id)
    {
        _byId.Bind(1, id);
        if (!_byId.Step())
        {
            return _archive.Find(id);
        }

        var entry = LedgerEntry.Read(_byId);
        _byId.Reset();
        return entry;
    }

    /// <summary>A call with all its adjustments folded in.</summary>
    public LedgerEntry Folded(LedgerEntry call)
    {
        _adjustments.Bind(1, call.Sequence);
        while (_adjustments.Step())
        {
            call = call.Plus(LedgerEntry.Read(_adjustments));
        }

        return call;
    }

    /// <summary>Writes where the chain ends, so that a lost tail is noticed.</summary>
    public void NoteEnd() => _setMeta.Bind(1, LedgerChain.HeadOf(_lastSequence, _lastHash)).Run();
}
