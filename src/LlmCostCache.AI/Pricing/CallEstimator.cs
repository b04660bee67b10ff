using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>What a call would cost, from the size of its input and what is assumed about the answer.</summary>
internal static class CallEstimator
{
    /// <summary>Prices an input that was measured; the measure holds for any number of models whose encodings it was told.</summary>
    public static CallEstimate Of(PriceBook book, string model, InputMeasure input, EstimateOptions assumed)
    {
        assumed.Validate();
        var entry = book.Resolve(assumed.Provider, model).Entry;
        var answers = entry?.Mode is not ("embedding" or "moderation");
        var expected = answers ? checked(assumed.ExpectedOutputTokens * input.Choices) : 0;
        var longest = answers ? checked(Math.Max(assumed.ExpectedOutputTokens, assumed.MaxOutputTokens ?? 0) * input.Choices) : 0;
        var (low, likely, high) = input.Tokens(entry?.Encoding, answers);
        if (input.Unbounded is not null)
        {
            high = Math.Max(high, entry?.ContextWindow ?? 0);
        }

        var estimate = new CallEstimate
        {
            Model = model,
            Provider = entry?.Provider,
            PricedAs = entry?.Id,
            Encoding = entry?.Encoding,
            InputTokens = likely,
            LeastInputTokens = low,
            MostInputTokens = high,
            CachedInputTokens = CachedOf(likely, assumed),
            OutputTokens = expected,
            MostOutputTokens = longest,
            ContextWindow = entry?.ContextWindow,
            Warnings = entry is null ? [] : Warnings(entry, input, assumed, (low, likely, high), longest),
            Cost = CallCost.Unknown,
        };

        var (least, middle, most) = (PriceOf(low, expected), PriceOf(likely, expected), PriceOf(high, longest));
        if (least.Amount is not { } from || middle.Amount is not { } between || most.Amount is not { } to)
        {
            return estimate with { Cost = new[] { middle, least, most }.First(cost => cost.Amount is null) };
        }

        if (input.Unbounded is { } unbounded && entry?.ContextWindow is null)
        {
            return estimate with { Cost = CallCost.Unpriced($"the input cannot be bounded: {unbounded}") };
        }

        // Tiers by length reprice a whole request, and some vendors' longer ones are not dearer in every part.
        var (bottom, top) = (Money.Min(from, Money.Min(between, to)), Money.Max(from, Money.Max(between, to)));
        var cost = bottom == top ? CallCost.Known(top) : CallCost.Between(bottom, top, Why(entry?.Encoding, assumed));
        return estimate with { Likely = between, Cost = cost with { Usage = middle.Usage, PriceRevision = middle.PriceRevision } };

        CallCost PriceOf(long inputTokens, long outputTokens)
        {
            var cached = CachedOf(inputTokens, assumed);
            return book.Price(new PriceQuery
            {
                Provider = assumed.Provider,
                Model = model,
                At = assumed.At ?? TimeProvider.System.GetUtcNow(),
                KnownAt = assumed.KnownAt,
                ServiceTier = assumed.ServiceTier,
                Usage = new() { UncachedInputTokens = inputTokens - cached, CachedInputTokens = cached, OutputTokens = outputTokens, Requests = 1 },
            }).Cost;
        }
    }

    private static long CachedOf(long inputTokens, EstimateOptions assumed) =>
        assumed.CachedShare is { } share ? (long)decimal.Floor(inputTokens * share) : Math.Min(assumed.CachedInputTokens, inputTokens);

    private static string Why(string? encoding, EstimateOptions assumed)
    {
        var input = encoding is null
            ? "the model's tokenizer is not public, so the input is bounded by its bytes"
            : $"the input was counted with {encoding}; what the provider adds around it is bounded";
        return assumed.MaxOutputTokens > assumed.ExpectedOutputTokens ? $"{input}; the answer may be as long as its limit" : input;
    }

    private static List<string> Warnings(PriceEntry entry, InputMeasure input, EstimateOptions assumed, (long Low, long Likely, long High) tokens, long longest)
    {
        List<string> warnings = [];
        var answer = longest / input.Choices;
        if (entry.ContextWindow is { } window && tokens.High + answer > window)
        {
            var certainty = tokens.Low + answer > window ? "do not fit" : tokens.Likely + answer > window ? "probably do not fit" : "may not fit";
            warnings.Add(string.Create(CultureInfo.InvariantCulture, $"{tokens.Likely:N0} input and {answer:N0} output tokens {certainty} the context window of {window:N0}"));
        }

        if (entry.MaxOutputTokens is { } most && answer > most)
        {
            warnings.Add(string.Create(CultureInfo.InvariantCulture, $"the model answers with at most {most:N0} tokens"));
        }

        if (input.Unbounded is { } unbounded)
        {
            warnings.Add($"the input cannot be bounded, because {unbounded}; the upper end is a full context window");
        }

        return warnings;
    }
}
