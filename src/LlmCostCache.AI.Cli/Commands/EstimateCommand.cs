using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using LlmCostCache.AI.Cli.Estimates;
using LlmCostCache.AI.Cli.Pricing;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost estimate</c>: what a call would cost, before it is made, at one model or at several side by side.</summary>
internal sealed class EstimateCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Argument<string[]> _files = new("FILE") { Description = "Text in UTF-8, or a chat request as JSON; - or nothing is standard input", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string[]> _models = new("--model", "-m")
    {
        Description = "A model; give several to compare them [default: the one that a chat request names]",
        HelpName = "NAME",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _provider = new("--provider") { Description = "The provider of all models; needed when several sell a model of that name", HelpName = "NAME" };
    private readonly Option<EstimateFormat?> _format = new("--format")
    {
        Description = "text or chat [default: chat for JSON with messages, else text]",
        HelpName = "FORMAT",
        CustomParser = ParseFormat,
    };

    private readonly Option<long> _expected = Count("--expected-output", "Tokens of the answer, reasoning included [default: 500]", atLeast: 0);
    private readonly Option<long?> _longest = Limit("--max-output", "The most tokens of the answer, for the upper end [default: what a chat request says, else what is expected]");
    private readonly Option<long> _cached = Count("--cached", "Input tokens that the provider reads from its prompt cache", atLeast: 0);
    private readonly Option<decimal?> _cachedShare = new("--cached-share") { Description = "The same as a share of the input, 0 to 1", HelpName = "SHARE", CustomParser = ParseShare };
    private readonly Option<long> _requests = Count("--requests", "How many such calls [default: 1]", atLeast: 1);
    private readonly Option<string?> _serviceTier = new("--service-tier") { Description = "The service tier: standard, batch, flex, priority [default: standard]", HelpName = "TIER" };
    private readonly PricingDates _dates = new();

    public EstimateCommand(CommonOptions common, CliHost host)
        : base("estimate", "Tell what a call would cost before it is made, at one model or several")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_files);
        Option[] options = [_models, _provider, _format, _expected, _longest, _cached, _cachedShare, _requests, _serviceTier];
        foreach (var option in options)
        {
            Options.Add(option);
        }

        _dates.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost estimate prompt.txt --model gpt-4o --model claude-sonnet-4-5 --expected-output 800",
        "llmcost estimate request.json --requests 10000 --service-tier batch",
        "git diff | llmcost estimate -m gpt-4.1 --cached-share 0.8 --json",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var prices = _common.PricesOf(parse, _host);
        if (IsGiven(parse, _cached) && IsGiven(parse, _cachedShare))
        {
            throw new UsageException("--cached and --cached-share say the same; give one of them.");
        }

        var files = parse.GetValue(_files) is { Length: > 0 } named ? named : ["-"];
        var inputs = files.Select(Open).ToArray();
        try
        {
            foreach (var input in inputs)
            {
                await input.OpenAsync(parse.GetValue(_format), cancellationToken).ConfigureAwait(false);
            }

            var chat = inputs.Select(input => input.Chat).FirstOrDefault(chat => chat is not null);
            var models = ModelsOf(parse, inputs);
            var assumed = AssumedBy(parse, chat);
            var measure = new InputMeasure(models.Select(model => prices.EncodingOf(assumed.Provider, model)).OfType<string>());
            foreach (var input in inputs)
            {
                await input.MeasureAsync(measure, Progress, cancellationToken).ConfigureAwait(false);
            }

            var comparison = new EstimateComparison
            {
                Assumed = assumed,
                Input = measure,
                Requests = IsGiven(parse, _requests) ? parse.GetValue(_requests) : 1,
                Estimates = EstimateComparison.Cheapest(models.Select(model => CallEstimator.Of(prices, model, measure, assumed))),
            };
            return Show(comparison, parse.GetValue(_common.Json));
        }
        finally
        {
            foreach (var input in inputs)
            {
                input.Dispose();
            }
        }
    }

    private int Show(EstimateComparison comparison, bool json)
    {
        if (json)
        {
            JsonOutput.Write(_host.Output, "estimate/1", comparison.WriteFields);
        }
        else
        {
            comparison.Show(_host.Console);
        }

        return comparison.Estimates.Any(estimate => estimate.Likely is not null) ? ExitCode.Done : ExitCode.Found;
    }

    private void Progress(long bytes) => _host.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"llmcost: counted {bytes >> 20} MiB"));

    private EstimateInput Open(string file)
    {
        if (file == "-")
        {
            return new EstimateInput("standard input", _host.Input);
        }

        InputFile.RefuseDirectory(file);
        try
        {
            return new EstimateInput(file, new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 1, useAsync: true));
        }
        catch (Exception wrong) when (wrong is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new UsageException($"'{file}' cannot be read: {wrong.Message}");
        }
    }

    private string[] ModelsOf(ParseResult parse, EstimateInput[] inputs)
    {
        var given = parse.GetValue(_models) is { Length: > 0 } named ? named : [.. inputs.Select(input => input.Chat?.Model).OfType<string>()];
        if (given.Length == 0)
        {
            throw new UsageException("estimate needs a --model, or a chat request that names one.");
        }

        return given.FirstOrDefault(string.IsNullOrWhiteSpace) is null ? [.. given.Distinct(StringComparer.Ordinal)] : throw new UsageException("--model is empty; name a model.");
    }

    private EstimateOptions AssumedBy(ParseResult parse, ChatRequest? chat)
    {
        var (at, knownAt) = _dates.Read(parse, _host.Time);
        var assumed = new EstimateOptions
        {
            Provider = parse.GetValue(_provider),
            At = at,
            KnownAt = knownAt,
            ServiceTier = parse.GetValue(_serviceTier) ?? chat?.ServiceTier,
            MaxOutputTokens = parse.GetValue(_longest) ?? chat?.Options.MaxOutputTokens,
            CachedInputTokens = parse.GetValue(_cached),
            CachedShare = parse.GetValue(_cachedShare),
        };
        return IsGiven(parse, _expected) ? assumed with { ExpectedOutputTokens = parse.GetValue(_expected) } : assumed;
    }

    private static bool IsGiven(ParseResult parse, Option option) => parse.GetResult(option) is { Implicit: false };

    private static Option<long> Count(string name, string description, long atLeast)
    {
        var option = new Option<long>(name) { Description = description, HelpName = "N" };
        option.Validators.Add(result => AtLeast(result, name, atLeast));
        return option;
    }

    private static Option<long?> Limit(string name, string description)
    {
        var option = new Option<long?>(name) { Description = description, HelpName = "N" };
        option.Validators.Add(result => AtLeast(result, name, 1));
        return option;
    }

    // Far above any context window, and low enough that no product of counts overflows.
    private static void AtLeast(OptionResult result, string name, long least)
    {
        const long Most = 1_000_000_000_000;
        if (result.Tokens.Count == 1 && long.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out var count) && (count < least || count > Most))
        {
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} is {count}; it must be from {least} to {Most}."));
        }
    }

    private static decimal? ParseShare(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var share) && share is >= 0m and <= 1m)
        {
            return share;
        }

        result.AddError($"'{text}' is not a share from 0 to 1.");
        return null;
    }

    private static EstimateFormat? ParseFormat(ArgumentResult result)
    {
        switch (result.Tokens[0].Value)
        {
            case "text":
                return EstimateFormat.Text;
            case "chat":
                return EstimateFormat.Chat;
            case var other:
                result.AddError($"'{other}' is not a format; use text or chat.");
                return null;
        }
    }
}
