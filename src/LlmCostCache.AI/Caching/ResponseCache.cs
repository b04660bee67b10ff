using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Remembers answers, so that the same question is not paid for twice: in memory, in <c>cache.db</c> and in a distributed
/// cache.</summary>
/// <remarks>
/// <c>UseCostCache()</c> uses it for every call of a chat client. Used directly it stores and finds answers for whatever you ask elsewhere;
/// an answer found that way was stored that way, for the same prompt, model and options. All members may be called from several threads.
/// A layer that is broken, slow, full or was tampered with counts as not knowing the answer; it never raises an exception.
/// </remarks>
public sealed partial class ResponseCache : IAsyncDisposable, IDisposable
{
    private readonly TimeProvider _time;
    private readonly string _namespace;
    private readonly string? _home;
    private readonly AnswerSeal _seal;
    private readonly bool _keepsExcerpts;
    private readonly CacheNormalization _normalization;
    private readonly RequestPrinter _printer;
    private readonly Action<CacheLayer, string>? _layerFailed;
    private readonly MemoryLayer? _memory;
    private readonly DiskLayer? _disk;
    private readonly DistributedLayer? _distributed;
    private readonly Invalidations _invalidations;
    private readonly SingleFlight _flights;

    internal ResponseCache(LlmCostsOptions options, string? homeDirectory, ILogger logger, Action<CacheLayer, string>? layerFailed = null,
        RequestPrinter? printer = null)
    {
        _time = options.TimeProvider;
        _namespace = options.CacheNamespace;
        _home = homeDirectory;
        _seal = AnswerSeal.Of(options);
        _keepsExcerpts = options.CacheExcerpts;
        _normalization = options.CacheNormalization;
        _printer = printer ?? new RequestPrinter();
        _layerFailed = layerFailed;
        _memory = options.MemoryCacheBytes > 0 ? new MemoryLayer(options.MemoryCacheBytes) : null;
        _invalidations = new Invalidations(_time) { KeysForgotten = keys => _memory?.Remove(keys) };
        _flights = new SingleFlight(_time);
        if (options.DistributedCache is { } distributed)
        {
            _distributed = new DistributedLayer(distributed, options, _invalidations, logger, what => Failed(CacheLayer.Distributed, what), _seal)
            {
                KeyForgotten = (key, askedUpTo) => _disk?.RemoveAsync(key, askedUpTo),
            };
        }

        if (homeDirectory is not null && options.DiskCacheBytes > 0)
        {
            _disk = DiskLayer.TryOpen(homeDirectory, options.DiskCacheBytes, _seal, _time, _invalidations, logger, what =>
                Failed(CacheLayer.Disk, what));
        }
    }

    /// <summary>Decides what the cache does for a question: its key, or why it has none, and the wishes of this call.</summary>
    internal CachePlan Plan(IEnumerable<ChatMessage> messages, ChatOptions? options, in CacheEndpoint endpoint, string? tenant,
        CachePolicy policy)
    {
        var control = CacheControlCarrier.Find(options?.AdditionalProperties);
        var scope = new QuestionScope(endpoint, _namespace, control?.NamespaceName, tenant, options?.ModelId ?? endpoint.DefaultModel ?? "") { Normalization = _normalization };
        var whyNot = control is { IsBypass: true } ? "the call bypasses the cache" : policy.WhyNotRead(messages, options);
        var form = whyNot is null ? RequestCanonicalizer.TryWrite(messages, options, scope, policy.AllowUriContent, out whyNot) : null;
        return PlanFor(form, whyNot, control, scope, policy);
    }

    /// <summary>Looks a question up, layer by layer; what a lower layer knew, the upper ones learn.</summary>
    internal ValueTask<CacheHit?> FindAsync(CachePlan plan, CancellationToken cancellationToken)
    {
        var found = LookUpAsync(plan, cancellationToken);
        return found.IsCompletedSuccessfully ? new(HitOf(plan, found.Result)) : FindLaterAsync(plan, found);
    }

    private static async ValueTask<CacheHit?> FindLaterAsync(CachePlan plan, ValueTask<(StoredAnswer? Answer, CacheLayer Layer)> found) =>
        HitOf(plan, await found.ConfigureAwait(false));

    private static CacheHit? HitOf(CachePlan plan, (StoredAnswer? Answer, CacheLayer Layer) found) =>
        found is (StoredAnswer { Vector: null } answer, var layer) ? new CacheHit(answer, layer, plan.Key) : null;

    /// <summary>Looks a question up once more where another caller of this process would have put its answer a moment ago: not on the network.</summary>
    internal CacheHit? FindNear(CachePlan plan) => plan.CanRead ? HitOf(plan, LookUpNear(plan)) : null;

    /// <summary>Stores a copy of an answer if it deserves it: in memory at once, elsewhere in the background.</summary>
    /// <returns>Null when it is stored or on its way, else the reason.</returns>
    internal string? Store(CachePlan plan, ChatResponse response, CallCost cost, Purchase? purchase = null) => Store(plan, response, cost, purchase, out _);

    /// <param name="plan">What the cache does for the question.</param>
    /// <param name="response">The answer.</param>
    /// <param name="cost">What it cost.</param>
    /// <param name="purchase">On which terms it was bought; null when nobody saw them.</param>
    /// <param name="stored">The copy that is stored, for those who wait for the same answer; null when none is.</param>
    /// <inheritdoc cref="Store(CachePlan, ChatResponse, CallCost, Purchase?)"/>
    internal string? Store(CachePlan plan, ChatResponse response, CallCost cost, Purchase? purchase, out StoredAnswer? stored)
    {
        stored = null;
        if (plan.BypassReason is { } bypass)
            return bypass;

        if (!plan.CanStore)
            return "the call stores nothing";

        if (plan.Policy.WhyNotStore(response) is { } whyNot)
            return whyNot;

        if (StoredAnswer.TryCopy(response, plan, cost, _time.GetUtcNow(), purchase) is not { } answer)
            return "the answer cannot be copied";

        var whyNotKept = Keep(plan, answer);
        stored = whyNotKept is null ? answer : null;
        return whyNotKept;
    }

    /// <summary>Counts that an answer was served, whichever layer had it.</summary>
    internal void Used(CacheHit hit, Money saved) => Used(hit.Key, saved);

    /// <inheritdoc cref="Used(CacheHit, Money)"/>
    internal void Used(CacheKey key, Money saved) => _disk?.Used(key, saved);

    /// <summary>Joins the callers of a question: the first leads and asks, the others wait for it.</summary>
    internal CacheFlight Enter(CacheKey key) => _flights.Enter(key);

    private CachePlan PlanFor(RequestCanonicalizer? form, string? whyNot, CacheControl? control, in QuestionScope scope, CachePolicy policy)
    {
        var print = form is null || _memory is null ? default : _printer.Of(form.Bytes);
        var plan = new CachePlan(form, print, _seal.Keys, _keepsExcerpts, _invalidations)
        {
            BypassReason = whyNot,
            CanRead = whyNot is null && control is not { IsRefresh: true },
            CanStore = whyNot is null && control is not { IsNoStore: true },
            TimeToLive = control?.Lifetime ?? policy.LifetimeOf(scope.Model ?? ""),
            SlidingFor = control?.SlidingFor ?? policy.SlidingExpiration,
            StaleFor = control?.StaleFor ?? policy.ServeStaleFor,
            Tags = control is { Tags.Count: > 0 } ? control.Tags.Distinct(StringComparer.Ordinal).ToArray() : [],
            Model = scope.Model ?? "",
            Namespace = scope.CallNamespace ?? scope.Namespace ?? "",
            Tenant = scope.Tenant,
            Policy = policy,
        };

        // Nobody will look it up, so nobody would give the borrowed memory back.
        if (!plan.CanRead)
            plan.Settle();

        return plan;
    }

    private ValueTask<(StoredAnswer? Answer, CacheLayer Layer)> LookUpAsync(CachePlan plan, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!plan.CanRead)
            return default;

        var near = LookUpNear(plan);
        return near.Answer is not null || _distributed is null ? new(near) : LookUpDistributedAsync(_distributed, plan, cancellationToken);
    }

    private (StoredAnswer? Answer, CacheLayer Layer) LookUpNear(CachePlan plan)
    {
        if (FindInMemory(plan) is { } answer)
            return (answer, CacheLayer.Memory);

        return _disk is null ? default : FromDisk(_disk, plan, _disk.Find(plan.Key));
    }

    private StoredAnswer? FindInMemory(CachePlan plan)
    {
        // First: an entry that another process forgot by its key does not know that it is dead, it is only no longer there.
        if (_memory is not null)
            _disk?.Poll();

        if (_memory is not null && _memory.TryGet(plan.Print, plan.Request, out var entry))
        {
            _distributed?.Watch(entry.Key, entry.Answer);
            if (IsServable(entry.Answer))
            {
                plan.Answer(entry);
                return entry.Answer;
            }

            if (!IsKept(entry.Answer))
                _memory.Remove(entry);
        }

        plan.Settle();
        return null;
    }

    private (StoredAnswer? Answer, CacheLayer Layer) FromDisk(DiskLayer disk, CachePlan plan, StoredAnswer? stored)
    {
        if (stored is null)
            return default;

        _distributed?.Watch(plan.Key, stored);
        if (IsServable(stored, CacheLayer.Disk))
        {
            Remember(plan, stored);
            return (stored, CacheLayer.Disk);
        }

        if (!IsKept(stored))
            _ = disk.RemoveAsync(plan.Key, stored.AskedAt);

        return default;
    }

    private async ValueTask<(StoredAnswer? Answer, CacheLayer Layer)> LookUpDistributedAsync(DistributedLayer distributed, CachePlan plan,
        CancellationToken cancellationToken) => Learn(plan, await distributed.FindAsync(plan.Key, cancellationToken).ConfigureAwait(false));

    private (StoredAnswer? Answer, CacheLayer Layer) Learn(CachePlan plan, StoredAnswer? answer)
    {
        if (answer is null || !IsServable(answer, CacheLayer.Distributed))
            return default;

        Remember(plan, answer);
        _disk?.Put(plan.Key, answer, () => plan.Outline);
        return (answer, CacheLayer.Distributed);
    }

    private string? Keep(CachePlan plan, StoredAnswer answer)
    {
        if (answer.SizeInMemory() > Math.Min(plan.Policy.MaxAnswerBytes, 32 << 20))
            return "the answer is too large";

        if (_invalidations.IsDead(answer))
            return "it was invalidated while it was being made";

        Remember(plan, answer);
        _disk?.Put(plan.Key, answer, () => plan.Outline);
        _distributed?.Put(plan.Key, answer);
        return null;
    }

    private void Remember(CachePlan plan, StoredAnswer answer) => _memory?.Put(new MemoryEntry(plan.Print, plan.KeptRequest, plan.Key, answer));

    /// <summary>Whether an answer that somebody else's call got may be given to a question that waited for it: what was asked before an invalidation is not for a
    /// caller that may have come after it, and what has expired only for one that would take it.</summary>
    internal bool MayShare(CacheHit hit, CachePlan plan) =>
        !_invalidations.IsDead(hit.Answer) && (hit.StaleReason is null || (plan.StaleFor > TimeSpan.Zero && MayServeStale(hit.Answer, plan)));

    /// <summary>Whether an answer to a question asked by this plan must not be given to callers that come now.</summary>
    internal bool IsInvalidated(CachePlan plan) => _invalidations.IsDead(StoredAnswer.Bill(plan, null, CallCost.Unknown, default, null));

    private bool IsKept(StoredAnswer answer) => answer.IsKept(_time.GetUtcNow()) && !_invalidations.IsDead(answer);

    // Whether an answer on the disk, or elsewhere, was used lately is known there: other processes use it too.
    private bool IsServable(StoredAnswer answer, CacheLayer layer = CacheLayer.Memory) =>
        answer.IsFresh(_time.GetUtcNow(), counts: layer == CacheLayer.Memory) && !_invalidations.IsDead(answer);

    /// <summary>Waits for what is being written, ten seconds at most, and closes the files.</summary>
    public async ValueTask DisposeAsync()
    {
        // The writer thread is joined; not on a thread of the pool's callers.
        await Task.Run(() => _disk?.Dispose()).ConfigureAwait(false);
        if (_distributed is not null)
            await _distributed.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Waits for what is being written, ten seconds at most, and closes the files.</summary>
    public void Dispose() => Task.Run(() => DisposeAsync().AsTask()).GetAwaiter().GetResult();

    /// <summary>Waits until everything stored so far is where it belongs, or could not be put there.</summary>
    internal async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_disk is not null)
            await _disk.FlushAsync().WaitAsync(cancellationToken).ConfigureAwait(false);

        if (_distributed is not null)
            await _distributed.FlushAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private void Failed(CacheLayer layer, string what) => _layerFailed?.Invoke(layer, what);
}
