using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LlmCostCache.AI;

/// <summary>A prepared statement that is kept: no parsing, no boxing, and no retry loop of its own on top of SQLite's busy timeout.</summary>
internal sealed class SqliteStatement(SqliteConnection connection, string sql) : IDisposable
{
    private sqlite3_stmt? _statement;

    private sqlite3 Handle => connection.Handle ?? throw new ObjectDisposedException(nameof(SqliteConnection));

    public SqliteStatement Bind(int index, long value)
    {
        Check(raw.sqlite3_bind_int64(Prepared(), index, value));
        return this;
    }

    public SqliteStatement Bind(int index, long? value)
    {
        Check(value is { } number ? raw.sqlite3_bind_int64(Prepared(), index, number) : raw.sqlite3_bind_null(Prepared(), index));
        return this;
    }

    public SqliteStatement Bind(int index, string? value)
    {
        Check(value is null ? raw.sqlite3_bind_null(Prepared(), index) : raw.sqlite3_bind_text(Prepared(), index, value));
        return this;
    }

    /// <summary>A text that is UTF-8 already.</summary>
    public SqliteStatement BindText(int index, ReadOnlySpan<byte> utf8)
    {
        Check(raw.sqlite3_bind_text(Prepared(), index, utf8));
        return this;
    }

    public SqliteStatement Bind(int index, ReadOnlySpan<byte> value)
    {
        Check(raw.sqlite3_bind_blob(Prepared(), index, value));
        return this;
    }

    /// <summary>Moves to the next row. After the last one, and after an error, the statement is ready to be bound anew.</summary>
    public bool Step()
    {
        var result = raw.sqlite3_step(Prepared());
        if (result == raw.SQLITE_ROW)
        {
            return true;
        }

        if (result != raw.SQLITE_DONE)
        {
            var error = Error(result);
            Reset();
            throw error;
        }

        Reset();
        return false;
    }

    /// <summary>Runs a statement that returns no rows, or whose rows do not matter.</summary>
    /// <returns>How many rows it changed.</returns>
    public int Run()
    {
        while (Step())
        {
        }

        return raw.sqlite3_changes(Handle);
    }

    public void Reset()
    {
        if (_statement is not null)
        {
            _ = raw.sqlite3_reset(_statement);
        }
    }

    public int Columns => raw.sqlite3_column_count(Prepared());

    public int TypeOf(int column) => raw.sqlite3_column_type(Prepared(), column);

    public bool IsNull(int column) => TypeOf(column) == raw.SQLITE_NULL;

    public long Int64(int column) => raw.sqlite3_column_int64(Prepared(), column);

    public long? NullableInt64(int column) => IsNull(column) ? null : Int64(column);

    public string Text(int column) => raw.sqlite3_column_text(Prepared(), column).utf8_to_string();

    /// <summary>The bytes of a text; valid until the next step.</summary>
    public ReadOnlySpan<byte> Utf8(int column) => raw.sqlite3_column_blob(Prepared(), column);

    public string? NullableText(int column) => IsNull(column) ? null : Text(column);

    /// <summary>The bytes of a blob; valid until the next step.</summary>
    public ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(Prepared(), column);

    public void Dispose() => _statement?.Dispose();

    private sqlite3_stmt Prepared()
    {
        if (_statement is null)
        {
            Check(raw.sqlite3_prepare_v3(Handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out _statement));
        }

        return _statement;
    }

    private void Check(int result)
    {
        if (result != raw.SQLITE_OK)
        {
            throw Error(result);
        }
    }

    private SqliteException Error(int result) =>
        new(raw.sqlite3_errmsg(Handle).utf8_to_string(), result & 0xFF, raw.sqlite3_extended_errcode(Handle));
}
