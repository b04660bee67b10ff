// What a call cost, on the span of the call and in metrics, next to what OpenTelemetry shows of chat clients anyway.
//
//   dotnet run --project examples/Telemetry             offline: prints what would be exported
//   dotnet run --project examples/Telemetry -- --otlp   sends it to OTEL_EXPORTER_OTLP_ENDPOINT as well (default http://localhost:4317)

using System.Diagnostics;
using System.Globalization;
using LlmCostCache.AI;
using Microsoft.Extensions.AI;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using TelemetryExample;

// The meter and the source of Microsoft.Extensions.AI: durations, tokens and the chat spans that ours are written on.
const string ChatTelemetry = "Experimental.Microsoft.Extensions.AI";
var sends = args.Contains("--otlp");
var metrics = new List<MetricSnapshot>();
var spans = new List<Activity>();
var home = Directory.CreateTempSubdirectory("llmcost-telemetry-").FullName;
try
{
    var meters = Sdk.CreateMeterProviderBuilder()
        .AddMeter(ChatTelemetry)
        .AddLlmCostCacheInstrumentation()
        .AddInMemoryExporter(metrics);
    var traces = Sdk.CreateTracerProviderBuilder()
        .AddSource(ChatTelemetry)
        .AddLlmCostCacheInstrumentation()
        .AddInMemoryExporter(spans);
    using var meterProvider = (sends ? meters.AddOtlpExporter() : meters).Build();
    using var tracerProvider = (sends ? traces.AddOtlpExporter() : traces).Build();

    await using var costs = LlmCosts.Open(o =>
    {
        o.HomeDirectory = home;
        o.Budgets.Add(Budget.Daily(1.00m));
    });

    // UseOpenTelemetry() outside, so that hits have a span as well.
    using var client = new ScriptedModel().AsBuilder()
        .UseOpenTelemetry()
        .UseCostCache(costs)
        .UseBudget(costs)
        .Build();

    await client.GetResponseAsync("What is a span?");
    await client.GetResponseAsync("What is a span?");

    tracerProvider.ForceFlush();
    var arrived = meterProvider.ForceFlush();
    foreach (var (span, number) in spans.Select((span, i) => (span, i + 1)))
    {
        Console.WriteLine($"span {number}: {span.DisplayName}");
        foreach (var (name, value) in span.TagObjects.Where(tag => IsAboutCost(tag.Key)).OrderBy(tag => tag.Key, StringComparer.Ordinal))
        {
            Console.WriteLine($"  {name,-32}  {Text(value)}");
        }

        Console.WriteLine();
    }

    Console.WriteLine("metrics");
    foreach (var metric in metrics.Where(metric => metric.MeterName != ChatTelemetry).OrderBy(metric => metric.Name))
    {
        foreach (var point in metric.MetricPoints)
        {
            Console.WriteLine($"  {metric.Name,-32}  {Value(metric.MetricType, point),-8}  {Tags(point)}");
        }
    }

    if (sends)
    {
        Console.WriteLine();
        var endpoint = Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") ?? "http://localhost:4317";
        Console.WriteLine(arrived ? $"sent to {endpoint}" : $"nothing takes OTLP at {endpoint}");
    }

    // One miss that cost something, one hit that cost nothing.
    string?[] results = [.. spans.Select(span => span.GetTagItem("llmcostcache.cache.result") as string)];
    return results is ["miss", "hit"] && (arrived || !sends) ? 0 : 1;
}
finally
{
    Directory.Delete(home, recursive: true);
}

static bool IsAboutCost(string tag) =>
    tag.StartsWith("gen_ai.usage.", StringComparison.Ordinal) || tag.StartsWith("llmcostcache.", StringComparison.Ordinal);

static string Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

static string Value(MetricType type, MetricPoint point) => type switch
{
    MetricType.Histogram => Text(point.GetHistogramSum()),
    MetricType.LongSum or MetricType.LongSumNonMonotonic => Text(point.GetSumLong()),
    MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => Text(point.GetSumDouble()),
    MetricType.LongGauge => Text(point.GetGaugeLastValueLong()),
    _ => Text(point.GetGaugeLastValueDouble()),
};

// Operation, provider and model are on every point; what is our own tells them apart.
static string Tags(MetricPoint point)
{
    var tags = new List<string>();
    foreach (var (name, value) in point.Tags)
    {
        if (IsAboutCost(name))
        {
            tags.Add($"{name}={Text(value)}");
        }
    }

    return string.Join(", ", tags);
}
