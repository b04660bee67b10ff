namespace LlmCostCache.AI;

/// <summary>Who pays: the attribution that every call inside a <c>using</c> block is recorded with.</summary>
/// <remarks>
/// A scope flows with <c>async</c> and nests: an inner value wins, tags add up. It must surround the enumeration of a stream, not only the
/// call that creates it. A scope carries names, never prompts or keys.
/// </remarks>
public sealed class CostScope : IDisposable
{
    private static readonly AsyncLocal<CostScope?> s_current = new();

    private readonly CostScope? _parent;

    private CostScope(Attribution attribution, CostScope? parent)
    {
        Attribution = attribution;
        _parent = parent;
    }

    /// <summary>Who pays here and now, merged over all scopes that are open.</summary>
    public static Attribution Current => s_current.Value?.Attribution ?? Attribution.None;

    /// <summary>Who pays inside this scope, merged with the scopes around it.</summary>
    public Attribution Attribution { get; }

    /// <summary>Opens a scope; dispose it to return to the one around it.</summary>
    /// <param name="tenant">The customer or organisation. Shared caches keep tenants apart.</param>
    /// <param name="project">The application or cost centre.</param>
    /// <param name="user">The person on whose behalf the call is made.</param>
    /// <param name="team">The team that pays.</param>
    /// <param name="feature">The part of the application that asks.</param>
    /// <param name="session">The run or conversation; sums up calls that belong together.</param>
    /// <param name="agent">The agent or role that asks.</param>
    /// <param name="tags">Free labels, added to those of the scopes around.</param>
    /// <exception cref="ArgumentException">A name is empty, blank, longer than 256 characters or contains a zero character, or there are more than 32 tags.</exception>
    public static CostScope Begin(string? tenant = null, string? project = null, string? user = null, string? team = null,
        string? feature = null, string? session = null, string? agent = null, IEnumerable<string>? tags = null)
    {
        var parent = s_current.Value;
        var inner = Attribution.Create(tenant, project, user, team, feature, session, agent, tags);
        var scope = new CostScope(inner.Over(parent?.Attribution ?? Attribution.None), parent);
        s_current.Value = scope;
        return scope;
    }

    /// <summary>Returns to the scope around this one. Disposing twice, or out of order, is harmless.</summary>
    public void Dispose()
    {
        for (var scope = s_current.Value; scope is not null; scope = scope._parent)
        {
            if (ReferenceEquals(scope, this))
            {
                s_current.Value = _parent;
                return;
            }
        }
    }

    /// <summary>Makes <paramref name="attribution"/> the current one again: for doors that leave and re-enter the flow of a call.</summary>
    internal static CostScope Resume(Attribution attribution)
    {
        var scope = new CostScope(attribution, s_current.Value);
        s_current.Value = scope;
        return scope;
    }
}
