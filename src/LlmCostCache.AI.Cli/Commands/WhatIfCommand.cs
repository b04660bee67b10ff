using System.CommandLine;
using System.Globalization;
using LlmCostCache.AI.Cli.Forecasts;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Savings;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost whatif</c></summary>
internal sealed class WhatIfCommand : Command, IHasExamples
{
    /// <summary>Less is no hardware, and what is divided by it no number.</summary>
    private const decimal Least = 0.000001m;

    private static readonly string[] s_tiers = ["standard", "batch", "flex", "priority"];

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly FilterOptions _filter = new();
    private readonly Option<string?> _model = new("--model") { Description = "The model that would have been asked [default: each call's own]", HelpName = "MODEL" };
    private readonly Option<string?> _seller = new("--model-provider") { Description = "Who sells that model, where its name does not say so", HelpName = "NAME" };
    private readonly Option<string?> _tier = new("--tier") { Description = $"The service tier: {string.Join(", ", s_tiers)} [default: each call's own]", HelpName = "TIER" };
    private readonly Option<string?> _for = new("--for") { Description = "Only calls that this model answered", HelpName = "MODEL" };
    private readonly Option<string?> _pricePerHour = new("--price-per-hour") { Description = "What an hour of own hardware costs in dollars", HelpName = "USD" };
    private readonly Option<string?> _tokensPerSecond = new("--tokens-per-second") { Description = "How many tokens, input and output together, it works through in a second", HelpName = "COUNT" };

    public WhatIfCommand(CommonOptions common, CliHost host)
        : base("whatif", "Tell what the same calls would have cost at another model or tier, and from how many calls on own hardware is cheaper")
    {
        (_common, _host) = (common, host);
        _tier.AcceptOnlyFromAmong(s_tiers);
        foreach (var option in new[] { _model, _seller, _tier, _for, _pricePerHour, _tokensPerSecond })
        {
            Options.Add(option);
        }

        _filter.AddTo(this, hasStatus: false, hasModel: false);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost whatif --model gpt-4o-mini --for gpt-4o --last 4w",
        "llmcost whatif --tier batch --feature nightly",
        "llmcost whatif --price-per-hour 2.50 --tokens-per-second 1500 --json",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var question = Read(parse);
        var choice = _filter.Read(parse, _host.Time);
        var (home, json, now) = (_common.HomeOf(parse, _host), parse.GetValue(_common.Json), _host.Time.GetUtcNow());
        var run = new WhatIfRun(_common.PricesOf(parse, _host), question, _host.Time);
        if (!LedgerView.TryOpen(home, _host.Time, out var view))
        {
            Empty.Say(_host, home, json);
            Write(Report(question, choice.In(LedgerCalendar.Utc), run, 0), json, isEmpty: true);
            return ExitCode.Done;
        }

        await using (view.ConfigureAwait(false))
        {
            var filter = choice.In(view);
            using (var progress = new Progress(_host, "pricing calls"))
            {
                view.RowsRead = progress.Add;
                await run.ReadAsync(view, filter, cancellationToken).ConfigureAwait(false);
            }

            var (since, until) = await MeasuredSpan.OfAsync(view, filter, run.FirstCall, now, cancellationToken).ConfigureAwait(false);
            Write(Report(question, filter, run, MeasuredSpan.Days(since, until)), json, isEmpty: false);
        }

        return ExitCode.Done;
    }

    private static WhatIfReport Report(WhatIfQuestion question, LedgerFilter filter, WhatIfRun run, decimal days) => new()
    {
        Question = question,
        Filter = filter,
        Run = run,
        BreakEven = question is { PricePerHour: { } price, TokensPerSecond: { } speed } ? new() { PricePerHour = price, TokensPerSecond = speed, Measured = run.Measured, Days = days } : null,
    };

    private WhatIfQuestion Read(ParseResult parse)
    {
        var question = new WhatIfQuestion
        {
            Model = parse.GetValue(_model),
            Provider = parse.GetValue(_seller),
            Tier = parse.GetValue(_tier),
            For = parse.GetValue(_for),
            PricePerHour = Number("--price-per-hour", parse.GetValue(_pricePerHour)),
            TokensPerSecond = Number("--tokens-per-second", parse.GetValue(_tokensPerSecond)),
        };
        if ((question.PricePerHour is null) != (question.TokensPerSecond is null))
        {
            throw new UsageException("--price-per-hour and --tokens-per-second belong together: what a machine costs, and how much it does for that.");
        }

        return question.AsksForPrices || question.PricePerHour is not null ? question
            : throw new UsageException("What if? Name another --model or --tier, or own hardware with --price-per-hour and --tokens-per-second.");
    }

    private static decimal? Number(string option, string? text) => text is null ? null
        : decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number is >= Least and <= 1_000_000_000
            ? number
            : throw new UsageException($"{option} '{text}' is not a number above zero such as 2.50.");

    private void Write(WhatIfReport report, bool json, bool isEmpty)
    {
        if (json)
        {
            JsonOutput.Write(_host.Output, "whatif/1", report.WriteFields);
        }
        else if (!isEmpty)
        {
            report.Show(_host.Console);
        }
    }
}
