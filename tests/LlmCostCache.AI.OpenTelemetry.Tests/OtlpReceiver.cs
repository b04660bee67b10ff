using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI.Tests;

/// <summary>A collector that takes OTLP over HTTP on the loopback and decodes the protobuf it is sent.</summary>
/// <remarks>Field numbers are those of opentelemetry-proto 1.x; they are frozen.</remarks>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly List<OtlpSeries> _series = [];
    private readonly List<OtlpSpan> _spans = [];

    private volatile bool _deafToMetrics;

    private OtlpReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapPost("/v1/metrics", (HttpRequest request) => Take(request, message => _deafToMetrics ? [] : ReadMetrics(message), _series));
        _app.MapPost("/v1/traces", (HttpRequest request) => Take(request, ReadSpans, _spans));
    }

    public Uri Metrics => new($"{_app.Urls.First()}/v1/metrics");

    public Uri Traces => new($"{_app.Urls.First()}/v1/traces");

    public static async Task<OtlpReceiver> StartAsync()
    {
        var receiver = new OtlpReceiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>Ignores what is exported from now on.</summary>
    public void StopTakingMetrics() => _deafToMetrics = true;

    public IReadOnlyList<OtlpSeries> Series(string name)
    {
        lock (_series)
        {
            return [.. _series.Where(series => series.Name == name)];
        }
    }

    public IReadOnlyList<OtlpSeries> AllSeries()
    {
        lock (_series)
        {
            return [.. _series];
        }
    }

    public IReadOnlyList<OtlpSpan> Spans()
    {
        lock (_spans)
        {
            return [.. _spans];
        }
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static async Task<IResult> Take<T>(HttpRequest request, Func<ProtobufMessage, IEnumerable<T>> read, List<T> into)
    {
        if (request.ContentType != "application/x-protobuf")
        {
            return Results.StatusCode(StatusCodes.Status415UnsupportedMediaType);
        }

        var message = new ProtobufMessage(await ByteString.FromStreamAsync(request.Body));
        lock (into)
        {
            into.AddRange(read(message));
        }

        return Results.Bytes([], "application/x-protobuf");
    }

    private static IEnumerable<OtlpSeries> ReadMetrics(ProtobufMessage request) =>
        from resource in request.Messages(1)
        from scope in resource.Messages(2)
        from metric in scope.Messages(2)
        from series in ReadMetric(metric)
        select series;

    private static IEnumerable<OtlpSeries> ReadMetric(ProtobufMessage metric)
    {
        foreach (var (field, kind) in new[] { (5, "gauge"), (7, "sum") })
        {
            foreach (var data in metric.Messages(field))
            {
                var monotonic = field == 7 && data.Number(3) == 1;
                foreach (var point in data.Messages(1))
                {
                    var value = point.Has(4) ? point.Double(4) : (long)point.Number(6);
                    yield return new(metric.Text(1), metric.Text(3), monotonic ? "counter" : kind, ReadTags(point, 7), value, 0, []);
                }
            }
        }

        foreach (var point in metric.Messages(9).SelectMany(data => data.Messages(1)))
        {
            yield return new(metric.Text(1), metric.Text(3), "histogram", ReadTags(point, 9), point.Double(5), point.Number(4), point.Doubles(7));
        }
    }

    private static IEnumerable<OtlpSpan> ReadSpans(ProtobufMessage request) =>
        from resource in request.Messages(1)
        from scope in resource.Messages(2)
        from span in scope.Messages(2)
        select new OtlpSpan(scope.Messages(1).First().Text(1), span.Text(5), Hex(span.Bytes(1)), Hex(span.Bytes(2)), Hex(span.Bytes(4)), ReadTags(span, 9));

    private static string Hex(ByteString bytes) => Convert.ToHexStringLower(bytes.Span);

    private static Dictionary<string, object> ReadTags(ProtobufMessage message, int field) =>
        message.Messages(field).ToDictionary(tag => tag.Text(1), tag => ReadValue(tag.Messages(2).First()));

    private static object ReadValue(ProtobufMessage value) =>
        value.Has(1) ? value.Text(1)
        : value.Has(2) ? value.Number(2) == 1
        : value.Has(3) ? (object)(long)value.Number(3)
        : value.Has(4) ? value.Double(4)
        : throw new InvalidDataException("An attribute has none of the four simple types.");
}
