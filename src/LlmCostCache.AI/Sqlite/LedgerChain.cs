using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LlmCostCache.AI;

/// <summary>Follows the rows in their order: each carries its own hash and that of the row before it.</summary>
internal sealed class LedgerChain(SqliteConnection connection, Action<LedgerFinding> found)
{
    // To say where a row stood before, all hashes are searched; a ledger of which everything was moved need not be searched for each.
    private const int MaxSearches = 50;
    private const int Neighbourhood = 1_000;

    private readonly RowHasher _hasher = new();
    private byte[] _stored = new byte[32];
    private byte[] _computed = new byte[32];
    private string _lastId = "";
    private bool _isBroken;
    private int _searches;
    private LedgerFinding? _suspect;

    public long LastSequence { get; private set; }

    public ReadOnlySpan<byte> LastHash => _stored;

    /// <summary>The end of the chain as it is noted: <c>sequence:hash</c>.</summary>
    public string Head => HeadOf(LastSequence, _stored);

    public static string HeadOf(long sequence, ReadOnlySpan<byte> hash) =>
        string.Create(CultureInfo.InvariantCulture, $"{sequence}:{(sequence == 0 ? "" : Convert.ToHexStringLower(hash))}");

    /// <summary>Begins behind rows that are kept elsewhere.</summary>
    public void StartAfter(long sequence, ReadOnlySpan<byte> hash)
    {
        LastSequence = sequence;
        _stored = hash.ToArray();
        _computed = _stored;
    }

    /// <summary>Checks the row that the statement over <see cref="LedgerBook.Columns"/> stands on.</summary>
    /// <returns>False when it is no row of the chain.</returns>
    public bool Check(SqliteStatement row)
    {
        var columns = row.Columns;
        var (sequence, id) = (row.Int64(0), row.Text(1));
        if (sequence <= LastSequence)
        {
            found(new LedgerFinding(LedgerFindingKind.RowAdded, $"Row {sequence} ('{id}') was put in: no writer gives a row that number.") { Sequence = sequence, Id = id });
            return false;
        }

        var follows = sequence == LastSequence + 1;
        if (!follows)
        {
            var first = LastSequence + 1;
            found(new LedgerFinding(LedgerFindingKind.RowMissing, sequence == first + 1 ? $"Row {first} is missing; the next one is {sequence}." : $"Rows {first} to {sequence - 1} are missing; the next one is {sequence}.")
            {
                Sequence = first,
            });
        }

        var previous = row.Bytes(columns - 2).ToArray();
        var stored = row.Bytes(columns - 1).ToArray();
        var computed = HashOf(row, sequence);
        if (!stored.AsSpan().SequenceEqual(computed))
        {
            ReportChanged(row, sequence, id, previous, stored);
            _isBroken = true;
        }
        else
        {
            // When only the hash of the row before was changed, this one still continues what that row hashes to.
            var continues = !follows || _isBroken || previous.AsSpan().SequenceEqual(_stored) || previous.AsSpan().SequenceEqual(_computed);
            if (!continues && _suspect is not null)
            {
                // A row that continues nothing and that nothing continues is itself the stranger, not the one before it.
                _suspect = Replaced(LastSequence, _lastId, sequence, id);
                AccuseSuspect();
            }
            else
            {
                AccuseSuspect();
                _suspect = continues ? null : LastSequence == 0
                    ? new LedgerFinding(LedgerFindingKind.RowChanged, $"Row {sequence} ('{id}') was replaced: it claims a row before it.") { Sequence = sequence, Id = id }
                    : Replaced(LastSequence, _lastId, sequence, id);
            }

            _isBroken = false;
        }

        // The chain goes on from what is stored, so that one broken row is reported once.
        (LastSequence, _stored, _computed, _lastId) = (sequence, stored, computed, id);
        return true;
    }

    /// <summary>Compares the end of the chain with what the ledger noted about it.</summary>
    public void CompareWith(string? head)
    {
        AccuseSuspect();
        if (head == Head)
        {
            return;
        }

        if (head is null || !TryReadHead(head, out var noted, out var hash))
        {
            found(new LedgerFinding(LedgerFindingKind.CounterWrong, "The ledger has lost its note of where it ends."));
        }
        else if (noted > LastSequence)
        {
            found(new LedgerFinding(LedgerFindingKind.RowMissing, noted == LastSequence + 1 ? $"Row {noted} is missing; the ledger once ended there." : $"Rows {LastSequence + 1} to {noted} are missing; the ledger once ended at row {noted}.")
            {
                Sequence = LastSequence + 1,
            });
        }
        else if (noted == LastSequence || (noted > 0 && !hash.AsSpan().SequenceEqual(StoredHash(noted))))
        {
            found(new LedgerFinding(LedgerFindingKind.RowChanged, $"Row {noted} ('{IdOf(noted)}') was replaced, or the note of where the ledger ends was changed: the two differ.") { Sequence = noted, Id = IdOf(noted) });
        }
        else
        {
            found(new LedgerFinding(LedgerFindingKind.RowAdded, $"Rows {noted + 1} to {LastSequence} were put in: the ledger ended at row {noted}.") { Sequence = noted + 1, Id = IdOf(noted + 1) });
        }
    }

    /// <summary>Compares with an end that somebody noted at an earlier time.</summary>
    public void CompareWithEarlier(long sequence, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> stored)
    {
        if (stored.IsEmpty)
        {
            found(new LedgerFinding(LedgerFindingKind.RowMissing, $"Row {sequence}, at which the ledger once ended, is missing.") { Sequence = sequence });
        }
        else if (!stored.SequenceEqual(hash))
        {
            found(new LedgerFinding(LedgerFindingKind.RowChanged, $"Row {sequence} or one before it is not the one that was noted: the ledger was written anew since then.") { Sequence = sequence, Id = IdOf(sequence) });
        }
    }

    public static bool TryReadHead(string text, out long sequence, out byte[] hash)
    {
        (hash, var colon) = ([], text.IndexOf(':', StringComparison.Ordinal));
        if (colon < 0 || !long.TryParse(text.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out sequence))
        {
            sequence = 0;
            return false;
        }

        var digits = text[(colon + 1)..];
        if (sequence == 0)
        {
            return digits.Length == 0;
        }

        if (digits.Length != 64 || !digits.All(char.IsAsciiHexDigit))
        {
            return false;
        }

        hash = Convert.FromHexString(digits);
        return true;
    }

    /// <summary>The hash of the row that the statement stands on, had it been written as number <paramref name="sequence"/>.</summary>
    private byte[] HashOf(SqliteStatement row, long sequence)
    {
        _hasher.Add(sequence);
        for (var i = 1; i < LedgerBook.FirstColumns; i++)
        {
            Hash(row, i);
        }

        for (var i = 0; i < LedgerBook.LaterColumns.Length; i++)
        {
            HashLater(row, LedgerBook.FirstColumns + i, LedgerBook.LaterColumns[i]);
        }

        Hash(row, row.Columns - 2);
        return _hasher.Finish();
    }

    private void Hash(SqliteStatement row, int column)
    {
        var type = row.TypeOf(column);
        if (type == raw.SQLITE_NULL)
        {
            _hasher.AddNull();
        }
        else if (type == raw.SQLITE_INTEGER)
        {
            _hasher.Add(row.Int64(column));
        }
        else
        {
            _hasher.Add(row.Bytes(column), type == raw.SQLITE_TEXT ? (byte)2 : (byte)3);
        }
    }

    private void HashLater(SqliteStatement row, int column, string name)
    {
        var type = row.TypeOf(column);
        if (type != raw.SQLITE_NULL && (type != raw.SQLITE_INTEGER || row.Int64(column) != 0))
        {
            _hasher.Add(name);
            Hash(row, column);
        }
    }

    private static LedgerFinding Replaced(long sequence, string id, long next, string nextId) =>
        new(LedgerFindingKind.RowChanged, $"Row {sequence} ('{id}') was replaced: row {next} ('{nextId}') continues another row in its place.") { Sequence = sequence, Id = id };

    private void AccuseSuspect()
    {
        if (_suspect is not null)
        {
            found(_suspect);
            _suspect = null;
        }
    }

    private void ReportChanged(SqliteStatement row, long sequence, string id, byte[] previous, byte[] stored)
    {
        if (_searches++ < MaxSearches && PlaceOf(row, sequence, previous, stored) is { } before)
        {
            found(new LedgerFinding(LedgerFindingKind.RowMoved, $"Row {sequence} ('{id}') was moved: it was written as row {before}.") { Sequence = sequence, Id = id });
            return;
        }

        // A copy has another id than its original, and its hash is the original's: that no writer made.
        var isCopy = _searches <= MaxSearches && Count("SELECT COUNT(*) FROM entry WHERE hash = ?1", stored) > 1;
        found(isCopy
            ? new LedgerFinding(LedgerFindingKind.RowAdded, $"Row {sequence} ('{id}') was put in: it is a copy of another row.") { Sequence = sequence, Id = id }
            : new LedgerFinding(LedgerFindingKind.RowChanged, $"Row {sequence} ('{id}') was changed after it was written.") { Sequence = sequence, Id = id });
    }

    /// <summary>The number that the row was written as; null when no number makes its hash right.</summary>
    private long? PlaceOf(SqliteStatement row, long sequence, byte[] previous, byte[] stored)
    {
        if (SequenceAfter(previous) is { } after && stored.AsSpan().SequenceEqual(HashOf(row, after)))
        {
            return after;
        }

        // The row before it may have been moved too.
        for (var distance = 1; distance <= Neighbourhood; distance++)
        {
            foreach (var place in (ReadOnlySpan<long>)[sequence + distance, sequence - distance])
            {
                if (place > 0 && stored.AsSpan().SequenceEqual(HashOf(row, place)))
                {
                    return place;
                }
            }
        }

        return null;
    }

    /// <summary>The number of the row that was written after the one with this hash.</summary>
    private long? SequenceAfter(byte[] hash)
    {
        if (hash.AsSpan().IndexOfAnyExcept((byte)0) < 0)
        {
            return 1;
        }

        using var select = new SqliteStatement(connection, "SELECT seq + 1 FROM entry WHERE hash = ?1");
        return select.Bind(1, hash.AsSpan()).Step() ? select.Int64(0) : null;
    }

    private long Count(string sql, byte[] hash)
    {
        using var count = new SqliteStatement(connection, sql);
        return count.Bind(1, hash.AsSpan()).Step() ? count.Int64(0) : 0;
    }

    private byte[] StoredHash(long sequence)
    {
        using var select = new SqliteStatement(connection, "SELECT hash FROM entry WHERE seq = ?1");
        return select.Bind(1, sequence).Step() ? select.Bytes(0).ToArray() : [];
    }

    private string IdOf(long sequence)
    {
        using var select = new SqliteStatement(connection, "SELECT id FROM entry WHERE seq = ?1");
        return select.Bind(1, sequence).Step() ? select.Text(0) : "";
    }
}
