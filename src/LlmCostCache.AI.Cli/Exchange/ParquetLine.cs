using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Parquet;
using Parquet.Schema;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>
/// Gathers rows by column and writes them in groups. The columns are those that the first row names; what stands in one is decided by how it is given: whole numbers are INT64,
/// amounts DECIMAL(38, 18), times TIMESTAMP in microseconds of UTC, tags text with a JSON array.
/// </summary>
/// <param name="asText">Decimals that are written as text, because every digit of theirs counts.</param>
internal sealed class ParquetLine(IReadOnlySet<string> asText) : ExportLine
{
    /// <summary>So many rows are in memory at a time.</summary>
    public const int GroupRows = 10_000;

    private const int Precision = 38;
    private const int Scale = 18;

    private static readonly ParquetOptions s_options = new() { CompressionMethod = CompressionMethod.Snappy };

    private readonly List<Column> _columns = [];
    private bool _isNaming;
    private int _column;
    private ParquetWriter? _writer;

    /// <summary>How many rows wait for the end of their group.</summary>
    public int Waiting { get; private set; }

    public override void Text(string name, string? value) => At(name, static name => new TextColumn(name)).Put(value);

    public override void Number(string name, long? value) => At(name, static name => new ValueColumn<long>(new DataField<long?>(name))).Put(value);

    public override void Decimal(string name, decimal? value)
    {
        if (asText.Contains(name))
        {
            Text(name, value?.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
        else
        {
            At(name, static name => new ValueColumn<decimal>(new DecimalDataField(name, Precision, Scale, isNullable: true)))
                .Put(value is { } amount ? decimal.Round(amount, Scale, MidpointRounding.ToEven) : null);
        }
    }

    public override void Flag(string name, bool value) => At(name, static name => new ValueColumn<bool>(new DataField<bool?>(name))).Put(value);

    public override void Instant(string name, DateTimeOffset value) =>
        At(name, static name => new ValueColumn<DateTime>(new DateTimeDataField(name, DateTimeFormat.Timestamp, isAdjustedToUTC: true, unit: DateTimeTimeUnit.Micros, isNullable: true))).Put(value.UtcDateTime);

    public override void Tags(string name, ImmutableArray<string> tags) => Text(name, LedgerTags.Write(tags) ?? "[]");

    public override void End()
    {
        _column = 0;
        Waiting++;
    }

    public override void Header(Action row)
    {
        _isNaming = true;
        row();
        _isNaming = false;
        _column = 0;
        _columns.ForEach(static column => column.Clear());
    }

    /// <summary>Writes the rows that wait as a group of their own.</summary>
    public async ValueTask FlushAsync(Stream destination, CancellationToken cancellationToken)
    {
        _writer ??= await ParquetWriter.CreateAsync(new ParquetSchema(_columns.Select(static column => column.Field)), destination, s_options, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (Waiting == 0)
        {
            return;
        }

        using var group = _writer.CreateRowGroup();
        foreach (var column in _columns)
        {
            await column.WriteAsync(group, cancellationToken).ConfigureAwait(false);
            column.Clear();
        }

        group.CompleteValidate();
        Waiting = 0;
    }

    /// <summary>Writes the index at the end; without it the file is none.</summary>
    public async ValueTask FinishAsync(Stream destination, CancellationToken cancellationToken)
    {
        await FlushAsync(destination, cancellationToken).ConfigureAwait(false);
        await _writer!.DisposeAsync().ConfigureAwait(false);
    }

    public override void Dispose()
    {
    }

    private Column At(string name, Func<string, Column> make)
    {
        if (_isNaming)
        {
            _columns.Add(make(name));
        }

        return _columns[_column++];
    }

    private abstract class Column(DataField field)
    {
        public DataField Field { get; } = field;

        public virtual void Put(string? value) => throw new InvalidOperationException($"'{Field.Name}' holds no text.");

        public virtual void Put(long? value) => throw new InvalidOperationException($"'{Field.Name}' holds no number.");

        public virtual void Put(decimal? value) => throw new InvalidOperationException($"'{Field.Name}' holds no amount.");

        public virtual void Put(bool? value) => throw new InvalidOperationException($"'{Field.Name}' holds no truth.");

        public virtual void Put(DateTime? value) => throw new InvalidOperationException($"'{Field.Name}' holds no time.");

        public abstract ValueTask WriteAsync(ParquetRowGroupWriter group, CancellationToken cancellationToken);

        public abstract void Clear();
    }

    private sealed class TextColumn(string name) : Column(new DataField<string>(name))
    {
        private readonly List<string?> _values = [];

        public override void Put(string? value) => _values.Add(value);

        public override async ValueTask WriteAsync(ParquetRowGroupWriter group, CancellationToken cancellationToken) =>
            await group.WriteAsync(Field, (IReadOnlyCollection<string>)_values!).ConfigureAwait(false);

        public override void Clear() => _values.Clear();
    }

    private sealed class ValueColumn<T>(DataField field) : Column(field)
        where T : struct
    {
        // Only the method for the column's own type is ever called, so the values are of that type already.
        private readonly T?[] _values = new T?[GroupRows];
        private int _count;

        public override void Put(long? value) => Add(Unsafe.As<long?, T?>(ref value));

        public override void Put(decimal? value) => Add(Unsafe.As<decimal?, T?>(ref value));

        public override void Put(bool? value) => Add(Unsafe.As<bool?, T?>(ref value));

        public override void Put(DateTime? value) => Add(Unsafe.As<DateTime?, T?>(ref value));

        public override async ValueTask WriteAsync(ParquetRowGroupWriter group, CancellationToken cancellationToken) =>
            await group.WriteAsync<T>(Field, _values.AsMemory(0, _count), null, null, cancellationToken).ConfigureAwait(false);

        public override void Clear() => _count = 0;

        private void Add(T? value) => _values[_count++] = value;
    }
}
