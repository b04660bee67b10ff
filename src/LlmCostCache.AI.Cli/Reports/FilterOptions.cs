using System.CommandLine;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>Which rows of the ledger a command reads.</summary>
internal sealed class FilterOptions
{
    private readonly Option<string?> _since = Text("--since", "TIME", "From this time on; a day begins at midnight in the report's zone");
    private readonly Option<string?> _until = Text("--until", "TIME", "Until this time, which is not included");
    private readonly Option<string?> _last = Text("--last", "SPAN", "The last hours, days or weeks before now: 24h, 7d, 4w");
    private readonly Option<string?> _zone = Text("--timezone", "ZONE", "The zone of days, weeks and months [default: the one the application configured]");
    private readonly Option<string?> _tenant = Text("--tenant", "NAME", "Only this tenant");
    private readonly Option<string?> _project = Text("--project", "NAME", "Only this project");
    private readonly Option<string?> _team = Text("--team", "NAME", "Only this team");
    private readonly Option<string?> _user = Text("--user", "NAME", "Only this user");
    private readonly Option<string?> _feature = Text("--feature", "NAME", "Only this feature");
    private readonly Option<string?> _session = Text("--session", "NAME", "Only this session");
    private readonly Option<string?> _agent = Text("--agent", "NAME", "Only this agent");
    private readonly Option<string?> _tag = Text("--tag", "NAME", "Only calls with this tag");
    private readonly Option<string?> _provider = Text("--provider", "NAME", "Only this provider");
    private readonly Option<string?> _model = Text("--model", "NAME", "Only this answering model");
    private readonly Option<string?> _status = Text("--status", "WORD", "Only rows that ended so: ok, cached, coalesced, blocked, failed, incomplete, assumed");

    private static readonly Dictionary<string, CallStatus> s_statuses = Enum.GetValues<CallStatus>().ToDictionary(LedgerWords.Word, StringComparer.OrdinalIgnoreCase);

    /// <param name="command">The command that gets the options.</param>
    /// <param name="hasStatus">False for a report that is about how calls ended.</param>
    /// <param name="hasModel">False for a command whose own <c>--model</c> means something else.</param>
    public void AddTo(Command command, bool hasStatus = true, bool hasModel = true)
    {
        _status.AcceptOnlyFromAmong([.. s_statuses.Keys]);
        foreach (var option in new[] { _since, _until, _last, _zone, _tenant, _project, _team, _user, _feature, _session, _agent, _tag, _provider })
        {
            command.Options.Add(option);
        }

        if (hasModel)
        {
            command.Options.Add(_model);
        }

        if (hasStatus)
        {
            command.Options.Add(_status);
        }
    }

    /// <summary>Reads what was asked before any ledger is opened, so that a wrong option is told in an empty home too.</summary>
    public FilterChoice Read(ParseResult parse, TimeProvider time)
    {
        var (since, until, last) = (parse.GetValue(_since), parse.GetValue(_until), parse.GetValue(_last));
        if (last is not null && (since is not null || until is not null))
        {
            throw new UsageException("--last ends now; use it without --since and --until.");
        }

        var now = time.GetUtcNow();
        var span = last is null ? (TimeSpan?)null : TimeBound.ParseSpan("--last", last);
        return new()
        {
            Since = span is { } length ? new TimeBound(now - length, null) : since is null ? null : TimeBound.Parse("--since", since),
            Until = span is not null ? new TimeBound(now, null) : until is null ? null : TimeBound.Parse("--until", until),
            Zone = parse.GetValue(_zone) is { } zone ? ZoneOf(zone) : null,
            Rows = new()
            {
                Tenant = parse.GetValue(_tenant),
                Project = parse.GetValue(_project),
                Team = parse.GetValue(_team),
                User = parse.GetValue(_user),
                Feature = parse.GetValue(_feature),
                Session = parse.GetValue(_session),
                Agent = parse.GetValue(_agent),
                Tag = parse.GetValue(_tag),
                Provider = parse.GetValue(_provider),
                Model = parse.GetValue(_model),
                Status = parse.GetValue(_status) is { } status ? s_statuses[status] : null,
            },
        };
    }

    public static TimeZoneInfo ZoneOf(string zone) => TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found)
        ? found
        : throw new UsageException($"--timezone '{zone}' is not known on this machine; use a name like Europe/Berlin.");

    private static Option<string?> Text(string name, string helpName, string description) => new(name) { Description = description, HelpName = helpName };
}
