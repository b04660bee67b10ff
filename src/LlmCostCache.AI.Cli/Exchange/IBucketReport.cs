namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>How a provider writes down what was used in spans of time.</summary>
internal interface IBucketReport
{
    /// <summary>The names of the fields with the ends of a span.</summary>
    (string Start, string End) Times { get; }

    /// <summary>What a line says; null when it says that nothing was used. What is wrong with it, the fields know.</summary>
    Bucket? Read(BucketFields fields, DateTimeOffset startsAt, DateTimeOffset endsAt);
}
