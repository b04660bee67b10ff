using System.Collections.Concurrent;

namespace LlmCostCache.AI;

/// <summary>What was invalidated, and when: an answer that was asked for earlier is dead, wherever it is found and whenever it was
/// written.</summary>
/// <remarks>Stamps are UTC ticks that never repeat or go back within a process, so that "before" and "after" are exact even when the
/// clock stands.</remarks>
internal sealed class Invalidations(TimeProvider time)
{
    // Each of them is compared with every answer that is older than the latest invalidation.
    private const int MostPrompts = 256;

    private readonly ConcurrentDictionary<Scope, long> _stamps = new();
    private readonly Lock _promptsLock = new();
    private volatile (string Prefix, long Stamp)[] _prompts = [];
    private long _last;
    private long _latestInvalidation;
    private long _begun;

    public enum Kind
    {
        Everything = 0,
        Tag = 1,
        Model = 2,
        Namespace = 3,
        Tenant = 4,

        /// <summary>The name is the beginning of a system prompt.</summary>
        SystemPrompt = 5,

        /// <summary>The name is one key, in hexadecimal digits.</summary>
        Key = 6,
    }

    public readonly record struct Scope(Kind Kind, string Name);

    /// <summary>Told of keys that are to be forgotten, and when each was. No answer knows its own key, so whoever holds it by that key has to let go of it.</summary>
    public Action<IReadOnlyDictionary<CacheKey, long>>? KeysForgotten { get; init; }

    /// <summary>A place between stamps: how many invalidations had begun, and which stamp was the last.</summary>
    public readonly record struct Mark(long Begun, long Last);

    /// <summary>Where a question stands that is asked now. Only read: a hit needs no stamp, and callers would meet in the one counter.</summary>
    public Mark Now() => new(Volatile.Read(ref _begun), Volatile.Read(ref _last));

    /// <summary>The stamp of a question that was asked at <paramref name="mark"/>: later than the invalidations before it, not later than those after it.</summary>
    public long StampSince(Mark mark)
    {
        // An invalidation counts as begun before it takes its stamp, so one that is not counted yet will have a later stamp than this.
        var stamp = Stamp();
        return Volatile.Read(ref _begun) == mark.Begun ? stamp : mark.Last + 1;
    }

    /// <summary>The stamp of an invalidation that begins now, in this process. What others invalidated counts from when it is heard of: it may be older than questions of ours.</summary>
    public long Begin()
    {
        Interlocked.Increment(ref _begun);
        return Stamp();
    }

    /// <summary>A stamp later than every stamp before it.</summary>
    public long Stamp()
    {
        while (true)
        {
            var last = Interlocked.Read(ref _last);
            var next = Math.Max(last + 1, time.GetUtcNow().UtcTicks);
            if (Interlocked.CompareExchange(ref _last, next, last) == last)
                return next;
        }
    }

    public void Add(Scope scope, long stamp) => Add([(scope, stamp)]);

    /// <summary>The same for several: the keys among them are looked for together.</summary>
    public void Add(IReadOnlyList<(Scope Scope, long Stamp)> told)
    {
        Dictionary<CacheKey, long>? keys = null;
        foreach (var (scope, stamp) in told)
        {
            // Far ahead of our clock lies only what a damaged row or a machine with a wrong clock says. Believed as it is, it would kill every new answer
            // of its scope until that day comes.
            var believed = Math.Min(stamp, time.GetUtcNow().Add(StoredAnswer.ClockTolerance).UtcTicks);
            if (scope.Kind != Kind.Key)
                AddOne(scope, believed);
            else if (CacheKey.TryParse(scope.Name, out var key))
                (keys ??= [])[key] = Math.Max(believed, keys.GetValueOrDefault(key));
        }

        if (keys is not null)
            KeysForgotten?.Invoke(keys);
    }

    private void AddOne(Scope scope, long stamp)
    {
        if (scope.Kind == Kind.SystemPrompt)
            AddPrompt(scope.Name, stamp);
        else
            _stamps.AddOrUpdate(scope, static (_, added) => added, static (_, known, added) => Math.Max(known, added), stamp);

        Raise(ref _latestInvalidation, stamp);

        // A stamp from another process may lie a little ahead of our clock; questions asked from now on must still count as later.
        Raise(ref _last, stamp);
    }

    /// <summary>All that is invalid as far as this process knows, for a file that knows nothing. Single keys are not among it.</summary>
    public IEnumerable<(Scope Scope, long Stamp)> Known() =>
        _stamps.Select(static pair => (pair.Key, pair.Value)).Concat(_prompts.Select(static prompt => (new Scope(Kind.SystemPrompt, prompt.Prefix), prompt.Stamp)));

    public bool IsDead(StoredAnswer answer)
    {
        if (answer.AskedAt > Interlocked.Read(ref _latestInvalidation))
            return false;

        if (IsAfter(new Scope(Kind.Everything, ""), answer.AskedAt) || IsAfter(new Scope(Kind.Model, answer.Model), answer.AskedAt))
            return true;

        if ((answer.Namespace.Length > 0 && IsAfter(new Scope(Kind.Namespace, answer.Namespace), answer.AskedAt))
            || (answer.Tenant is { } tenant && IsAfter(new Scope(Kind.Tenant, tenant), answer.AskedAt)))
            return true;

        for (var i = 0; i < answer.Tags.Count; i++)
        {
            if (IsAfter(new Scope(Kind.Tag, answer.Tags[i]), answer.AskedAt))
                return true;
        }

        foreach (var (prefix, stamp) in _prompts)
        {
            if (answer.AskedAt <= stamp && BeginsWith(answer.SystemPrompt, prefix))
                return true;
        }

        return false;
    }

    public static bool Matches(Scope scope, StoredAnswer answer) => scope.Kind switch
    {
        Kind.Everything => true,
        Kind.Model => answer.Model == scope.Name,
        Kind.Namespace => answer.Namespace == scope.Name,
        Kind.Tenant => answer.Tenant == scope.Name,
        Kind.SystemPrompt => BeginsWith(answer.SystemPrompt, scope.Name),
        _ => answer.Tags.Contains(scope.Name, StringComparer.Ordinal),
    };

    // The empty prefix takes every answer that has a system prompt, and none without.
    private static bool BeginsWith(string? prompt, string prefix) => prompt is not null && prompt.StartsWith(prefix, StringComparison.Ordinal);

    private void AddPrompt(string prefix, long stamp)
    {
        lock (_promptsLock)
        {
            var prompts = _prompts.Where(p => p.Prefix != prefix || p.Stamp > stamp).ToList();
            if (!prompts.Exists(p => p.Prefix == prefix))
                prompts.Add((prefix, stamp));

            if (prompts.Count > MostPrompts)
            {
                // Too many to tell apart: the older half becomes one that takes whatever has a prompt. Too much is forgotten, never too little.
                prompts.Sort(static (a, b) => a.Stamp.CompareTo(b.Stamp));
                var latest = prompts[MostPrompts / 2].Stamp;
                prompts = [("", latest), .. prompts.Where(p => p.Stamp > latest)];
            }

            _prompts = [.. prompts];
        }
    }

    private bool IsAfter(Scope scope, long askedAt) => _stamps.TryGetValue(scope, out var stamp) && askedAt <= stamp;

    private static void Raise(ref long target, long value)
    {
        long seen;
        while ((seen = Interlocked.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
        }
    }
}
