namespace LlmCostCache.AI;

/// <content>What is in <c>cache.db</c>: taken elsewhere, taken over from elsewhere, and held against a question that missed.</content>
public sealed partial class ResponseCache
{
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

        var export = new EntryExport(file, _seal, _time.GetUtcNow()) { IsDead = _invalidations.IsDead };
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

    /// <summary>The directory of <c>cache.db</c>, when all that was stored so far is in it.</summary>
    private async Task<string> RequireFileAsync(CancellationToken cancellationToken)
    {
        if (_disk is null || _home is null)
            throw new StoreUnavailableException("There is no cache.db: the disk layer is off (LlmCostsOptions.DiskCacheBytes is 0) or could not be opened.");

        await _disk.FlushAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        return _home;
    }
}
