using System.Collections.Immutable;

namespace LlmCostCache.AI;

/// <summary>Who pays for a call: the names a ledger row is filed under.</summary>
public sealed record Attribution
{
    private const int MaxNameLength = 256;
    private const int MaxTags = 32;

    /// <summary>Nobody in particular.</summary>
    public static Attribution None { get; } = new();

    /// <summary>The customer or organisation.</summary>
    public string? Tenant { get; init; }

    /// <summary>The application or cost centre.</summary>
    public string? Project { get; init; }

    /// <summary>The team that pays.</summary>
    public string? Team { get; init; }

    /// <summary>The person on whose behalf the call is made.</summary>
    public string? User { get; init; }

    /// <summary>The part of the application that asks.</summary>
    public string? Feature { get; init; }

    /// <summary>The run or conversation.</summary>
    public string? Session { get; init; }

    /// <summary>The agent or role that asks.</summary>
    public string? Agent { get; init; }

    /// <summary>Free labels: distinct, in ordinal order.</summary>
    public ImmutableArray<string> Tags { get; init => field = InOrder(value); } = [];

    /// <inheritdoc/>
    public bool Equals(Attribution? other) => other is not null && Tenant == other.Tenant && Project == other.Project && Team == other.Team
        && User == other.User && Feature == other.Feature && Session == other.Session && Agent == other.Agent && Tags.SequenceEqual(other.Tags);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Tenant, Project, Team, User, Feature, Session, Agent, Tags.Length);

    internal static Attribution Create(string? tenant, string? project, string? user, string? team, string? feature, string? session, string? agent, IEnumerable<string>? tags) => new()
    {
        Tenant = Checked(tenant, nameof(tenant)),
        Project = Checked(project, nameof(project)),
        User = Checked(user, nameof(user)),
        Team = Checked(team, nameof(team)),
        Feature = Checked(feature, nameof(feature)),
        Session = Checked(session, nameof(session)),
        Agent = Checked(agent, nameof(agent)),
        Tags = Checked(tags),
    };

    /// <summary>This attribution inside <paramref name="outer"/>: own values win, tags add up.</summary>
    internal Attribution Over(Attribution outer) => ReferenceEquals(outer, None) ? this : new()
    {
        Tenant = Tenant ?? outer.Tenant,
        Project = Project ?? outer.Project,
        Team = Team ?? outer.Team,
        User = User ?? outer.User,
        Feature = Feature ?? outer.Feature,
        Session = Session ?? outer.Session,
        Agent = Agent ?? outer.Agent,
        Tags = Tags.IsEmpty ? outer.Tags : outer.Tags.IsEmpty ? Tags : Checked(outer.Tags.Concat(Tags)),
    };

    /// <summary>A tag that stands there twice would be counted twice.</summary>
    private static ImmutableArray<string> InOrder(ImmutableArray<string> tags)
    {
        if (tags.IsDefault)
        {
            return [];
        }

        for (var i = 1; i < tags.Length; i++)
        {
            if (string.CompareOrdinal(tags[i - 1], tags[i]) >= 0)
            {
                return [.. tags.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
            }
        }

        return tags;
    }

    private static string? Checked(string? name, string parameter)
    {
        if (name is null)
        {
            return null;
        }

        ArgumentException.ThrowIfNullOrWhiteSpace(name, parameter);
        if (name.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("A name may not contain a zero character: the ledger could not keep it.", parameter);
        }

        return name.Length <= MaxNameLength ? name : throw new ArgumentException($"A name may have {MaxNameLength} characters; this one has {name.Length}.", parameter);
    }

    private static ImmutableArray<string> Checked(IEnumerable<string>? tags)
    {
        if (tags is null)
        {
            return [];
        }

        var set = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var tag in tags)
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(tag, nameof(tags));
            set.Add(Checked(tag, nameof(tags))!);
        }

        return set.Count <= MaxTags ? [.. set] : throw new ArgumentException($"A call may carry {MaxTags} tags; these are {set.Count}.", nameof(tags));
    }
}
