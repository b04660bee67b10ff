namespace LlmCostCache.AI;

/// <summary>Writes the ids of calls by the order in which they first appear: providers make them up anew each time.</summary>
internal sealed class CanonicalCallIds(CanonicalWriter writer)
{
    private readonly CanonicalWriter _out = writer;
    private readonly List<string> _ids = [];
    private Dictionary<string, int>? _manyIds;

    public void Write(string? id)
    {
        id ??= "";
        int index;
        if (_manyIds is not null)
        {
            if (!_manyIds.TryGetValue(id, out index))
                _manyIds.Add(id, index = _manyIds.Count);
        }
        else
        {
            index = _ids.IndexOf(id);
            if (index < 0)
            {
                index = _ids.Count;
                _ids.Add(id);
                if (_ids.Count > 32)
                {
                    _manyIds = new Dictionary<string, int>(StringComparer.Ordinal);
                    for (var i = 0; i < _ids.Count; i++)
                        _manyIds.Add(_ids[i], i);
                }
            }
        }

        _out.Field(0x0F, (long)index);
    }

    public void Clear()
    {
        _ids.Clear();
        _manyIds = null;
    }
}
