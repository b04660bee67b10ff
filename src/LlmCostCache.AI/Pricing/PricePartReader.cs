using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>Reads what one price of a model consists of: rates, tiers by length, steps by volume, windows of the day, service tiers, geographies.</summary>
internal static class PricePartReader
{
    /// <summary>Reads a property of a price; false when there is none of that name.</summary>
    public static bool TryRead(ref PriceJsonReader json, string name, PriceDraft price)
    {
        switch (name)
        {
            case "effective_from":
                price.EffectiveFrom = json.TokenType == JsonTokenType.Null ? null : json.Day(name);
                break;
            case "known_from":
                price.KnownFrom = json.TokenType == JsonTokenType.Null ? null : json.Day(name);
                break;
            case "sources":
                price.Sources = json.Texts(name);
                break;
            case "tiers":
                price.Tiers = ReadTiers(ref json);
                break;
            case "volume":
                ReadVolume(ref json, price.Steps);
                break;
            case "windows":
                json.Expect(JsonTokenType.StartArray, "'windows' must be a list");
                while (json.Next() != JsonTokenType.EndArray)
                {
                    price.Windows.Add(ReadWindow(ref json));
                }

                break;
            case "modes":
                json.Expect(JsonTokenType.StartObject, "'modes' must be a JSON object");
                price.Modes = new(StringComparer.OrdinalIgnoreCase);
                while (json.NextProperty() is { } mode)
                {
                    if (!price.Modes.TryAdd(mode, ReadMode(ref json)))
                    {
                        throw json.Wrong($"the mode '{mode}' is there twice");
                    }
                }

                break;
            case "multiplier":
                price.Multiplier = json.Multiplier(name);
                break;
            case "regions":
                json.Expect(JsonTokenType.StartObject, "'regions' must be a JSON object like {\"us\": \"1.1\"}");
                price.Regions = new(StringComparer.OrdinalIgnoreCase);
                while (json.NextProperty() is { } region)
                {
                    if (!price.Regions.TryAdd(region, json.Multiplier(region)))
                    {
                        throw json.Wrong($"the region '{region}' is there twice");
                    }
                }

                break;
            default:
                return json.ReadRate(name, price.Rates);
        }

        price.IsTouched = true;
        return true;
    }

    private static void ReadVolume(ref PriceJsonReader json, List<PriceStep> steps)
    {
        json.Expect(JsonTokenType.StartObject, "'volume' must be a JSON object");
        var volume = json.Line();
        while (json.NextProperty() is { } name)
        {
            switch (name)
            {
                case "period":
                    if (json.Text(name) is not "month" and var period)
                    {
                        throw json.Wrong($"the period '{period}' is not known; requests are counted by \"month\", which begins at midnight UTC");
                    }

                    break;
                case "steps":
                    json.Expect(JsonTokenType.StartArray, "'steps' must be a list");
                    while (json.Next() != JsonTokenType.EndArray)
                    {
                        steps.Add(ReadStep(ref json, steps));
                    }

                    break;
                default:
                    throw json.Unknown(name, "of 'volume'");
            }
        }

        if (steps.Count == 0)
        {
            throw json.Wrong("'volume' needs 'steps', each with 'above_requests' and the rates that change", volume);
        }
    }

    private static PriceStep ReadStep(ref PriceJsonReader json, List<PriceStep> before)
    {
        json.Expect(JsonTokenType.StartObject, "a step must be a JSON object");
        var (line, above) = (json.Line(), 0L);
        var rates = new decimal?[RateCard.Kinds];
        while (json.NextProperty() is { } name)
        {
            if (name == "above_requests")
            {
                above = json.Count(name);
            }
            else if (!json.ReadRate(name, rates))
            {
                throw json.Unknown(name, "of a step");
            }
        }

        if (above == 0 || before.Exists(step => step.AboveRequests == above))
        {
            throw json.Wrong("a step needs an 'above_requests' that no other step has", line);
        }

        return new(above, new(rates));
    }

    private static List<PriceTier> ReadTiers(ref PriceJsonReader json)
    {
        json.Expect(JsonTokenType.StartArray, "'tiers' must be a list");
        List<PriceTier> tiers = [];
        while (json.Next() != JsonTokenType.EndArray)
        {
            json.Expect(JsonTokenType.StartObject, "a tier must be a JSON object");
            var line = json.Line();
            var (aboveInput, aboveOutput, reasoning) = (0L, 0L, false);
            var rates = new decimal?[RateCard.Kinds];
            while (json.NextProperty() is { } name)
            {
                switch (name)
                {
                    case "above_input_tokens":
                        aboveInput = json.Count(name);
                        break;
                    case "above_output_tokens":
                        aboveOutput = json.Count(name);
                        break;
                    case "with_reasoning":
                        reasoning = json.TokenType == JsonTokenType.True;
                        break;
                    default:
                        if (!json.ReadRate(name, rates))
                        {
                            throw json.Unknown(name, "of a tier");
                        }

                        break;
                }
            }

            if (aboveInput == 0 && aboveOutput == 0 && !reasoning)
            {
                throw json.Wrong("a tier needs 'above_input_tokens' (or 'above_output_tokens', or 'with_reasoning')", line);
            }

            tiers.Add(new(aboveInput, aboveOutput, reasoning, new(rates)));
        }

        // Later tiers override earlier ones, so they stand in ascending order; the sort is stable.
        return [.. tiers.OrderBy(tier => tier.AboveInputTokens)];
    }

    private static PriceMode ReadMode(ref PriceJsonReader json)
    {
        json.Expect(JsonTokenType.StartObject, "a mode must be a JSON object");
        List<PriceTier> tiers = [];
        var multiplier = 1m;
        var rates = new decimal?[RateCard.Kinds];
        while (json.NextProperty() is { } name)
        {
            if (name == "tiers")
            {
                tiers = ReadTiers(ref json);
            }
            else if (name == "multiplier")
            {
                multiplier = json.Multiplier(name);
            }
            else if (!json.ReadRate(name, rates))
            {
                throw json.Unknown(name, "of a mode");
            }
        }

        return new(new(rates), tiers, multiplier);
    }

    private static PriceWindow ReadWindow(ref PriceJsonReader json)
    {
        json.Expect(JsonTokenType.StartObject, "a window must be a JSON object");
        var line = json.Line();
        TimeOnly? from = null, until = null;
        var rates = new decimal?[RateCard.Kinds];
        while (json.NextProperty() is { } name)
        {
            switch (name)
            {
                case "from":
                    from = json.Time(name);
                    break;
                case "until":
                    until = json.Time(name);
                    break;
                default:
                    if (!json.ReadRate(name, rates))
                    {
                        throw json.Unknown(name, "of a window");
                    }

                    break;
            }
        }

        return from is { } start && until is { } end && start != end
            ? new(start, end, new(rates))
            : throw json.Wrong("a window needs 'from' and 'until' as two times of day in UTC, like \"16:30\"", line);
    }
}
