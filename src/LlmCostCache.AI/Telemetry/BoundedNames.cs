using System.Collections.Concurrent;

namespace LlmCostCache.AI;

/// <summary>Keeps a tag from having unlimited values.</summary>
/// <param name="capacity">So many distinct names pass; later ones are <c>other</c>.</param>
internal sealed class BoundedNames(int capacity)
{
    // A model name is a few dozen characters; what is longer is not one.
    private const int MaxLength = 160;

    private readonly ConcurrentDictionary<string, byte> _known = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private volatile bool _full;

    public string Of(string name)
    {
        if (_known.ContainsKey(name))
        {
            return name;
        }

        return !_full && name.Length <= MaxLength && TryAdmit(name) ? name : TelemetryNames.Other;
    }

    private bool TryAdmit(string name)
    {
        lock (_lock)
        {
            if (_known.Count >= capacity)
            {
                _full = true;
                return _known.ContainsKey(name);
            }

            _known.TryAdd(name, 0);
            return true;
        }
    }
}
