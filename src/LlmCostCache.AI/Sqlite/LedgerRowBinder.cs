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
        // SQLite's text functions stop at a zero character; a name that contains one would read back as another name.
        var text = value?.Replace('\0', '\uFFFD');
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

    public byte[] PutHash(ReadOnlySpan<byte> previousHash)
    {
        insert.Bind(++_column, previousHash);
        hasher.Add(previousHash);
        var hash = hasher.Finish();
        insert.Bind(++_column, hash.AsSpan());
        return hash;
    }
}
