namespace LlmCostCache.AI;

/// <summary>How one call uses the cache: what <c>options.WithCache(c => ...)</c> sets.</summary>
public sealed class CacheControl
{
    internal bool IsBypass { get; private set; }

    internal bool IsRefresh { get; private set; }

    internal bool IsNoStore { get; private set; }

    internal TimeSpan? Lifetime { get; private set; }

    internal TimeSpan? SlidingFor { get; private set; }

    internal TimeSpan? StaleFor { get; private set; }

    internal string? NamespaceName { get; private set; }

    internal List<string> Tags { get; private set; } = [];

    /// <summary>Neither reads nor writes the cache.</summary>
    public CacheControl Bypass()
    {
        IsBypass = true;
        return this;
    }

    /// <summary>Asks the provider and replaces what is stored.</summary>
    public CacheControl Refresh()
    {
        IsRefresh = true;
        return this;
    }

    /// <summary>Reads the cache but stores nothing.</summary>
    public CacheControl NoStore()
    {
        IsNoStore = true;
        return this;
    }

    /// <summary>How long the answer may be served; more than 365 days counts as 365.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public CacheControl TimeToLive(TimeSpan timeToLive)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeToLive, TimeSpan.Zero);
        Lifetime = AtMost(timeToLive);
        return this;
    }

    /// <summary>How long the answer may go unused, within its time to live.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public CacheControl SlidingExpiration(TimeSpan unused)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(unused, TimeSpan.Zero);
        SlidingFor = AtMost(unused);
        return this;
    }

    /// <summary>How long after its end a stored answer may be served to this call when the provider fails, and the answer to this call is kept for that.
    /// <see cref="TimeSpan.Zero"/>: an error is an error.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public CacheControl ServeStale(TimeSpan afterExpiry)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(afterExpiry, TimeSpan.Zero);
        StaleFor = AtMost(afterExpiry);
        return this;
    }

    /// <summary>Labels the stored answer, so that it can be invalidated together with others; not part of the key.</summary>
    public CacheControl Tag(string tag)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(tag);
        Tags.Add(tag);
        return this;
    }

    /// <summary>Keeps the answer apart from those of other namespaces; part of the key.</summary>
    public CacheControl Namespace(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        NamespaceName = name;
        return this;
    }

    // No answer lives longer, whatever is said.
    private static TimeSpan AtMost(TimeSpan time) => time < CachePolicy.LongestTimeToLive ? time : CachePolicy.LongestTimeToLive;

    internal CacheControl Copy()
    {
        var copy = (CacheControl)MemberwiseClone();
        copy.Tags = [.. Tags];
        return copy;
    }
}
