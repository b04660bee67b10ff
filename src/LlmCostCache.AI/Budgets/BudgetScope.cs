namespace LlmCostCache.AI;

/// <summary>Which calls a budget counts: those that carry every name given here. A name <c>*</c> means: each value has a budget of its own.</summary>
internal sealed record BudgetScope
{
    public const string Each = "*";

    public static BudgetScope Everything { get; } = new();

    public string? Tenant { get; init; }

    public string? Project { get; init; }

    public string? Team { get; init; }

    public string? User { get; init; }

    public string? Feature { get; init; }

    public string? Session { get; init; }

    public string? Agent { get; init; }

    public string? Model { get; init; }

    public string? Tag { get; init; }

    /// <summary>Which kinds of names a scope gives; an <see cref="Each"/> gives none, because any value will do.</summary>
    [Flags]
    internal enum Shape
    {
        None = 0,
        Tenant = 1,
        Project = 2,
        Team = 4,
        User = 8,
        Feature = 16,
        Session = 32,
        Agent = 64,
        Model = 128,
        Tag = 256,
    }

    /// <summary>Whether each value of some name has a budget of its own.</summary>
    public bool IsTemplate => Parts().Any(static part => part.Value == Each);

    public Shape ShapeOf() =>
        Given(Tenant, Shape.Tenant) | Given(Project, Shape.Project) | Given(Team, Shape.Team) | Given(User, Shape.User) | Given(Feature, Shape.Feature)
        | Given(Session, Shape.Session) | Given(Agent, Shape.Agent) | Given(Model, Shape.Model) | Given(Tag, Shape.Tag);

    /// <summary>The names alone, as a call that is counted has them.</summary>
    public BudgetScope Names()
    {
        var shape = ShapeOf();
        return new()
        {
            Tenant = shape.HasFlag(Shape.Tenant) ? Tenant : null,
            Project = shape.HasFlag(Shape.Project) ? Project : null,
            Team = shape.HasFlag(Shape.Team) ? Team : null,
            User = shape.HasFlag(Shape.User) ? User : null,
            Feature = shape.HasFlag(Shape.Feature) ? Feature : null,
            Session = shape.HasFlag(Shape.Session) ? Session : null,
            Agent = shape.HasFlag(Shape.Agent) ? Agent : null,
            Model = shape.HasFlag(Shape.Model) ? Model!.ToUpperInvariant() : null,
            Tag = shape.HasFlag(Shape.Tag) ? Tag : null,
        };
    }

    /// <summary>Those names of a call that a shape asks for, without model and tag, of which a call can have several.</summary>
    public static BudgetScope Of(Attribution attribution, Shape shape) => new()
    {
        Tenant = shape.HasFlag(Shape.Tenant) ? attribution.Tenant : null,
        Project = shape.HasFlag(Shape.Project) ? attribution.Project : null,
        Team = shape.HasFlag(Shape.Team) ? attribution.Team : null,
        User = shape.HasFlag(Shape.User) ? attribution.User : null,
        Feature = shape.HasFlag(Shape.Feature) ? attribution.Feature : null,
        Session = shape.HasFlag(Shape.Session) ? attribution.Session : null,
        Agent = shape.HasFlag(Shape.Agent) ? attribution.Agent : null,
    };

    /// <summary>A stable text, part of a budget's identity: <c>project=my-app,user=*</c>, or <c>all</c>.</summary>
    public override string ToString()
    {
        var parts = Parts().Where(part => part.Value is not null).Select(part => $"{part.Key}={Uri.EscapeDataString(part.Value!).Replace("%2A", "*", StringComparison.Ordinal)}");
        var text = string.Join(',', parts);
        return text.Length == 0 ? "all" : text;
    }

    /// <summary>
    /// Whether a call counts, and if so under which of the budget's windows: the empty key for a plain budget, the values of the
    /// <see cref="Each"/> names for a template.
    /// </summary>
    public bool TryMatch(Attribution attribution, string? requestedModel, string? modelKey, out string windowKey)
    {
        windowKey = "";
        var each = "";
        var matches = Covers("tenant", Tenant, attribution.Tenant, ref each) && Covers("project", Project, attribution.Project, ref each)
            && Covers("team", Team, attribution.Team, ref each) && Covers("user", User, attribution.User, ref each)
            && Covers("feature", Feature, attribution.Feature, ref each) && Covers("session", Session, attribution.Session, ref each)
            && Covers("agent", Agent, attribution.Agent, ref each)
            && (Model is null || string.Equals(Model, requestedModel, StringComparison.OrdinalIgnoreCase) || string.Equals(Model, modelKey, StringComparison.OrdinalIgnoreCase))
            && (Tag is null || attribution.Tags.Contains(Tag, StringComparer.Ordinal));
        windowKey = matches ? each : "";
        return matches;
    }

    /// <summary>The names that a call must have carried to be counted under a window of this scope, put into those that are known already.</summary>
    public Attribution Caller(string windowKey, Attribution known)
    {
        return known with
        {
            Tenant = known.Tenant ?? NameOf("tenant", Tenant),
            Project = known.Project ?? NameOf("project", Project),
            Team = known.Team ?? NameOf("team", Team),
            User = known.User ?? NameOf("user", User),
            Feature = known.Feature ?? NameOf("feature", Feature),
            Session = known.Session ?? NameOf("session", Session),
            Agent = known.Agent ?? NameOf("agent", Agent),
            Tags = Tag is null || known.Tags.Contains(Tag, StringComparer.Ordinal) ? known.Tags : [.. known.Tags, Tag],
        };

        string? NameOf(string name, string? wanted)
        {
            var each = windowKey.Split(',').FirstOrDefault(part => part.StartsWith($"{name}=", StringComparison.Ordinal));
            return wanted != Each ? wanted : each is null ? null : Uri.UnescapeDataString(each[(name.Length + 1)..]);
        }
    }

    /// <summary>A window key as windows have it, of one that people wrote: values may be given plainly or as in a URL.</summary>
    public static string KeyOf(string text) => string.Join(',', text.Split(',').Select(static part => part.IndexOf('=', StringComparison.Ordinal) is > 0 and var at && part[(at + 1)..] is var value and not Each
        ? $"{part[..at]}={Uri.EscapeDataString(Uri.UnescapeDataString(value))}" : part));

    /// <summary>Whether a text is a window key of this scope: a value for each of its <see cref="Each"/> names, in their order.</summary>
    public bool IsKey(string key) => !key.Contains('*', StringComparison.Ordinal)
        && Parts().Where(part => part.Value == Each).Select(part => part.Key).SequenceEqual(key.Split(',').Select(part => part.Split('=')[0]), StringComparer.Ordinal)
        && key.Split(',').All(part => part.IndexOf('=', StringComparison.Ordinal) is > 0 and var at && at < part.Length - 1);

    private static Shape Given(string? name, Shape shape) => name is null or Each ? Shape.None : shape;

    private static bool Covers(string name, string? wanted, string? actual, ref string each)
    {
        if (wanted is null)
        {
            return true;
        }

        if (wanted != Each)
        {
            return string.Equals(wanted, actual, StringComparison.Ordinal);
        }

        if (actual is null)
        {
            return false;
        }

        each = $"{each}{(each.Length == 0 ? "" : ",")}{name}={Uri.EscapeDataString(actual)}";
        return true;
    }

    private IEnumerable<KeyValuePair<string, string?>> Parts() =>
    [
        new("tenant", Tenant), new("project", Project), new("team", Team), new("user", User), new("feature", Feature),
        new("session", Session), new("agent", Agent), new("model", Model), new("tag", Tag),
    ];
}
