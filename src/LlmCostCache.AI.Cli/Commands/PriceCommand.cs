using System.CommandLine;
using LlmCostCache.AI.Cli.Pricing;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost price</c>: what a model costs, what a call would cost, or what each line of a stream costs.</summary>
internal sealed class PriceCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Argument<string?> _model = new("MODEL") { Description = "The id of the model, as its provider reports it", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<bool> _jsonLines = new("--jsonl") { Description = "Read one JSON object a line from standard input and answer one a line" };
    private readonly Option<string?> _provider = new("--provider") { Description = "The provider; needed when several sell a model of that name", HelpName = "NAME" };
    private readonly PricingDates _dates = new();
    private readonly Option<string?> _serviceTier = new("--service-tier") { Description = "The service tier: standard, batch, flex, priority [default: standard]", HelpName = "TIER" };
    private readonly Option<string?> _region = new("--region") { Description = "The provider's geography that serves the call, where it charges a premium for one", HelpName = "REGION" };
    private readonly Option<long> _input = Count("--input", "Input tokens, with everything that is inside them");
    private readonly Option<long> _cached = Count("--cached", "Of these, read from the provider's cache");
    private readonly Option<long> _cacheWrite5m = Count("--cache-write-5m", "Of these, written to the provider's cache for five minutes");
    private readonly Option<long> _cacheWrite1h = Count("--cache-write-1h", "Of these, written to the provider's cache for one hour");
    private readonly Option<long> _inputAudio = Count("--input-audio", "Of these, audio");
    private readonly Option<long> _cachedAudio = Count("--cached-audio", "Of the audio, read from the provider's cache; --cached contains it too");
    private readonly Option<long> _inputImage = Count("--input-image", "Of these, images");
    private readonly Option<long> _output = Count("--output", "Output tokens, with everything that is inside them");
    private readonly Option<long> _reasoning = Count("--reasoning", "Of these, reasoning");
    private readonly Option<long> _outputAudio = Count("--output-audio", "Of these, audio");
    private readonly Option<long> _outputImage = Count("--output-image", "Of these, images");
    private readonly Option<long> _webSearches = Count("--web-searches", "Web searches that the provider ran");
    private readonly Option<long> _requests = Count("--requests", "Requests [default: 1]");

    private readonly Option<long> _requestsBefore = Count("--requests-before", "Requests to the model that went before in the calendar month (UTC), for prices with steps by volume");

    public PriceCommand(CommonOptions common, CliHost host)
        : base("price", "Show what a model costs, or compute what calls cost")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_model);
        Options.Add(_jsonLines);
        Options.Add(_provider);
        _dates.AsOf.Aliases.Add("--at");
        _dates.AddTo(this);
        Options.Add(_serviceTier);
        Options.Add(_region);
        foreach (var count in Counts)
        {
            Options.Add(count);
        }

        Options.Add(_requestsBefore);

        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost price gpt-4o-mini",
        "llmcost price claude-sonnet-4-5 --input 250000 --cached 200000 --output 900",
        "llmcost price o3 --as-of 2025-06-09",
        """echo '{"id":1,"model":"gpt-4o","usage":{"input_tokens":1000,"output_tokens":100}}' | llmcost price --jsonl""",
    ];

    private IEnumerable<Option<long>> Counts =>
    [
        _input, _cached, _cacheWrite5m, _cacheWrite1h, _inputAudio, _cachedAudio, _inputImage,
        _output, _reasoning, _outputAudio, _outputImage, _webSearches, _requests,
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var isLines = parse.GetValue(_jsonLines);
        var model = parse.GetValue(_model);
        if (isLines)
        {
            RefuseBesideLines(parse);
            var lines = new PriceLines(_common.PricesOf(parse, _host), _host.Time, parse.GetValue(_dates.AsOf), parse.GetValue(_dates.KnownAt));
            var allAnswered = await lines.RunAsync(_host.Input, _host.Output, cancellationToken).ConfigureAwait(false);
            return allAnswered ? ExitCode.Done : ExitCode.Found;
        }

        if (string.IsNullOrWhiteSpace(model))
        {
            throw new UsageException("price needs a MODEL, or --jsonl to read calls from standard input.");
        }

        return Show(_common.PricesOf(parse, _host), QueryOf(parse, model, out var isClamped, out var hasCounts), hasCounts, isClamped, parse.GetValue(_common.Json));
    }

    private int Show(PriceBook book, PriceQuery query, bool hasCounts, bool isClamped, bool json)
    {
        var listing = PriceListing.Of(book, query, hasCounts, isClamped);
        if (json)
        {
            JsonOutput.Write(_host.Output, "price/1", listing.WriteFields);
        }
        else if (listing.Entry is not null)
        {
            PriceTable.Show(_host.Console, listing);
        }

        var problem = listing.Problem;
        if (problem is not null && !json)
        {
            _host.Error.WriteLine($"llmcost: {Shown.OneLine(problem)}");
            if (book.Resolve(query.Provider, query.Model) is { Entry: null, Candidates.Count: 0 })
            {
                _host.Error.WriteLine(NearestNames.Sentence(NearestNames.In(book, query.Model!, query.Provider, query.At)));
            }
        }

        return problem is null ? ExitCode.Done : ExitCode.Found;
    }

    private PriceQuery QueryOf(ParseResult parse, string model, out bool isClamped, out bool hasCounts)
    {
        hasCounts = Counts.Any(count => IsGiven(parse, count));
        var usage = new InclusiveUsage
        {
            Input = parse.GetValue(_input),
            CachedInput = parse.GetValue(_cached),
            CacheWrite5m = parse.GetValue(_cacheWrite5m),
            CacheWrite1h = parse.GetValue(_cacheWrite1h),
            InputAudio = parse.GetValue(_inputAudio),
            CachedAudio = parse.GetValue(_cachedAudio),
            InputImage = parse.GetValue(_inputImage),
            Output = parse.GetValue(_output),
            Reasoning = parse.GetValue(_reasoning),
            OutputAudio = parse.GetValue(_outputAudio),
            OutputImage = parse.GetValue(_outputImage),
            WebSearches = parse.GetValue(_webSearches),
            Requests = IsGiven(parse, _requests) ? parse.GetValue(_requests) : 1,
        };
        var (at, knownAt) = _dates.Read(parse, _host.Time);
        return new()
        {
            Provider = parse.GetValue(_provider),
            Model = model,
            At = at,
            KnownAt = knownAt,
            ServiceTier = parse.GetValue(_serviceTier),
            Region = parse.GetValue(_region),
            RequestsBefore = IsGiven(parse, _requestsBefore) ? parse.GetValue(_requestsBefore) : null,
            Usage = usage.ToBuckets(out isClamped),
        };
    }

    /// <summary>
    /// Everything about a call stands in its line, so a second place to say it would only be a place to be ignored. Only the dates that hold for lines
    /// without their own may stand here.
    /// </summary>
    private void RefuseBesideLines(ParseResult parse)
    {
        Option[] refused = [_common.Json, _provider, _serviceTier, _region, _requestsBefore, .. Counts];
        if (parse.GetValue(_model) is not null)
        {
            throw new UsageException("--jsonl reads the model from each line; leave out MODEL.");
        }

        if (refused.FirstOrDefault(option => IsGiven(parse, option)) is { } given)
        {
            throw new UsageException($"--jsonl reads everything from the lines; leave out {given.Name}.");
        }
    }

    private static bool IsGiven(ParseResult parse, Option option) => parse.GetResult(option) is { Implicit: false };

    private static Option<long> Count(string name, string description)
    {
        var option = new Option<long>(name) { Description = description, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && long.TryParse(result.Tokens[0].Value, out var count) && count < 0)
            {
                result.AddError($"{name} is negative; counts are zero or more.");
            }
        });
        return option;
    }
}
