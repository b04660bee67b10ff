using System.Globalization;
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
public sealed class ResponseCache : IAsyncDisposable, IDisposable
{
    private static readonly CacheEndpoint s_direct = new("llmcostcache.direct", null, null);

    // A process that dies while it asks keeps the others waiting this long.
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(250);

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
        _invalidations = new Invalidations(_time) { KeyForgotten = (key, stamp) => _memory?.Remove(key, stamp) };
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

    /// <summary>Finds the answer to a prompt that was stored with
    /// <see cref="SetAsync(string, string, string?, ChatOptions?, CancellationToken)"/>.</summary>
    /// <param name="prompt">The prompt, as one message of the user.</param>
    /// <param name="model">The model; when null, that of <paramref name="options"/>.</param>
    /// <param name="options">The options the answer was asked with; all of them are part of the question.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The answer, or null when it is not stored, no longer valid, or the question cannot be named.</returns>
    public Task<CachedAnswer?> GetAsync(string prompt, string? model = null, ChatOptions? options = null,
        CancellationToken cancellationToken = default) =>
        GetAsync(AsMessages(prompt), model, options, cancellationToken);

    /// <summary>Finds the answer to a conversation that was stored with
    /// <see cref="SetAsync(IEnumerable{ChatMessage}, ChatResponse, string?, ChatOptions?, CancellationToken)"/>.</summary>
    /// <param name="messages">The messages so far.</param>
    /// <param name="model">The model; when null, that of <paramref name="options"/>.</param>
    /// <param name="options">The options the answer was asked with; all of them are part of the question.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The answer, or null when it is not stored, no longer valid, or the question cannot be named.</returns>
    public async Task<CachedAnswer?> GetAsync(IEnumerable<ChatMessage> messages, string? model = null, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        var hit = await FindAsync(PlanDirect(messages, model, options), cancellationToken).ConfigureAwait(false);
        if (hit is null)
            return null;

        hit.Answer.Worth.Ask(_time.GetUtcNow());
        Used(hit, Money.Zero);
        return new CachedAnswer(hit);
    }

    /// <summary>Stores the answer to a prompt; returns when it is on the disk as well.</summary>
    /// <param name="prompt">The prompt, as one message of the user.</param>
    /// <param name="answer">The text of the answer.</param>
    /// <param name="model">The model; when null, that of <paramref name="options"/>.</param>
    /// <param name="options">The options of the question; <c>WithCache</c> sets lifetime, tags and namespace.</param>
    /// <param name="cancellationToken">Stops waiting; what was begun is stored nevertheless.</param>
    /// <returns>Whether it was stored: an empty or overlong answer, or a question that cannot be named, is not.</returns>
    public Task<bool> SetAsync(string prompt, string answer, string? model = null, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(answer);
        var response = new ChatResponse(new ChatMessage(ChatRole.Assistant, answer))
        {
            FinishReason = ChatFinishReason.Stop,
            ModelId = model ?? options?.ModelId,
        };
        return SetAsync(AsMessages(prompt), response, model, options, cancellationToken);
    }

    /// <summary>Stores the answer to a conversation; returns when it is on the disk as well.</summary>
    /// <param name="messages">The messages so far.</param>
    /// <param name="response">The answer. A copy is stored, without usage and conversation id.</param>
    /// <param name="model">The model; when null, that of <paramref name="options"/>.</param>
    /// <param name="options">The options of the question; <c>WithCache</c> sets lifetime, tags and namespace.</param>
    /// <param name="cancellationToken">Stops waiting; what was begun is stored nevertheless.</param>
    /// <returns>Whether it was stored: only a finished answer is, with the finish reason <c>stop</c> and something in it.</returns>
    public async Task<bool> SetAsync(IEnumerable<ChatMessage> messages, ChatResponse response, string? model = null,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(response);
        if (Store(PlanDirect(messages, model, options), response, CallCost.Unpriced("stored directly")) is not null)
            return false;

        await FlushAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>Forgets the answer to a prompt, in every layer.</summary>
    /// <returns>Whether there was one in memory or on the disk.</returns>
    public Task<bool> RemoveAsync(string prompt, string? model = null, ChatOptions? options = null,
        CancellationToken cancellationToken = default) =>
        RemoveAsync(AsMessages(prompt), model, options, cancellationToken);

    /// <summary>Forgets the answer to a conversation, in every layer.</summary>
    /// <returns>Whether there was one in memory or on the disk.</returns>
    public async Task<bool> RemoveAsync(IEnumerable<ChatMessage> messages, string? model = null, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        var plan = PlanDirect(messages, model, options);
        return plan.BypassReason is null && await RemoveAsync(plan, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes every answer with this tag invalid, also those that are being made right now; other processes on this machine
    /// notice within a second.</summary>
    /// <returns>How many stored answers were removed.</returns>
    public Task<int> InvalidateTagAsync(string tag, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(tag);
        return InvalidateAsync(new(Invalidations.Kind.Tag, tag), cancellationToken);
    }

    /// <summary>Makes every answer that this model was asked for invalid, for example because its alias now means another model.</summary>
    /// <returns>How many stored answers were removed.</returns>
    public Task<int> InvalidateModelAsync(string model, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        return InvalidateAsync(new(Invalidations.Kind.Model, model), cancellationToken);
    }

    /// <summary>Makes every answer of a namespace invalid: one that calls named with <c>WithCache</c>, or that of the application
    /// (<see cref="LlmCostsOptions.CacheNamespace"/>) for the calls that named none.</summary>
    /// <returns>How many stored answers were removed.</returns>
    public Task<int> InvalidateNamespaceAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return InvalidateAsync(new(Invalidations.Kind.Namespace, name), cancellationToken);
    }

    /// <summary>Makes every answer to questions of this tenant invalid.</summary>
    /// <param name="tenant">The tenant, as <see cref="CostScope"/> named it when the question was asked.</param>
    /// <param name="cancellationToken">Stops waiting; the answers are invalid nevertheless.</param>
    /// <returns>How many stored answers were removed.</returns>
    public Task<int> InvalidateTenantAsync(string tenant, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(tenant);
        return InvalidateAsync(new(Invalidations.Kind.Tenant, tenant), cancellationToken);
    }

    /// <summary>Makes every answer invalid whose question began with these instructions, for example after the prompt was changed.</summary>
    /// <param name="prefix">How the instructions (else the first system message) begin, letter for letter. Only the first 256 characters are
    /// remembered: of a longer prefix, only those are compared.</param>
    /// <param name="cancellationToken">Stops waiting; the answers are invalid nevertheless.</param>
    /// <returns>How many stored answers were removed.</returns>
    /// <exception cref="InvalidOperationException">The beginnings of prompts are not kept.</exception>
    public Task<int> InvalidateSystemPromptAsync(string prefix, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(prefix);
        if (!_keepsExcerpts)
        {
            throw new InvalidOperationException($"The beginnings of prompts are not kept ({nameof(LlmCostsOptions)}.{nameof(LlmCostsOptions.CacheExcerpts)} is false), so answers cannot be found by them. "
                + "Invalidate by tag or namespace.");
        }

        // As the excerpt of a prompt is cut: never within a surrogate pair.
        const int Most = RequestOutline.ExcerptLength;
        if (prefix.Length >= Most)
            prefix = prefix[..(char.IsHighSurrogate(prefix[Most - 1]) ? Most - 1 : Most)];

        return InvalidateAsync(new(Invalidations.Kind.SystemPrompt, prefix), cancellationToken);
    }

    /// <summary>Makes every answer invalid that was asked for longer ago than this.</summary>
    /// <returns>How many stored answers were removed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public Task<int> InvalidateOlderThanAsync(TimeSpan age, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(age, TimeSpan.Zero);
        var now = _time.GetUtcNow();
        return InvalidateOlderThanAsync(age < now - DateTimeOffset.MinValue ? now - age : DateTimeOffset.MinValue, cancellationToken);
    }

    /// <summary>Makes every answer invalid that was asked for before this moment.</summary>
    /// <returns>How many stored answers were removed.</returns>
    public Task<int> InvalidateOlderThanAsync(DateTimeOffset moment, CancellationToken cancellationToken = default)
    {
        // A moment yet to come must not reach what is asked between now and then: "before" ends now.
        var now = _invalidations.Begin();
        return InvalidateAsync(new(Invalidations.Kind.Everything, ""), Math.Min(moment.UtcTicks - 1, now), cancellationToken);
    }

    /// <summary>Forgets every answer.</summary>
    /// <returns>How many stored answers were removed.</returns>
    public Task<int> ClearAsync(CancellationToken cancellationToken = default) =>
        InvalidateAsync(new(Invalidations.Kind.Everything, ""), cancellationToken);

    /// <summary>Writes every entry of <c>cache.db</c> that is still served as a line of JSON, to warm up another cache or to move. The lines contain answers, sealed as they are
    /// in the file: encrypted where <see cref="LlmCostsOptions.CacheEncryptionKeys"/> says so, readable else.</summary>
    /// <param name="destination">Where to; left open.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    /// <returns>How many entries were written.</returns>
    /// <exception cref="StoreUnavailableException">There is no <c>cache.db</c>, or it cannot be read.</exception>
    public async Task<long> ExportAsync(Stream destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        using var file = CacheFile.TryOpen(await RequireFileAsync(cancellationToken).ConfigureAwait(false));
        if (file is null)
            return 0;

        var export = new EntryExport(file, _seal, _time.GetUtcNow());
        await export.WriteAsync(EntryFilter.All, destination, cancellationToken).ConfigureAwait(false);
        return export.Written;
    }

    /// <summary>Takes entries over that <see cref="ExportAsync"/> or <c>llmcost cache export</c> wrote. Every line is checked like the row of a file that anybody could have
    /// changed; what has expired, was invalidated here, or is sealed with another secret or key is skipped. No entry replaces a newer one, and doing it twice changes nothing.</summary>
    /// <param name="source">The lines; left open.</param>
    /// <param name="cancellationToken">Ends the reading; what was read stays.</param>
    /// <exception cref="InvalidDataException">It does not begin like an export that this version reads.</exception>
    /// <exception cref="StoreUnavailableException">There is no <c>cache.db</c>, or it cannot be read.</exception>
    public async Task<CacheImport> ImportAsync(Stream source, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var home = await RequireFileAsync(cancellationToken).ConfigureAwait(false);
        var import = new EntryImport(_disk, home, _seal, _invalidations, _time);
        return new CacheImport(await import.ReadAsync(source, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Says why a question is not answered from <c>cache.db</c>.</summary>
    internal async Task<MissExplanation> WhyMissAsync(CachePlan plan, CancellationToken cancellationToken)
    {
        // A question without a key needs no file to say so.
        if (plan.BypassReason is not null)
            return new MissSearch(null, _seal, _time.GetUtcNow()).Explain(plan, cancellationToken);

        using var file = CacheFile.TryOpen(await RequireFileAsync(cancellationToken).ConfigureAwait(false));
        return new MissSearch(file, _seal, _time.GetUtcNow()).Explain(plan, cancellationToken);
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

    /// <summary>The same for one text that is to be embedded.</summary>
    internal CachePlan PlanEmbedding(string text, EmbeddingGenerationOptions? options, in CacheEndpoint endpoint, string? tenant,
        CachePolicy policy)
    {
        var control = CacheControlCarrier.Find(options?.AdditionalProperties);
        var scope = new QuestionScope(endpoint, _namespace, control?.NamespaceName, tenant, options?.ModelId ?? endpoint.DefaultModel ?? "");
        var whyNot = control is { IsBypass: true } ? "the call bypasses the cache" : null;
        var form = whyNot is null ? RequestCanonicalizer.TryWrite(text, options, scope, out whyNot) : null;
        var plan = PlanFor(form, whyNot, control, scope, policy);

        // Thousands of texts are planned before the first one is looked up.
        plan.Settle();
        return plan;
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

    /// <summary>Looks the texts of a batch up, in one go in each layer; what a lower layer knew, the upper ones learn.</summary>
    internal async ValueTask<EmbeddingHit?[]> FindEmbeddingsAsync(IReadOnlyList<CachePlan> plans, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var hits = FindEmbeddingsNear(plans);
        if (_distributed is null || OpenOf(plans, hits) is not { Count: > 0 } open)
            return hits;

        var answers = await _distributed.FindAsync([.. open.Select(i => plans[i].Key)], cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < open.Count; i++)
            hits[open[i]] = HitOf(Learn(plans[open[i]], answers[i]));

        return hits;
    }

    /// <inheritdoc cref="FindNear"/>
    internal EmbeddingHit?[] FindEmbeddingsNear(IReadOnlyList<CachePlan> plans)
    {
        var hits = new EmbeddingHit?[plans.Count];
        for (var i = 0; i < plans.Count; i++)
            hits[i] = plans[i].CanRead && FindInMemory(plans[i]) is { } answer ? HitOf((answer, CacheLayer.Memory)) : null;

        if (_disk is null || OpenOf(plans, hits) is not { Count: > 0 } open)
            return hits;

        var stored = _disk.Find([.. open.Select(i => plans[i].Key)]);
        for (var i = 0; i < open.Count; i++)
            hits[open[i]] = HitOf(FromDisk(_disk, plans[open[i]], stored[i]));

        return hits;
    }

    private static List<int> OpenOf(IReadOnlyList<CachePlan> plans, EmbeddingHit?[] hits) =>
        [.. Enumerable.Range(0, plans.Count).Where(i => hits[i] is null && plans[i].CanRead)];

    private static EmbeddingHit? HitOf((StoredAnswer? Answer, CacheLayer Layer) found) =>
        found is (StoredAnswer { Vector: not null } answer, var layer) ? new EmbeddingHit(answer, layer) : null;

    /// <summary>Stores a copy of an answer if it deserves it: in memory at once, elsewhere in the background.</summary>
    /// <returns>Null when it is stored or on its way, else the reason.</returns>
    internal string? Store(CachePlan plan, ChatResponse response, CallCost cost, Purchase? purchase = null)
    {
        if (plan.BypassReason is { } bypass)
            return bypass;

        if (!plan.CanStore)
            return "the call stores nothing";

        if (plan.Policy.WhyNotStore(response) is { } whyNot)
            return whyNot;

        return StoredAnswer.TryCopy(response, plan, cost, _time.GetUtcNow(), purchase) is { } answer ? Keep(plan,
            answer) : "the answer cannot be copied";
    }

    /// <summary>Stores a copy of an embedding.</summary>
    /// <returns>Null when it is stored or on its way, else the reason.</returns>
    internal string? StoreEmbedding(CachePlan plan, Embedding<float> embedding, CallCost cost, Purchase? purchase = null)
    {
        if (plan.BypassReason is { } bypass)
            return bypass;

        if (!plan.CanStore)
            return "the call stores nothing";

        if (embedding.Vector.IsEmpty || !embedding.Vector.Span.ContainsAnyExcept(0f) || !AllFinite(embedding.Vector.Span))
            return "the embedding is empty, zero or not finite";

        return Keep(plan, StoredAnswer.Copy(embedding, plan, cost, _time.GetUtcNow(), purchase));
    }

    /// <summary>Counts that an answer was served, whichever layer had it.</summary>
    internal void Used(CacheHit hit, Money saved) => Used(hit.Key, saved);

    /// <inheritdoc cref="Used(CacheHit, Money)"/>
    internal void Used(CacheKey key, Money saved) => _disk?.Used(key, saved);

    /// <summary>Whether this process may ask a question, as far as the other processes of this machine are concerned; it tells them until the flight has landed.</summary>
    internal async ValueTask<bool> TryLeadAmongProcessesAsync(CachePlan plan, CacheFlight flight)
    {
        if (_disk is not { } disk || !plan.CanStore)
            return true;

        var key = plan.Key;
        var outcome = await disk.TryLeaseAsync(key, s_lease).ConfigureAwait(false);
        if (outcome == LeaseOutcome.Taken)
        {
            // Not for ever: a reader that stopped reading its stream and never left would keep every other process waiting each time.
            var takenAt = _time.GetTimestamp();
            var renewal = _time.CreateTimer(
                _ =>
                {
                    if (_time.GetElapsedTime(takenAt) < CacheFlight.Patience)
                        _ = disk.TryLeaseAsync(key, s_lease).AsTask();
                },
                null, s_lease / 3, s_lease / 3);
            flight.OnLanding(() =>
            {
                renewal.Dispose();
                disk.ReleaseLease(key);
            });
        }

        return outcome != LeaseOutcome.HeldByOther;
    }

    /// <summary>Waits while another process of this machine asks the same question, as long as it shows that it lives, but not for ever.</summary>
    /// <returns>What the other process stored; null when this one has to ask.</returns>
    internal async ValueTask<CacheHit?> AwaitOtherProcessesAsync(CachePlan plan, CacheFlight flight, CancellationToken cancellationToken)
    {
        var pause = s_firstPause;
        var startedAt = _time.GetTimestamp();
        var waited = false;
        while (!await TryLeadAmongProcessesAsync(plan, flight).ConfigureAwait(false) && _time.GetElapsedTime(startedAt) < CacheFlight.Patience)
        {
            waited = true;
            await Task.Delay(pause, _time, cancellationToken).ConfigureAwait(false);
            if (FindOnDisk(plan) is { } hit)
                return hit;

            pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
        }

        // It may have stored its answer between our look and the end of its lease.
        return waited ? FindOnDisk(plan) : null;
    }

    /// <summary>What the file of this machine has for a question, whatever is in memory; then it is in memory, too.</summary>
    internal CacheHit? FindOnDisk(CachePlan plan)
    {
        if (_disk?.Find(plan.Key) is not { Vector: null } answer || !IsServable(answer, CacheLayer.Disk))
            return null;

        Remember(plan, answer);
        return new CacheHit(answer, CacheLayer.Disk, plan.Key);
    }

    /// <summary>An answer that has expired but may be served now that the provider has failed; null when there is none.</summary>
    internal CacheHit? FindStale(CachePlan plan, string failure) => StaleOf(plan, failure) is { Answer.Vector: null } hit ? hit : null;

    /// <summary>The same for an embedding.</summary>
    internal EmbeddingHit? FindStaleEmbedding(CachePlan plan, string failure) =>
        StaleOf(plan, failure) is { Answer.Vector: not null } hit ? new EmbeddingHit(hit.Answer, hit.Layer) { StaleReason = hit.StaleReason } : null;

    private CacheHit? StaleOf(CachePlan plan, string failure)
    {
        if (!plan.CanRead || plan.StaleFor <= TimeSpan.Zero)
            return null;

        if (_memory is not null && _memory.TryGet(plan.Print, plan.Request, out var entry) && MayServeStale(entry.Answer, plan))
            return Stale(entry.Answer, CacheLayer.Memory);

        return _disk?.Find(plan.Key) is { } stored && MayServeStale(stored, plan) ? Stale(stored, CacheLayer.Disk) : null;

        CacheHit Stale(StoredAnswer found, CacheLayer layer) => new(found, layer, plan.Key)
        {
            StaleReason = string.Create(CultureInfo.InvariantCulture,
                $"stale: the provider failed ({failure}), and the answer of {found.StoredAt.UtcDateTime:yyyy-MM-dd HH:mm}Z is served although it has expired"),
        };
    }

    /// <summary>Joins the callers of a question: the first leads and asks, the others wait for it.</summary>
    internal CacheFlight Enter(CacheKey key) => _flights.Enter(key);

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

    /// <summary>The directory of <c>cache.db</c>, when all that was stored so far is in it.</summary>
    private async Task<string> RequireFileAsync(CancellationToken cancellationToken)
    {
        if (_disk is null || _home is null)
            throw new StoreUnavailableException("There is no cache.db: the disk layer is off (LlmCostsOptions.DiskCacheBytes is 0) or could not be opened.");

        await _disk.FlushAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        return _home;
    }

    private static IList<ChatMessage> AsMessages(string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return [new ChatMessage(ChatRole.User, prompt)];
    }

    private CachePlan PlanDirect(IEnumerable<ChatMessage> messages, string? model, ChatOptions? options)
    {
        ArgumentNullException.ThrowIfNull(messages);
        if (model is not null && options?.ModelId is { } other && other != model)
        {
            options = options.Clone();
            options.ModelId = model;
        }

        var list = messages as IList<ChatMessage> ?? [.. messages];
        return Plan(list, options, s_direct with { DefaultModel = model }, CostScope.Current.Tenant, CachePolicy.Default);
    }

    private async Task<bool> RemoveAsync(CachePlan plan, CancellationToken cancellationToken)
    {
        var removed = _memory?.Remove(plan.Print, plan.Request) ?? false;
        var scope = new Invalidations.Scope(Invalidations.Kind.Key, plan.Key.ToString());
        var stamp = _invalidations.Begin();
        if (_disk is not null)
        {
            // Noted in the file as well, since other processes may have the answer in their memory.
            var deleted = _disk.RemoveAsync(plan.Key);
            await _disk.InvalidateAsync(scope, stamp).WaitAsync(cancellationToken).ConfigureAwait(false);
            removed |= await deleted.WaitAsync(cancellationToken).ConfigureAwait(false) > 0;
        }

        if (_distributed is not null)
            await _distributed.InvalidateAsync(scope, stamp).WaitAsync(cancellationToken).ConfigureAwait(false);

        plan.Settle();
        return removed;
    }

    private Task<int> InvalidateAsync(Invalidations.Scope scope, CancellationToken cancellationToken) =>
        InvalidateAsync(scope, _invalidations.Begin(), cancellationToken);

    private async Task<int> InvalidateAsync(Invalidations.Scope scope, long stamp, CancellationToken cancellationToken)
    {
        // From here on nothing older is served or written by this process; the rest tells the others and frees the space.
        _invalidations.Add(scope, stamp);
        var removed = _memory?.RemoveWhere(_invalidations.IsDead) ?? 0;

        // What is in memory is on the disk as well, so the larger number is the number of answers.
        if (_disk is not null)
            removed = Math.Max(removed, await _disk.InvalidateAsync(scope, stamp).WaitAsync(cancellationToken).ConfigureAwait(false));

        if (_distributed is not null)
            await _distributed.InvalidateAsync(scope, stamp).WaitAsync(cancellationToken).ConfigureAwait(false);

        return removed;
    }

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
        _disk?.Put(plan.Key, answer, plan.Outline);
        return (answer, CacheLayer.Distributed);
    }

    private string? Keep(CachePlan plan, StoredAnswer answer)
    {
        if (answer.SizeInMemory() > Math.Min(plan.Policy.MaxAnswerBytes, 32 << 20))
            return "the answer is too large";

        if (_invalidations.IsDead(answer))
            return "it was invalidated while it was being made";

        Remember(plan, answer);
        _disk?.Put(plan.Key, answer, plan.Outline);
        _distributed?.Put(plan.Key, answer);
        return null;
    }

    private void Remember(CachePlan plan, StoredAnswer answer) => _memory?.Put(new MemoryEntry(plan.Print, plan.KeptRequest, plan.Key, answer));

    /// <summary>Whether an answer that somebody else was waiting for must not be given to others any more.</summary>
    internal bool IsInvalidated(CacheHit hit) => _invalidations.IsDead(hit.Answer);

    private void Failed(CacheLayer layer, string what) => _layerFailed?.Invoke(layer, what);

    /// <summary>Whether an answer to a question asked by this plan must not be given to callers that come now.</summary>
    internal bool IsInvalidated(CachePlan plan) => _invalidations.IsDead(StoredAnswer.Bill(plan, null, CallCost.Unknown, default, null));

    private bool IsKept(StoredAnswer answer) => answer.IsKept(_time.GetUtcNow()) && !_invalidations.IsDead(answer);

    private bool MayServeStale(StoredAnswer answer, CachePlan plan)
    {
        var now = _time.GetUtcNow();
        return (answer.IsFresh(now) || (answer.IsKept(now) && now - answer.ExpiresAt < plan.StaleFor)) && !_invalidations.IsDead(answer);
    }

    // Whether an answer on the disk, or elsewhere, was used lately is known there: other processes use it too.
    private bool IsServable(StoredAnswer answer, CacheLayer layer = CacheLayer.Memory) =>
        answer.IsFresh(_time.GetUtcNow(), counts: layer == CacheLayer.Memory) && !_invalidations.IsDead(answer);

    private static bool AllFinite(ReadOnlySpan<float> vector)
    {
        foreach (var number in vector)
        {
            if (!float.IsFinite(number))
                return false;
        }

        return true;
    }
}
