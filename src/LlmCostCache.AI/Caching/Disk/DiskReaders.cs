using System.Collections.Concurrent;

namespace LlmCostCache.AI;

/// <summary>Readers that wait for the next caller. All of them read the file of one generation; when it is set aside, they go.</summary>
internal sealed class DiskReaders(DiskFile file, DiskInvalidations told) : IDisposable
{
    private const int MostIdle = 8;

    private readonly ConcurrentQueue<DiskReader> _idle = new();
    private DiskReader? _last;
    private int _generation;
    private volatile bool _closed;

    public int Generation => Volatile.Read(ref _generation);

    /// <summary>A reader that has the file open already, which may have another name by now; null when all of them are in use.</summary>
    public DiskReader? TakeIdle() => Interlocked.Exchange(ref _last, null) ?? (_idle.TryDequeue(out var reader) ? reader : null);

    /// <summary>A reader for this caller alone, who gives it back or disposes it.</summary>
    public DiskReader Take()
    {
        // The one that was used last has its pages at hand, and mostly there is one caller.
        var reader = Interlocked.Exchange(ref _last, null);
        while (reader is not null || _idle.TryDequeue(out reader))
        {
            if (reader.Generation == Generation)
                return reader;

            reader.Dispose();
            reader = null;
        }

        var generation = Generation;
        var known = told.Current;
        return new DiskReader(file.OpenReader(), generation, known);
    }

    public void GiveBack(DiskReader reader)
    {
        if (!_closed && reader.Generation == Generation)
        {
            if (Interlocked.CompareExchange(ref _last, reader, null) is null)
                reader = null!;
            else if (_idle.Count < MostIdle)
                (reader, _) = (null!, Enqueue(reader));
        }

        reader?.Dispose();

        // Closed in between: nobody else would come for it.
        if (_closed)
            Empty();
    }

    /// <summary>Closes all readers, those in use as soon as they come back.</summary>
    public void Drop()
    {
        Interlocked.Increment(ref _generation);
        Empty();
    }

    public void Dispose()
    {
        _closed = true;
        Drop();
    }

    private bool Enqueue(DiskReader reader)
    {
        _idle.Enqueue(reader);
        return true;
    }

    private void Empty()
    {
        Interlocked.Exchange(ref _last, null)?.Dispose();
        while (_idle.TryDequeue(out var reader))
            reader.Dispose();
    }
}
