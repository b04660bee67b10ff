namespace LlmCostCache.AI;

/// <summary>Binds the columns of a row one after the other and hashes what it binds, so that the two cannot differ.</summary>
/// <remarks>
/// A statement keeps what was bound to it, and most columns of a row say what those of the last row said: no session, no images, the same model. Those are hashed and not
/// bound again, which saves most of the calls into SQLite.
/// </remarks>
internal sealed class LedgerRowBinder(SqliteStatement insert, int columns)
{
    private readonly RowHasher _hasher = new();
    private readonly Kind[] _kinds = new Kind[columns + 1];
    private readonly long[] _numbers = new long[columns + 1];
    private readonly string?[] _texts = new string?[columns + 1];
    private int _column;

    private enum Kind : byte
    {
        Unbound,
        Null,
        Number,
        Text,
    }

    /// <summary>Begins with the first column of another row.</summary>
    public void Start()
    {
        if (_column != 0)
        {
            // The row before failed half-way: what it left would enter the hash of this one.
            _hasher.Reset();
            Array.Clear(_kinds);
        }

        _column = 0;
    }

    public void Put(long value)
    {
        Bind(value);
        _hasher.Add(value);
    }

    public void Put(long? value)
    {
        if (value is { } number)
        {
            Put(number);
        }
        else
        {
            BindNull();
            _hasher.AddNull();
        }
    }

    public void Put(string? value)
    {
        if (value is null)
        {
            BindNull();
            _hasher.AddNull();
        }
        else
        {
            var text = SoundText.Of(value)!;
            Bind(text, _hasher.Add(text));
        }
    }

    public void PutLater(long value)
    {
        Bind(value);
        if (value != 0)
        {
            _hasher.Add(LaterName(_column));
            _hasher.Add(value);
        }
    }

    public void PutLater(string? value)
    {
        if (value is null)
        {
            BindNull();
        }
        else
        {
            var text = SoundText.Of(value)!;
            _hasher.Add(LaterName(_column + 1));
            Bind(text, _hasher.Add(text));
        }
    }

    public byte[] PutHash(ReadOnlySpan<byte> previousHash)
    {
        insert.Bind(++_column, previousHash);
        _hasher.Add(previousHash);
        var hash = _hasher.Finish();
        insert.Bind(++_column, hash.AsSpan());
        _column = 0;
        return hash;
    }

    private static string LaterName(int column) => LedgerBook.LaterColumns[column - 1 - LedgerBook.FirstColumns];

    private void Bind(long value)
    {
        if (_kinds[++_column] != Kind.Number || _numbers[_column] != value)
        {
            insert.Bind(_column, value);
            (_kinds[_column], _numbers[_column]) = (Kind.Number, value);
        }
    }

    private void Bind(string text, ReadOnlySpan<byte> utf8)
    {
        if (_kinds[++_column] != Kind.Text || !string.Equals(_texts[_column], text, StringComparison.Ordinal))
        {
            // No bytes at all would be bound as null.
            _ = utf8.IsEmpty ? insert.Bind(_column, "") : insert.BindText(_column, utf8);
            (_kinds[_column], _texts[_column]) = (Kind.Text, text);
        }
    }

    private void BindNull()
    {
        if (_kinds[++_column] != Kind.Null)
        {
            insert.Bind(_column, (string?)null);
            _kinds[_column] = Kind.Null;
        }
    }
}
