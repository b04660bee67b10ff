namespace LlmCostCache.AI;

/// <summary>What a model costs, as set in code: stronger than every other source of prices.</summary>
/// <remarks>
/// Prices are in <see cref="Currency"/> per million tokens. A rate that is not set falls back: cached input and cache writes to input, the one-hour
/// write to the five-minute write, reasoning to output, audio and image to text. Set all to zero for a model that is free.
/// </remarks>
/// <param name="model">The id, as the provider reports it. Dated forms of the id are found too.</param>
public sealed class ModelPrice(string model)
{
    /// <summary>The id of the model.</summary>
    public string Model { get; } = string.IsNullOrWhiteSpace(model) ? throw new ArgumentException("A price needs the id of its model.", nameof(model)) : model;

    /// <summary>The provider that the price holds for; any provider when null.</summary>
    public string? Provider { get; set; }

    /// <summary>ISO 4217 code of the currency.</summary>
    /// <value>USD.</value>
    public string Currency { get; set; } = "USD";

    /// <summary>Input.</summary>
    public required decimal InputPerMillion { get; set; }

    /// <summary>Output.</summary>
    public required decimal OutputPerMillion { get; set; }

    /// <summary>Input read from the provider's prompt cache.</summary>
    public decimal? CachedInputPerMillion { get; set; }

    /// <summary>Input written to the provider's prompt cache for five minutes.</summary>
    public decimal? CacheWrite5mPerMillion { get; set; }

    /// <summary>Input written to the provider's prompt cache for one hour.</summary>
    public decimal? CacheWrite1hPerMillion { get; set; }

    /// <summary>Reasoning output.</summary>
    public decimal? ReasoningPerMillion { get; set; }

    /// <summary>Audio input.</summary>
    public decimal? InputAudioPerMillion { get; set; }

    /// <summary>Audio output.</summary>
    public decimal? OutputAudioPerMillion { get; set; }

    /// <summary>Image input.</summary>
    public decimal? InputImagePerMillion { get; set; }

    /// <summary>Image output.</summary>
    public decimal? OutputImagePerMillion { get; set; }

    /// <summary>Image input read from the provider's prompt cache; the price of image input when null.</summary>
    public decimal? CachedImagePerMillion { get; set; }

    /// <summary>Video input; the price of text input when null.</summary>
    public decimal? InputVideoPerMillion { get; set; }

    /// <summary>Video output; the price of text output when null.</summary>
    public decimal? OutputVideoPerMillion { get; set; }

    /// <summary>Text of sources that the provider read for the answer; the price of text input when null.</summary>
    public decimal? CitationPerMillion { get; set; }

    /// <summary>Each image made, where images are billed one by one.</summary>
    public decimal? PerImage { get; set; }

    /// <summary>A second of audio, where audio is billed by time.</summary>
    public decimal? PerAudioSecond { get; set; }

    /// <summary>A second of video, where video is billed by time.</summary>
    public decimal? PerVideoSecond { get; set; }

    /// <summary>A second of compute, where it is billed by time.</summary>
    public decimal? PerComputeSecond { get; set; }

    /// <summary>A million characters, where these are billed instead of tokens.</summary>
    public decimal? CharactersPerMillion { get; set; }

    /// <summary>A gigabyte (10^9 bytes) stored for a day.</summary>
    public decimal? StoragePerGigabyteDay { get; set; }

    /// <summary>A coefficient of all rates of this model, above zero.</summary>
    /// <value>One.</value>
    public decimal Multiplier { get; set; } = 1m;

    /// <summary>What a request costs in a geography of the provider (<see cref="PriceQuery.Region"/>), as a multiple: 1.1 for ten percent more. Empty unless set.</summary>
    /// <remarks>On what the model does itself; searches, requests, compute and storage keep their price. <c>*</c> stands for every geography that is not listed.</remarks>
    public IDictionary<string, decimal> Regions { get; } = new Dictionary<string, decimal>(StringComparer.OrdinalIgnoreCase);

    /// <summary>A fee for each request.</summary>
    public decimal? PerRequest { get; set; }

    /// <summary>A fee for each web search.</summary>
    public decimal? PerWebSearch { get; set; }

    /// <summary>What changes with the number of requests to the model that went before in the calendar month (UTC), as in "the first 10,000 at 0.05, then 0.02".</summary>
    /// <value>Empty: every request costs the same.</value>
    public IList<VolumeStep> VolumeSteps { get; } = [];

    /// <summary>How many tokens fit into one request, answer included; bounds calls whose input cannot be bounded otherwise.</summary>
    public long? ContextWindow { get; set; }

    /// <summary>How many tokens an answer can have; bounds calls that do not set <c>MaxOutputTokens</c>.</summary>
    public long? MaxOutputTokens { get; set; }
}
