namespace LlmCostCache.AI;

/// <summary>What is asked of rows and sums when a window of a budget is added up: whose, from when until when, and in slices of which length.</summary>
internal sealed class SeedQuestion
{
    private readonly string?[] _names;
    private readonly BudgetScope _rest;
    private readonly bool _byTag;

    public SeedQuestion(BudgetWindow window, TimeSpan? slice)
    {
        var scope = window.Budget.Scope;
        var values = BudgetText.Names(window.Key).ToDictionary(name => name.Key, name => name.Value, StringComparer.Ordinal);
        string? Wanted(string name, string? wanted) => wanted == BudgetScope.Each ? values[name] : wanted;

        Unit = window.Budget.Unit;
        _names = [Wanted("tenant", scope.Tenant), Wanted("project", scope.Project), Wanted("team", scope.Team), Wanted("user", scope.User), Wanted("feature", scope.Feature), Wanted("agent", scope.Agent)];
        Session = Wanted("session", scope.Session);
        (From, Until) = (LedgerTime.Micros(window.StartsAt), LedgerTime.Micros(window.EndsAt));
        Length = slice is { } span ? span.Ticks / TimeSpan.TicksPerMicrosecond : 0;
        IsEndless = window.EndsAt == DateTimeOffset.MaxValue;
        IsSummed = Session is null && scope.Model is null && scope.Tag is null && IsQuarter(From) && (IsEndless || IsQuarter(Until)) && (Length == 0 || IsQuarter(Length));
        _rest = new BudgetScope { Model = scope.Model, Tag = scope.Tag };
        _byTag = scope.Tag is not null;
    }

    public BudgetUnit Unit { get; }

    public string? Session { get; }

    public long From { get; }

    public long Until { get; }

    /// <summary>How long a slice is, in microseconds; zero for the whole window at once.</summary>
    public long Length { get; }

    public bool IsEndless { get; }

    /// <summary>Whether the sums of quarter-hours answer it.</summary>
    public bool IsSummed { get; }

    /// <summary>Whether a caller's name is asked for.</summary>
    public bool NamesCallers => Array.Exists(_names, static name => name is not null);

    /// <summary>Binds the names, and the span of instants.</summary>
    public SqliteStatement Bind(SqliteStatement statement) => Bind(statement, From, Until);

    public SqliteStatement Bind(SqliteStatement statement, long from, long until)
    {
        for (var i = 0; i < _names.Length; i++)
        {
            statement.Bind(1 + i, _names[i]);
        }

        statement.Bind(7, from).Bind(8, until);
        return Session is null || IsSummed ? statement : statement.Bind(9, Session);
    }

    /// <summary>Whether model and tags are those that are asked for.</summary>
    public bool Matches(string? requestedModel, string? modelKey, string? tags)
    {
        var attribution = _byTag ? new Attribution { Tags = LedgerTags.Read(tags) } : Attribution.None;
        return _rest.TryMatch(attribution, requestedModel, modelKey, out _);
    }

    private static bool IsQuarter(long micros) => micros == LedgerTime.SlotStart(LedgerTime.Slot(micros));
}
