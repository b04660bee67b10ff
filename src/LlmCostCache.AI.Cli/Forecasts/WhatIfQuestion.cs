namespace LlmCostCache.AI.Cli.Forecasts;

/// <summary>What is asked: another model, another tier, or hardware of one's own.</summary>
internal sealed record WhatIfQuestion
{
    /// <summary>The model that would have been asked; null for each call's own.</summary>
    public string? Model { get; init; }

    public string? Provider { get; init; }

    /// <summary>The service tier; null for each call's own.</summary>
    public string? Tier { get; init; }

    /// <summary>Only calls that this model answered; null for all.</summary>
    public string? For { get; init; }

    /// <summary>What an hour of own hardware costs, in dollars, whether it is used or not.</summary>
    public decimal? PricePerHour { get; init; }

    /// <summary>How many tokens of input and output together it works through in a second.</summary>
    public decimal? TokensPerSecond { get; init; }

    public bool AsksForPrices => Model is not null || Tier is not null;
}
