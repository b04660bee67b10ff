namespace LlmCostCache.AI.Cli.Caching;

/// <summary>What is to be forgotten. One name at a time: that is how applications are told, so that nothing of it stays in their memory.</summary>
internal sealed record ClearChoice
{
    /// <summary>How applications are told; meaningless for a key and for what has expired.</summary>
    public Invalidations.Scope Scope { get; private init; } = new(Invalidations.Kind.Everything, "");

    public EntryFilter Filter { get; private init; } = EntryFilter.All;

    /// <summary>The first digits of one key.</summary>
    public string? Digits { get; private init; }

    /// <summary>Only what has expired: it is served by nobody, so nobody is told.</summary>
    public bool IsExpired { get; private init; }

    /// <exception cref="UsageException">Nothing is named, or more than one thing.</exception>
    public static ClearChoice Of(EntryFilter filter, string? key, bool isAll, string? systemPrompt, bool isExpired, bool hasAge)
    {
        if (systemPrompt is { Length: 0 })
        {
            throw new UsageException("--system-prompt is empty; write how the instructions begin, or --all.");
        }

        // Of a longer beginning only this much can be compared; that is how much of a prompt is kept.
        var prompt = systemPrompt is { Length: > RequestOutline.ExcerptLength } ? systemPrompt[..RequestOutline.ExcerptLength] : systemPrompt;
        var named = new List<ClearChoice>();
        Add(Invalidations.Kind.Model, filter.Model, name => new() { Model = name });
        Add(Invalidations.Kind.Namespace, filter.Namespace, name => new() { Namespace = name });
        Add(Invalidations.Kind.Tenant, filter.Tenant, name => new() { Tenant = name });
        Add(Invalidations.Kind.Tag, filter.Tag, name => new() { Tag = name });
        Add(Invalidations.Kind.SystemPrompt, prompt, name => new() { SystemPrompt = name });
        if (key is not null)
        {
            named.Add(new() { Digits = EntryChoice.DigitsOf(key) });
        }

        if (isAll)
        {
            named.Add(new());
        }

        if (isExpired)
        {
            named.Add(new() { IsExpired = true });
        }

        return named.Count switch
        {
            1 => named[0],
            0 when hasAge => new(),
            0 => throw new UsageException("Say what to forget: a KEY, --all, --model, --namespace, --tenant, --tag, --system-prompt, --older-than or --expired."),
            _ => throw new UsageException("Applications are told to forget by one name at a time: give one of KEY, --all, --model, --namespace, --tenant, --tag, --system-prompt and --expired."),
        };

        void Add(Invalidations.Kind kind, string? name, Func<string, EntryFilter> filterOf)
        {
            if (name is not null)
            {
                named.Add(new() { Scope = new(kind, name), Filter = filterOf(name) });
            }
        }
    }
}
