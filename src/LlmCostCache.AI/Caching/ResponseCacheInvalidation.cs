namespace LlmCostCache.AI;

/// <content>Answers that must not be served any more, in this process and in the others.</content>
public sealed partial class ResponseCache
{
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

    private async Task<bool> RemoveAsync(CachePlan plan, CancellationToken cancellationToken)
    {
        var removed = _memory?.Remove(plan.Print, plan.Request) ?? false;
        var scope = new Invalidations.Scope(Invalidations.Kind.Key, plan.Key.ToString());
        var stamp = _invalidations.Begin();
        var (deleted, noted) = (Task.FromResult(0), Task.FromResult(0));
        if (_disk is not null)
        {
            // Noted in the file as well, since other processes may have the answer in their memory.
            deleted = _disk.RemoveAsync(plan.Key);
            noted = _disk.InvalidateAsync(scope, stamp);
        }

        // All are told before any is waited for: whoever stops waiting has said it nevertheless.
        var shared = _distributed?.InvalidateAsync(scope, stamp) ?? Task.CompletedTask;
        plan.Settle();
        await noted.WaitAsync(cancellationToken).ConfigureAwait(false);
        removed |= await deleted.WaitAsync(cancellationToken).ConfigureAwait(false) > 0;
        await shared.WaitAsync(cancellationToken).ConfigureAwait(false);
        return removed;
    }

    private Task<int> InvalidateAsync(Invalidations.Scope scope, CancellationToken cancellationToken) =>
        InvalidateAsync(scope, _invalidations.Begin(), cancellationToken);

    private async Task<int> InvalidateAsync(Invalidations.Scope scope, long stamp, CancellationToken cancellationToken)
    {
        // From here on nothing older is served or written by this process; the rest tells the others and frees the space.
        _invalidations.Add(scope, stamp);
        var removed = _memory?.RemoveWhere(_invalidations.IsDead) ?? 0;

        // All are told before any is waited for: whoever stops waiting has said it nevertheless.
        var onDisk = _disk?.InvalidateAsync(scope, stamp) ?? Task.FromResult(0);
        var shared = _distributed?.InvalidateAsync(scope, stamp) ?? Task.CompletedTask;

        // What is in memory is on the disk as well, so the larger number is the number of answers.
        removed = Math.Max(removed, await onDisk.WaitAsync(cancellationToken).ConfigureAwait(false));
        await shared.WaitAsync(cancellationToken).ConfigureAwait(false);
        return removed;
    }
}
