namespace LlmCostCache.AI.Tests;

/// <summary>One data point of a metric, as it arrived.</summary>
/// <param name="Name">The metric.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Kind"><c>gauge</c>, <c>counter</c> (monotonic sum), <c>sum</c> or <c>histogram</c>.</param>
/// <param name="Tags">The attributes of the point.</param>
/// <param name="Value">The value, or the sum of a histogram.</param>
/// <param name="Count">How many observations a histogram has.</param>
/// <param name="Bounds">The bounds of a histogram's buckets.</param>
internal sealed record OtlpSeries(string Name, string Unit, string Kind, Dictionary<string, object> Tags, double Value, ulong Count, double[] Bounds);

/// <summary>One span, as it arrived.</summary>
internal sealed record OtlpSpan(string Scope, string Name, string TraceId, string SpanId, string ParentSpanId, Dictionary<string, object> Tags);
