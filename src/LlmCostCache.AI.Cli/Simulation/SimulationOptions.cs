using System.CommandLine;
using System.Globalization;
using LlmCostCache.AI.Cli.Budgets;

namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>The options that say under what a trace is replayed.</summary>
internal sealed class SimulationOptions
{
    private readonly Option<string?> _model = new("--model") { Description = "The model that is asked [default: each call's own]", HelpName = "MODEL" };
    private readonly Option<string?> _seller = new("--model-provider") { Description = "Who sells that model, where its name does not say so", HelpName = "NAME" };
    private readonly Option<string> _cache = new("--cache") { Description = "exact or off", HelpName = "KIND", DefaultValueFactory = _ => "exact" };
    private readonly Option<string> _timeToLive = new("--ttl") { Description = "How long an answer is served, such as 90s, 30m, 24h or 7d", HelpName = "SPAN", DefaultValueFactory = _ => "24h" };
    private readonly Option<int> _maxEntries = new("--max-entries") { Description = "How many answers the cache holds", HelpName = "N", DefaultValueFactory = _ => 100_000 };
    private readonly Option<string> _promptTtl = new("--prompt-ttl") { Description = "How long after its last use a provider still has a prompt", HelpName = "SPAN", DefaultValueFactory = _ => "5m" };
    private readonly BatchOptions _batch = new();
    private readonly Option<string?> _cheaper = new("--cheaper-model") { Description = "A cheaper model, for a share of the calls", HelpName = "MODEL" };
    private readonly Option<string?> _cheaperShare = new("--cheaper-share") { Description = "That share, 0 to 1", HelpName = "SHARE" };
    private readonly Option<string> _latency = new("--latency")
    {
        Description = "Milliseconds to the first token, for each input token read anew, for each output token",
        HelpName = "A,B,C",
        DefaultValueFactory = _ => "400,0.05,15",
    };

    private readonly Option<string[]> _budgets = BudgetArgument.Option(fallsBack: false);

    public SimulationOptions() => _cache.AcceptOnlyFromAmong("exact", "off");

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_model, _seller, _cache, _timeToLive, _maxEntries, _promptTtl, .. _batch.All, _cheaper, _cheaperShare, _budgets, _latency])
        {
            command.Options.Add(option);
        }
    }

    /// <exception cref="UsageException">An option makes no sense.</exception>
    public SimulationPlan Read(ParseResult parse)
    {
        var (cheaper, share, entries) = (parse.GetValue(_cheaper), CallShare.Read("--cheaper-share", parse.GetValue(_cheaperShare)), parse.GetValue(_maxEntries));
        foreach (var (name, value) in new[] { ("--model", parse.GetValue(_model)), ("--cheaper-model", cheaper) })
        {
            if (value is not null && string.IsNullOrWhiteSpace(value))
            {
                throw new UsageException($"{name} is empty; name a model, or leave it out.");
            }
        }

        if ((cheaper is null) != (share is null))
        {
            throw new UsageException("--cheaper-model and --cheaper-share belong together: which model, and for how many of the calls.");
        }

        if (parse.GetValue(_seller) is not null && parse.GetValue(_model) is null)
        {
            throw new UsageException("--model-provider says who sells --model; name that too.");
        }

        return _batch.Read(parse, new()
        {
            Model = parse.GetValue(_model),
            Provider = parse.GetValue(_seller),
            Caches = parse.GetValue(_cache) == "exact",
            TimeToLive = BudgetOptions.SpanOf("--ttl", parse.GetValue(_timeToLive)!),
            MaxEntries = entries is >= 1 and <= 10_000_000 ? entries : throw new UsageException($"--max-entries is {entries}; it must be from 1 to 10000000."),
            PromptLifetime = BudgetOptions.SpanOf("--prompt-ttl", parse.GetValue(_promptTtl)!),
            CheaperModel = cheaper,
            CheaperShare = share ?? 0m,
            Budgets = [.. (parse.GetValue(_budgets) ?? []).Select(text => BudgetArgument.Read(text, fallsBack: false))],
            Latency = Latency(parse.GetValue(_latency)!),
        });
    }

    private static LatencyModel Latency(string text)
    {
        var parts = text.Split(',');
        var numbers = new decimal[3];
        for (var part = 0; part < 3; part++)
        {
            if (parts.Length != 3 || !decimal.TryParse(parts[part], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out numbers[part]) || numbers[part] > 1_000_000m)
            {
                throw new UsageException($"--latency '{text}' is not three numbers of milliseconds such as 400,0.05,15.");
            }
        }

        return new() { FirstMs = numbers[0], InputMs = numbers[1], OutputMs = numbers[2] };
    }
}
