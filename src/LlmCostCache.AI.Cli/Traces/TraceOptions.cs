using System.CommandLine;

namespace LlmCostCache.AI.Cli.Traces;

/// <summary>What a trace is made of that we make ourselves.</summary>
/// <param name="readsFiles">Whether the trace may be a file instead, which only its first day is said of.</param>
internal sealed class TraceOptions(bool readsFiles = false)
{
    private const int MostDays = 366;
    private const int MostCalls = 1_000_000;

    private readonly Option<int> _seed = new("--seed") { Description = "The same seed gives the same trace, byte for byte, for the same --start and --days", HelpName = "N", DefaultValueFactory = _ => 1 };
    private readonly Option<int> _days = new("--days") { Description = "How many days", HelpName = "N", DefaultValueFactory = _ => 28 };
    private readonly Option<int> _calls = new("--calls-per-day") { Description = "How many calls a working day has, about", HelpName = "N", DefaultValueFactory = _ => 500 };
    private readonly Option<string?> _start = new("--start")
    {
        Description = $"The first day, such as 2026-10-05, in UTC{(readsFiles ? ", also of a TRACE that counts milliseconds" : "")} [default: so that it ends now{(readsFiles ? "; yesterday for a TRACE" : "")}]",
        HelpName = "DAY",
    };


    public void AddTo(Command command)
    {
        command.Options.Add(_seed);
        command.Options.Add(_days);
        command.Options.Add(_calls);
        command.Options.Add(_start);
    }

    /// <summary>The option that says something although nothing is to be made; null when none does. A file has a first day too.</summary>
    public Option? FirstGiven(ParseResult parse) => new Option[] { _seed, _days, _calls }.FirstOrDefault(option => parse.GetResult(option) is { Implicit: false });

    public TraceGenerator Read(ParseResult parse, TimeProvider time)
    {
        var days = Bounded("--days", parse.GetValue(_days), MostDays);
        var now = time.GetUtcNow();
        var given = StartOf(parse);
        return new()
        {
            Seed = parse.GetValue(_seed),
            First = given ?? DateOnly.FromDateTime(now.UtcDateTime).AddDays(1 - days),
            Days = days,
            CallsPerDay = Bounded("--calls-per-day", parse.GetValue(_calls), MostCalls),
            Until = given is null ? now : DateTimeOffset.MaxValue,
        };
    }

    /// <summary>The day that was given; null when none was.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public DateOnly? StartOf(ParseResult parse) => parse.GetValue(_start) is not { } text ? null
        : Instants.TryParseDay(text, out var day) && day.Year is >= 2000 and <= 2200 ? day
        : throw new UsageException($"--start '{text}' is not a day like 2026-10-05.");

    private static int Bounded(string name, int value, int most) => value >= 1 && value <= most ? value : throw new UsageException($"{name} is {value}; it must be from 1 to {most}.");
}
