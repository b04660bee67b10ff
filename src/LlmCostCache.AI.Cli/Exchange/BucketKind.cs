namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>Which of two reports a bucket is from. Both describe the same calls, so one span of time may be imported from one of them.</summary>
internal readonly record struct BucketKind(string Provider, bool IsCosts)
{
    /// <summary>How the ids of its rows begin.</summary>
    public string IdPrefix => $"{Provider}-{(IsCosts ? "costs" : "usage")}-";

    /// <summary>How long the part of an id is that says what shape the report had.</summary>
    public const int ShapeLength = 8;

    private static readonly BucketKind[] s_all = [new("openai", false), new("openai", true), new("anthropic", false), new("anthropic", true)];

    /// <summary>The report that a row is from, by its id; null for rows of single calls.</summary>
    public static BucketKind? Of(string id)
    {
        foreach (var kind in s_all)
        {
            if (id.StartsWith(kind.IdPrefix, StringComparison.Ordinal) && id.Length > kind.IdPrefix.Length + ShapeLength)
            {
                return kind;
            }
        }

        return null;
    }

    /// <summary>The shape of the report that an id of this kind tells.</summary>
    public string ShapeOf(string id) => id.Substring(IdPrefix.Length, ShapeLength);

    public BucketKind Other => this with { IsCosts = !IsCosts };
}
