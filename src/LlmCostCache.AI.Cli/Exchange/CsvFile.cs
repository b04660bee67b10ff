using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>Reads RFC 4180 a record at a time: quoted cells may hold separators, quotes and line ends. Bounded by the longest record that is allowed.</summary>
internal sealed class CsvFile(Stream input) : IDisposable
{
    /// <summary>The longest record that is read; a longer one is passed over.</summary>
    public const int MaxRecord = 1 << 20;

    private readonly StreamReader _reader = new(input, new UTF8Encoding(false), detectEncodingFromByteOrderMarks: true, bufferSize: 1 << 16, leaveOpen: true);
    private readonly char[] _buffer = new char[1 << 15];
    private int _position;
    private int _length;

    /// <summary>The records with the line that each begins on; the cells are null when a record is too long. Empty lines are left out.</summary>
    /// <exception cref="InvalidDataException">It ends within quotes: something is missing.</exception>
    public async IAsyncEnumerable<(long Line, List<string>? Cells)> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (cell, cells, size, line, begins, opened) = (new StringBuilder(), new List<string>(), 0, 1L, 1L, 1L);
        var (inQuotes, wasQuoted, afterReturn) = (false, false, false);
        while (true)
        {
            if (_position == _length)
            {
                (_position, _length) = (0, await _reader.ReadAsync(_buffer, cancellationToken).ConfigureAwait(false));
                if (_length == 0)
                {
                    break;
                }
            }

            var symbol = _buffer[_position++];
            if (afterReturn && symbol == '\n')
            {
                afterReturn = false;
                continue;
            }

            afterReturn = false;
            line += symbol == '\n' || (symbol == '\r' && !inQuotes) ? 1 : 0;
            if (inQuotes)
            {
                if (symbol != '"')
                {
                    Add(symbol);
                }
                else if (await NextIsQuoteAsync(cancellationToken).ConfigureAwait(false))
                {
                    Add('"');
                }
                else
                {
                    inQuotes = false;
                }
            }
            else if (symbol == '"' && cell.Length == 0)
            {
                (inQuotes, wasQuoted, opened) = (true, true, line);
            }
            else if (symbol == ',')
            {
                EndCell();
            }
            else if (symbol is '\r' or '\n')
            {
                afterReturn = symbol == '\r';
                if (cells.Count > 0 || cell.Length > 0 || wasQuoted)
                {
                    EndCell();
                    yield return (begins, size > MaxRecord ? null : cells);
                    cells = [];
                }

                (size, begins) = (0, line);
            }
            else
            {
                Add(symbol);
            }
        }

        if (inQuotes)
        {
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"the quotes of line {opened} are never closed"));
        }

        if (cells.Count > 0 || cell.Length > 0)
        {
            EndCell();
            yield return (begins, size > MaxRecord ? null : cells);
        }

        void Add(char symbol)
        {
            if (++size <= MaxRecord)
            {
                cell.Append(symbol);
            }
        }

        void EndCell()
        {
            // Commas count too: a line of nothing else is a record as well.
            if (++size <= MaxRecord)
            {
                cells.Add(cell.ToString());
            }

            cell.Clear();
            wasQuoted = false;
        }
    }

    /// <summary>The stream is left open.</summary>
    public void Dispose() => _reader.Dispose();

    private async ValueTask<bool> NextIsQuoteAsync(CancellationToken cancellationToken)
    {
        if (_position == _length)
        {
            (_position, _length) = (0, await _reader.ReadAsync(_buffer, cancellationToken).ConfigureAwait(false));
        }

        if (_position < _length && _buffer[_position] == '"')
        {
            _position++;
            return true;
        }

        return false;
    }
}
