using System.Globalization;
using System.Text;

namespace LlmCostCache.AI;

/// <summary>The rates of one request: tokens and characters per million, everything else each. What the vendor does not list is null.</summary>
internal sealed class RateCard
{
    public const int Kinds = (int)RateKind.StorageGbDay + 1;

    /// <summary>The names of the rates in price files.</summary>
    public static readonly string[] FieldNames =
    [
        "input", "cached_input", "cache_write_5m", "cache_write_1h", "input_audio", "cached_audio", "input_image", "cached_image", "input_video", "citation",
        "output", "reasoning", "output_audio", "output_image", "output_video", "web_search_call", "per_request",
        "image", "audio_second", "video_second", "compute_second", "characters", "storage_gb_day",
    ];

    /// <summary>The names of the parts of a cost.</summary>
    public static readonly string[] PartNames =
    [
        "input", "cached_input", "cache_write_5m", "cache_write_1h", "input_audio", "cached_audio", "input_image", "cached_image", "input_video", "citation",
        "output", "reasoning", "output_audio", "output_image", "output_video", "web_search", "request",
        "image", "audio_second", "video_second", "compute_second", "characters", "storage_gb_day",
    ];

    private readonly decimal?[] _rates;

    public RateCard(decimal?[] rates) => _rates = rates;

    /// <summary>Everything is free, by rule and not for want of a price.</summary>
    public static RateCard Free { get; } = new(Enumerable.Repeat<decimal?>(0m, Kinds).ToArray());

    public decimal? this[RateKind kind] => _rates[(int)kind];

    public bool IsFree => Array.TrueForAll(_rates, rate => rate is null or 0m);

    /// <summary>Whether any kind of token has a rate.</summary>
    public bool HasTokenRates => _rates.AsSpan(0, (int)RateKind.OutputVideo + 1).ContainsAnyExcept((decimal?)null);

    /// <summary>What a rate is for, in the words of a sentence.</summary>
    public static string UnitOf(RateKind kind) => kind switch
    {
        < RateKind.Output => "input",
        < RateKind.WebSearch => "output",
        RateKind.WebSearch => "web searches",
        RateKind.Request => "requests",
        RateKind.Image => "images",
        RateKind.AudioSecond => "seconds of audio",
        RateKind.VideoSecond => "seconds of video",
        RateKind.ComputeSecond => "seconds of compute",
        RateKind.Characters => "characters",
        _ => "storage",
    };

    /// <summary>This card with the rates that <paramref name="stronger"/> names put in their place.</summary>
    public RateCard OverriddenBy(RateCard stronger)
    {
        var rates = (decimal?[])_rates.Clone();
        for (var i = 0; i < rates.Length; i++)
        {
            rates[i] = stronger._rates[i] ?? rates[i];
        }

        return new(rates);
    }

    /// <summary>This card with the rates that are not listed taken from the rate that the vendor bills instead.</summary>
    public RateCard WithFallbacks()
    {
        var rates = (decimal?[])_rates.Clone();
        FallBack(RateKind.CachedInput, RateKind.Input);
        FallBack(RateKind.CacheWrite5m, RateKind.Input);
        FallBack(RateKind.CacheWrite1h, RateKind.CacheWrite5m);
        FallBack(RateKind.InputAudio, RateKind.Input);

        // No discount is listed for cached audio: a missing cached price means the price of the uncached kind, never less.
        FallBack(RateKind.CachedAudio, RateKind.InputAudio);
        FallBack(RateKind.InputImage, RateKind.Input);
        FallBack(RateKind.CachedImage, RateKind.InputImage);
        FallBack(RateKind.InputVideo, RateKind.Input);

        // Sources that were read are billed as input where the vendor bills them at all.
        FallBack(RateKind.Citation, RateKind.Input);
        FallBack(RateKind.Reasoning, RateKind.Output);
        FallBack(RateKind.OutputAudio, RateKind.Output);
        FallBack(RateKind.OutputImage, RateKind.Output);
        FallBack(RateKind.OutputVideo, RateKind.Output);
        return new(rates);

        void FallBack(RateKind kind, RateKind to) => rates[(int)kind] ??= rates[(int)to];
    }

    /// <summary>Every rate, times a factor.</summary>
    public RateCard Times(decimal factor) => factor == 1m ? this : new(Array.ConvertAll(_rates, rate => rate * factor));

    /// <summary>
    /// The rates of what the model itself does, times a factor. What it has done for it (searches, requests, compute, storage) keeps its rate: vendors' premiums for a
    /// geography or for speed are on token prices.
    /// </summary>
    public RateCard WithPremium(decimal factor) => factor == 1m ? this : new([.. _rates.Select((rate, kind) => HasPremium((RateKind)kind) ? rate * factor : rate)]);

    /// <summary>The rates to which a premium is still to be added so that they become these.</summary>
    public RateCard BeforePremium(decimal factor) => factor == 1m ? this : new([.. _rates.Select((rate, kind) => HasPremium((RateKind)kind) ? rate / factor : rate)]);

    /// <summary>The dearest rate for a token of input, or of output; zero when none is named.</summary>
    public decimal Dearest(bool output)
    {
        var dearest = 0m;
        var (from, to) = output ? (RateKind.Output, RateKind.OutputVideo) : (RateKind.Input, RateKind.Citation);
        for (var kind = from; kind <= to; kind++)
        {
            dearest = Math.Max(dearest, this[kind] ?? 0m);
        }

        return dearest;
    }

    /// <summary>Writes the rates in a form that is the same for the same facts, however many zeros they were written with.</summary>
    public void WriteFacts(StringBuilder facts)
    {
        for (var i = 0; i < _rates.Length; i++)
        {
            if (_rates[i] is { } rate)
            {
                var digits = rate.ToString("0.############################", CultureInfo.InvariantCulture);
                facts.Append(FieldNames[i]).Append('=').Append(digits).Append(';');
            }
        }
    }

    private static bool HasPremium(RateKind kind) => kind is not (RateKind.WebSearch or RateKind.Request or RateKind.ComputeSecond or RateKind.StorageGbDay);
}
