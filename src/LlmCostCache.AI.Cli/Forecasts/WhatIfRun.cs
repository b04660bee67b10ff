using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Repricing;

namespace LlmCostCache.AI.Cli.Forecasts;

/// <summary>Goes through the ledger once and prices the tokens of every paid call for another model or tier.</summary>
/// <remarks>Another model is priced as of now, because that is when one could change; another tier of the same model at the time of each call. The hour of the day stays that of the call.</remarks>
internal sealed class WhatIfRun(PriceBook prices, WhatIfQuestion question, TimeProvider time)
{
    private readonly Repricer _repricer = new(prices);
    private readonly Dictionary<string, WhatIfTotal> _models = new(StringComparer.Ordinal);
    private readonly Dictionary<(string? Provider, string? Model), string?> _encodings = [];
    private readonly DateTimeOffset _now = time.GetUtcNow();
    private ModelFacts? _facts;
    private WhatIfTotal? _nameless;

    public WhatIfTotal Total { get; } = new(null);

    /// <summary>The calls that a break-even can be made of.</summary>
    public MeasuredCalls Measured { get; } = new();

    public IReadOnlyList<WhatIfTotal> Models => [.. _models.Values.OrderByDescending(model => model.AllBooked), .. _nameless is null ? Array.Empty<WhatIfTotal>() : [_nameless]];

    public DateTimeOffset? FirstCall { get; private set; }

    /// <summary>Calls with more input than the other model takes.</summary>
    public long TooLong { get; private set; }

    /// <summary>Calls whose answer was longer than the other model writes.</summary>
    public long TooMuchOutput { get; private set; }

    /// <summary>Calls whose tokens the other model counts as the one that answered did.</summary>
    public long CountedAlike { get; private set; }

    /// <summary>What the book knows of the other model; null when none is asked for, or nothing is known.</summary>
    public ModelFacts? Facts => question.Model is null ? null : _facts ??= prices.Find(question.Provider, question.Model, _now);

    /// <summary>Why the other model has no price; null when it has one.</summary>
    public string? WhyNot { get; private set; }

    public async Task ReadAsync(LedgerView view, LedgerFilter filter, CancellationToken cancellationToken)
    {
        await foreach (var row in view.Ledger.ReadAsync(filter with { Model = question.For }, cancellationToken).ConfigureAwait(false))
        {
            if (row.Status is CallStatus.Cached or CallStatus.Coalesced or CallStatus.Blocked || (row.Status == CallStatus.Failed && row.Cost.Amount is { Nanos: 0 }))
            {
                continue;
            }

            FirstCall = FirstCall is { } first && first <= row.At ? first : row.At;
            var model = Of(row.Model);
            Total.Count(row);
            Measured.Add(row);
            model.Count(row);
            if (question.AsksForPrices)
            {
                var other = Other(row);
                Total.Compare(row, other);
                model.Compare(row, other);
            }
        }
    }

    private Money? Other(UsageRecord row)
    {
        var usage = row.Cost.Usage;
        // A cost that came without counts cannot be carried over, and the length of the requests in a report is not known.
        if (usage with { Requests = 0 } == TokenUsage.None || Repricer.IsOfReport(row))
        {
            return null;
        }

        if (question.Model is null)
        {
            return _repricer.InPlaceOf(row, usage, question.Tier)?.Amount;
        }

        TooLong += Facts?.ContextWindow is { } window && usage.TotalInputTokens > window ? 1 : 0;
        TooMuchOutput += Facts?.MaxOutputTokens is { } most && usage.TotalOutputTokens > most ? 1 : 0;
        CountedAlike += Facts?.Encoding is { } encoding && encoding == EncodingOf(row) ? 1 : 0;
        var priced = prices.Price(new PriceQuery
        {
            Provider = question.Provider,
            Model = question.Model,
            At = new DateTimeOffset(_now.UtcDateTime.Date + row.At.UtcDateTime.TimeOfDay, TimeSpan.Zero),
            ServiceTier = question.Tier ?? row.ServiceTier,
            Usage = usage,
        });
        WhyNot ??= priced.Cost.Certainty == CostCertainty.Unknown ? priced.Cost.Reason : null;
        return priced.Cost.Amount;
    }

    private string? EncodingOf(UsageRecord row)
    {
        if (!_encodings.TryGetValue((row.Provider, row.Model), out var encoding))
        {
            _encodings.Add((row.Provider, row.Model), encoding = row.Model is null ? null : prices.EncodingOf(row.Provider, row.Model));
        }

        return encoding;
    }

    private WhatIfTotal Of(string? model)
    {
        if (model is null)
        {
            return _nameless ??= new(null);
        }

        if (!_models.TryGetValue(model, out var total))
        {
            _models.Add(model, total = new(model));
        }

        return total;
    }
}
