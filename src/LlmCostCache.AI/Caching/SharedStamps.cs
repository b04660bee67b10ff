using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Numerics;

namespace LlmCostCache.AI;

/// <summary>The invalidations of all machines, as stamps in the shared store: one for each scope, and one gate that tells whether there is
/// anything to look for at all.</summary>
/// <remarks>
/// A stamp that was read is believed for a second, so a machine notices within about a second what another one invalidated. The store
/// cannot compare and write in one step: who writes a stamp reads it first and keeps the later one. Machines compare times, so their
/// clocks have to agree.
/// </remarks>
/// <param name="store">Where the stamps are.</param>
/// <param name="prefix">What all names begin with.</param>
/// <param name="seal">Makes the names, so that they say nothing to whoever lacks the secret.</param>
/// <param name="time">The clock.</param>
/// <param name="malformed">Is told the name of a stamp that is none, or that lies in the future; whatever it may have invalidated counts as invalidated.</param>
internal sealed class SharedStamps(SharedStore store, string prefix, AnswerSeal seal, TimeProvider time, Action<string> malformed)
{
    /// <summary>How old what we know of other machines' invalidations may be.</summary>
    public static readonly TimeSpan NoticedWithin = TimeSpan.FromSeconds(1);

    private const int MostKnown = 10_000;

    // Two machines may write the gate at the same moment and the earlier one last; and their clocks differ a little.
    private static readonly long s_gateMargin = TimeSpan.FromMinutes(10).Ticks;

    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);
    private readonly string _gate = prefix + "invalid";

    /// <summary>Whether the gate, as far as it is known, says that nothing was invalidated since an answer was compared with it.</summary>
    public bool IsCalm(StoredAnswer answer) =>
        TryKnown(_gate, 0, out var gate) && (IsBefore(gate.Stamp, answer) || answer.Worth.ComparedWith == gate.Stamp);

    /// <summary>Reads the gate when what is known of it is too old.</summary>
    public Task RefreshAsync(CancellationToken cancellationToken) =>
        TryKnown(_gate, 0, out _) ? Task.CompletedTask : KnowAsync(_gate, 0, cancellationToken).AsTask();

    /// <summary>Which of the scopes of an answer were invalidated after it was asked for, and when.</summary>
    public async ValueTask<List<(Invalidations.Scope Scope, long Stamp)>> KillersOfAsync(CacheKey key, StoredAnswer answer, CancellationToken cancellationToken)
    {
        var gate = await KnowAsync(_gate, 0, cancellationToken).ConfigureAwait(false);
        if (IsBefore(gate.Stamp, answer))
            return [];

        // Only what was read after the gate had changed can be what it changed for.
        var names = ScopesOf(key, answer).SelectMany(scope => NamesOf(scope).Select(name => (Scope: scope, Name: name))).ToList();
        var stamps = await Task.WhenAll(names.Select(name => KnowAsync(name.Name, gate.Since, cancellationToken).AsTask()))
            .ConfigureAwait(false);
        var killers = new List<(Invalidations.Scope, long)>();
        for (var i = 0; i < stamps.Length; i++)
        {
            if (answer.AskedAt <= stamps[i].Stamp)
                killers.Add((names[i].Scope, stamps[i].Stamp));
        }

        answer.Worth.ComparedWith = gate.Stamp;
        return killers;
    }

    /// <summary>Tells all machines. May block.</summary>
    public async Task NoteAsync(Invalidations.Scope scope, long stamp, CancellationToken cancellationToken)
    {
        // The gate last: who finds it closed finds the stamp as well.
        foreach (var name in NamesOf(Rounded(scope)))
            await RaiseAsync(name, stamp, cancellationToken).ConfigureAwait(false);

        await RaiseAsync(_gate, Math.Max(stamp, time.GetUtcNow().UtcTicks), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Puts a stamp of now in the place of something that is none. May block.</summary>
    public Task RepairAsync(string name, CancellationToken cancellationToken) => WriteAsync(name, time.GetUtcNow().UtcTicks, cancellationToken);

    private static bool IsBefore(long gate, StoredAnswer answer) => gate < answer.AskedAt - s_gateMargin;

    /// <summary>All scopes that an answer belongs to, with the beginnings of its system prompt that an invalidation may name.</summary>
    private static List<Invalidations.Scope> ScopesOf(CacheKey key, StoredAnswer answer)
    {
        List<Invalidations.Scope> scopes = [new(Invalidations.Kind.Everything, ""), new(Invalidations.Kind.Key, key.ToString())];
        if (answer.Model.Length > 0)
            scopes.Add(new(Invalidations.Kind.Model, answer.Model));

        if (answer.Namespace.Length > 0)
            scopes.Add(new(Invalidations.Kind.Namespace, answer.Namespace));

        if (answer.Tenant is { } tenant)
            scopes.Add(new(Invalidations.Kind.Tenant, tenant));

        foreach (var tag in answer.Tags)
            scopes.Add(new(Invalidations.Kind.Tag, tag));

        if (answer.SystemPrompt is { } prompt)
        {
            scopes.Add(new(Invalidations.Kind.SystemPrompt, ""));
            for (var length = 1; length <= prompt.Length; length *= 2)
                scopes.Add(new(Invalidations.Kind.SystemPrompt, prompt[..length]));
        }

        return scopes;
    }

    // An answer cannot ask for every beginning of its prompt. One that is cut to the next power of two below invalidates a few answers too
    // many in this layer, never one too few.
    private static Invalidations.Scope Rounded(Invalidations.Scope scope) => scope is { Kind: Invalidations.Kind.SystemPrompt, Name.Length: > 0 }
        ? scope with { Name = scope.Name[..(int)BitOperations.RoundUpToPowerOf2(((uint)scope.Name.Length / 2) + 1)] }
        : scope;

    private IEnumerable<string> NamesOf(Invalidations.Scope scope) =>
        seal.SharedLabels(scope.Kind, scope.Name).Select(label => $"{prefix}invalid:{(int)scope.Kind}:{label}");

    private bool TryKnown(string name, long notBefore, out Known known) =>
        _known.TryGetValue(name, out known) && known.ReadAt >= notBefore && time.GetElapsedTime(known.ReadAt) < NoticedWithin;

    /// <summary>When a scope was invalidated last: zero when it never was.</summary>
    private async ValueTask<Known> KnowAsync(string name, long notBefore, CancellationToken cancellationToken)
    {
        if (TryKnown(name, notBefore, out var known))
            return known;

        // Its age counts from before the read, since when it has been so from after it: neither makes it look fresher than it is.
        var readAt = time.GetTimestamp();
        var stamp = await ReadAsync(name, cancellationToken).ConfigureAwait(false);
        if (_known.Count >= MostKnown)
            _known.Clear();

        var since = _known.TryGetValue(name, out var before) && before.Stamp == stamp ? before.Since : time.GetTimestamp();
        return _known[name] = new(stamp, readAt, since);
    }

    private async Task<long> ReadAsync(string name, CancellationToken cancellationToken)
    {
        if (await store.ReadAsync(name, cancellationToken).ConfigureAwait(false) is not { } bytes)
            return 0;

        // A stamp far ahead comes from a machine with a wrong clock: believed, it would kill every new answer of its scope until that day.
        if (bytes.Length == sizeof(long) && BinaryPrimitives.ReadInt64LittleEndian(bytes.Span) is var stamp && stamp <= (time.GetUtcNow() + StoredAnswer.ClockTolerance).UtcTicks)
            return stamp;

        malformed(name);
        return long.MaxValue;
    }

    private async Task RaiseAsync(string name, long stamp, CancellationToken cancellationToken)
    {
        var before = await ReadAsync(name, cancellationToken).ConfigureAwait(false);
        if (before < stamp)
            await WriteAsync(name, stamp, cancellationToken).ConfigureAwait(false);
    }

    private Task WriteAsync(string name, long stamp, CancellationToken cancellationToken)
    {
        var bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, stamp);
        return store.WriteAsync(name, bytes, CachePolicy.LongestTimeToLive, cancellationToken);
    }

    private readonly record struct Known(long Stamp, long ReadAt, long Since);
}
