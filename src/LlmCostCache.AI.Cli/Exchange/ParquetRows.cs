using System.Globalization;
using System.Runtime.CompilerServices;
using Parquet;
using Parquet.Schema;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>Our parquet exports, a group of rows at a time.</summary>
internal static class ParquetRows
{
    private const int MostRows = 1_000_000;

    public static async IAsyncEnumerable<SourceRow> ReadAsync(string path, RowReader rows, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var stream = File.OpenRead(path);
        await using var file = stream.ConfigureAwait(false);
        var reader = await GuardedAsync(() => ParquetReader.CreateAsync(stream, cancellationToken: cancellationToken)).ConfigureAwait(false);
        await using var closing = reader.ConfigureAwait(false);
        var columns = await GuardedAsync(() => Task.FromResult(reader.Schema.GetDataFields())).ConfigureAwait(false);
        var (fields, number) = (new RowFields(), 0L);
        for (var i = 0; i < reader.RowGroupCount; i++)
        {
            var place = i;
            using var group = await GuardedAsync(() => Task.FromResult(reader.OpenRowGroupReader(place))).ConfigureAwait(false);
            var count = CountOf(group);
            var values = new Func<int, string?>[columns.Length];
            for (var column = 0; column < columns.Length; column++)
            {
                var field = columns[column];
                values[column] = await GuardedAsync(() => ReadAsync(group, field, count, cancellationToken).AsTask()).ConfigureAwait(false);
            }

            for (var row = 0; row < count; row++)
            {
                string? wrong = null;
                for (var column = 0; column < columns.Length; column++)
                {
                    var (name, text) = (columns[column].Name, values[column](row));
                    if (name == "tags")
                    {
                        wrong = fields.ReadTags(text);
                    }
                    else
                    {
                        fields.Set(name, text);
                    }
                }

                number++;
                yield return (wrong is null ? rows.Read(fields, number) : new SourceRow(number) { Wrong = wrong }) with { Place = string.Create(CultureInfo.InvariantCulture, $"row {number}") };
            }
        }
    }

    /// <summary>Our exports have groups of some ten thousand rows; a count that is damaged would ask for any memory.</summary>
    private static int CountOf(ParquetRowGroupReader group) =>
        group.RowCount is >= 0 and <= MostRows ? (int)group.RowCount : throw new InvalidDataException($"it is damaged: a group of {group.RowCount} rows is none of ours");

    /// <summary>A byte that was changed can make the library fail in any way.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    private static async Task<T> GuardedAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read().ConfigureAwait(false);
        }
        catch (Exception damage) when (damage is not (OperationCanceledException or InvalidDataException))
        {
            throw new InvalidDataException($"it is damaged, or no export of llmcost: {damage.Message}", damage);
        }
    }

    /// <summary>The column, as a way to its values in text.</summary>
    private static async ValueTask<Func<int, string?>> ReadAsync(ParquetRowGroupReader group, DataField field, int count, CancellationToken cancellationToken)
    {
        if (field.IsArray)
        {
            throw new InvalidDataException($"the column '{field.Name}' holds lists, and no export of llmcost has such");
        }

        var type = field.ClrType;
        if (type == typeof(long))
        {
            return await ValuesAsync<long>(group, field, count, static value => value.ToString(CultureInfo.InvariantCulture), cancellationToken).ConfigureAwait(false);
        }

        if (type == typeof(bool))
        {
            return await ValuesAsync<bool>(group, field, count, static value => value ? "true" : "false", cancellationToken).ConfigureAwait(false);
        }

        if (type == typeof(decimal))
        {
            return await ValuesAsync<decimal>(group, field, count, static value => value.ToString(CultureInfo.InvariantCulture), cancellationToken).ConfigureAwait(false);
        }

        if (type == typeof(DateTime))
        {
            return await ValuesAsync<DateTime>(
                group, field, count, static value => DateTime.SpecifyKind(value, DateTimeKind.Utc).ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture), cancellationToken).ConfigureAwait(false);
        }

        if (type != typeof(string) && type != typeof(ReadOnlyMemory<char>))
        {
            throw new InvalidDataException($"the column '{field.Name}' holds values of a kind ({type.Name}) that no export of llmcost has");
        }

        var texts = new string?[count];
        await group.ReadAsync(field, texts.AsMemory()!, null, cancellationToken).ConfigureAwait(false);
        return row => texts[row];
    }

    private static async ValueTask<Func<int, string?>> ValuesAsync<T>(ParquetRowGroupReader group, DataField field, int count, Func<T, string> text, CancellationToken cancellationToken)
        where T : struct
    {
        if (!field.IsNullable)
        {
            var all = new T[count];
            await group.ReadAsync<T>(field, all.AsMemory(), null, cancellationToken).ConfigureAwait(false);
            return row => text(all[row]);
        }

        var values = new T?[count];
        await group.ReadAsync<T>(field, values.AsMemory(), null, cancellationToken).ConfigureAwait(false);
        return row => values[row] is { } value ? text(value) : null;
    }
}
