namespace LlmCostCache.AI;

/// <summary>Binds the columns of a row one after the other and hashes what it binds, so that the two cannot differ.</summary>
internal ref struct LedgerRowBinder(SqliteStatement insert, RowHasher hasher)
{
    private int _column;

    public void Put(long value)
    {
        insert.Bind(++_column, value);
        hasher.Add(value);
    }

    public void Put(long? value)
    {
        insert.Bind(++_column, value);
        if (value is { } number)
        {
            hasher.Add(number);
        }
        else
        {
            hasher.AddNull();
        }
    }

    public void Put(string? value)
    {
        var text = Sound(value);
        insert.Bind(++_column, text);
        if (text is null)
        {
            hasher.AddNull();
        }
        else
        {
            hasher.Add(text);
        }
    }

    public void PutLater(long value)
    {
        insert.Bind(++_column, value);
        if (value != 0)
        {
            hasher.Add(LaterName);
            hasher.Add(value);
        }
    }

    public void PutLater(string? value)
    {
        var text = Sound(value);
        insert.Bind(++_column, text);
        if (text is not null)
        {
            hasher.Add(LaterName);
            hasher.Add(text);
        }
    }

    public byte[] PutHash(ReadOnlySpan<byte> previousHash)
    {
        insert.Bind(++_column, previousHash);
        hasher.Add(previousHash);
        var hash = hasher.Finish();
        insert.Bind(++_column, hash.AsSpan());
        return hash;
    }

    private readonly string LaterName => LedgerBook.LaterColumns[_column - 1 - LedgerBook.FirstColumns];

    // SQLite's text functions stop at a zero character; a name that contains one would read back as another name.
    private static string? Sound(string? value) => value?.Replace('\0', '\uFFFD');
}
