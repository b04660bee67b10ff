using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>What people ask and are answered stays in <c>cache.db</c>: it is in no log, span, metric, exception, ledger or file name.</summary>
[Collection(TelemetryListeners.Name)]
public class CachePrivacyTests
{
    // One for each place in which something private is said.
    private static readonly string[] s_canaries =
    [
        "canary-system", "canary-prompt", "canary-answer", "canary-argument", "canary-result", "canary-schema", "canary-namespace", "canary-tag", "canary-property",
        "canary-reasoning", "canary-error", "canary-embedded",
    ];

    [Fact]
    public async Task Nothing_that_was_said_leaves_the_cache()
    {
        using var home = new TempHome();
        var said = new ConcurrentQueue<string>();
        using var watch = new Watch(said);
        using var logs = LoggerFactory.Create(builder => builder.SetMinimumLevel(LogLevel.Trace).AddFakeLogging(o => o.OutputSink = said.Enqueue));
        using var meters = new TestMeterFactory();
        await using (var costs = Open(home, logs, meters))
        {
            await LiveAsync(costs, said);
        }

        // A second life over damaged rows, which is when people write things into messages.
        var path = Path.Combine(home.Path, DiskFile.Name);
        var bytes = await File.ReadAllBytesAsync(path);
        var place = bytes.AsSpan().LastIndexOf("canary-answer"u8);
        Assert.True(place > 0);
        bytes[place] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);

        await using (var costs = Open(home, logs, meters))
        {
            await LiveAsync(costs, said);
        }

        // Logs, metrics, spans and exceptions were all heard.
        foreach (var word in (string[])["was not stored", "was bypassed", "llmcostcache.cache.requests", "llmcost chat", nameof(BudgetExceededException)])
        {
            Assert.True(said.Any(text => text.Contains(word, StringComparison.Ordinal)), $"Nobody said '{word}'.");
        }

        foreach (var text in said)
        {
            Assert.All(s_canaries, canary => Assert.DoesNotContain(canary, text, StringComparison.OrdinalIgnoreCase));
        }

        foreach (var file in Directory.EnumerateFiles(home.Path, "*", SearchOption.AllDirectories))
        {
            Assert.DoesNotContain("canary", Path.GetFileName(file), StringComparison.OrdinalIgnoreCase);
            if (!Path.GetFileName(file).StartsWith("cache.db", StringComparison.Ordinal))
            {
                Assert.DoesNotContain("canary", Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)), StringComparison.OrdinalIgnoreCase);
            }
        }
    }

    private static LlmCosts Open(TempHome home, ILoggerFactory logs, TestMeterFactory meters) => LlmCosts.Open(o =>
    {
        o.HomeDirectory = home.Path;
        o.LoggerFactory = logs;
        o.MeterFactory = meters;
        o.Budgets.Add(Budget.Daily(100m));
        o.Budgets.Add(Budget.PerCall(0.05m));
    });

    /// <summary>Hits, misses, bypasses, refusals, failures and answers that are not stored, each with something private in every place.</summary>
    private static async Task LiveAsync(LlmCosts costs, ConcurrentQueue<string> said)
    {
        var provider = new FakeChatClient();
        var answers = new Queue<Action<ChatResponse>>(
        [
            _ => { },
            response => response.FinishReason = ChatFinishReason.Length,
            response => response.Messages[0].Contents.Add(new ErrorContent("canary-error")),
            response => response.Messages[0].Contents.Add(new FunctionCallContent("c", "f", new Dictionary<string, object?> { ["a"] = "canary-argument" })),
            _ => throw new HttpRequestException("canary-error"),
            response => response.Usage = new UsageDetails { InputTokenCount = 1, CachedInputTokenCount = 1_000 },
        ]);
        provider.Answer = (_, options, _) =>
        {
            var response = provider.DefaultAnswer(options, "canary-answer");
            response.Messages[0].Contents.Insert(0, new TextReasoningContent("canary-reasoning"));
            answers.TryDequeue(out var twist);
            twist?.Invoke(response);
            return Task.FromResult(response);
        };
        using var client = provider.AsBuilder().UseFunctionInvocation().UseCostCache(costs, cache => cache.ShouldStore = _ => true).UseBudget(costs).Build();
        for (var i = 0; i < 8; i++)
        {
            await TryAsync(() => client.GetResponseAsync(Messages(i), Options()), said);
            await TryAsync(() => client.GetStreamingResponseAsync(Messages(i), Options()).ToListAsync().AsTask(), said);
        }

        await TryAsync(() => client.GetResponseAsync(Messages(), Options(o => o.RawRepresentationFactory = _ => "canary-property")), said);
        await TryAsync(() => client.GetResponseAsync(Messages(), Options(o => o.ConversationId = "canary-property")), said);
        await TryAsync(() => client.GetResponseAsync(Messages(), Options(o => o.AdditionalProperties!["p"] = new Secret())), said);
        await TryAsync(() => client.GetResponseAsync([.. Messages(), new ChatMessage(ChatRole.User, [new UriContent("https://example.com/canary-prompt", "image/png")])], Options()), said);
        await TryAsync(() => client.GetResponseAsync([.. Messages(), new ChatMessage(ChatRole.User, new string('x', 3_000_000))], Options(o => o.ModelId = "gpt-4o")), said);
        await TryAsync(() => client.GetResponseAsync(Messages(), Options().WithCache(c => c.Bypass())), said);
        using var generator = new FakeEmbeddingGenerator().AsBuilder().UseCostCache(costs).Build();
        await TryAsync(() => generator.GenerateAsync(["canary-embedded", "canary-embedded two"]), said);
        await TryAsync(() => generator.GenerateAsync(["canary-embedded", "canary-embedded three"]), said);
        await TryAsync(() => costs.Cache.SetAsync("canary-prompt", "canary-answer"), said);
        await TryAsync(() => costs.Cache.GetAsync("canary-prompt"), said);
        await TryAsync(() => costs.Cache.InvalidateTagAsync("canary-tag"), said);
        await costs.FlushAsync();
    }

    private static ChatMessage[] Messages(int number = 0) =>
    [
        new(ChatRole.System, "canary-system"), new(ChatRole.User, "canary-prompt"), new(ChatRole.Assistant, [new FunctionCallContent("c0", "f", new Dictionary<string, object?> { ["a"] = "canary-argument" })]),
        new(ChatRole.Tool, [new FunctionResultContent("c0", "canary-result")]), new(ChatRole.User, $"canary-prompt {number}"),
    ];

    private static ChatOptions Options(Action<ChatOptions>? change = null)
    {
        var options = new ChatOptions
        {
            Instructions = "canary-system",
            Tools = [AIFunctionFactory.Create((string a) => "canary-result", "f", "canary-schema")],
            AdditionalProperties = new() { ["p"] = "canary-property" },
        };
        change?.Invoke(options);
        return options.WithCache(cache => cache.Namespace("canary-namespace").Tag("canary-tag"));
    }

    // What we throw is heard as well; what the provider threw passes through and is the provider's.
    private static async Task TryAsync<T>(Func<Task<T>> call, ConcurrentQueue<string> said)
    {
        try
        {
            await call();
        }
        catch (HttpRequestException)
        {
        }
        catch (Exception e)
        {
            said.Enqueue(e.ToString());
        }
    }

    private sealed class Secret
    {
        public string Value => throw new InvalidOperationException("canary-property");
    }

    /// <summary>Hears every span and measurement of ours.</summary>
    private sealed class Watch : IDisposable
    {
        private readonly ActivityListener _spans;
        private readonly MeterListener _meters;

        public Watch(ConcurrentQueue<string> said)
        {
            _spans = new ActivityListener
            {
                ShouldListenTo = source => source.Name.Contains("LlmCostCache", StringComparison.Ordinal),
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = span => said.Enqueue($"{span.DisplayName} {span.StatusDescription} {string.Join(' ', span.TagObjects)} {string.Join(' ', span.Events.Select(e => $"{e.Name} {string.Join(' ', e.Tags)}"))}"),
            };
            ActivitySource.AddActivityListener(_spans);
            _meters = new MeterListener
            {
                InstrumentPublished = (instrument, listener) =>
                {
                    if (instrument.Meter.Name.Contains("LlmCostCache", StringComparison.Ordinal))
                    {
                        listener.EnableMeasurementEvents(instrument);
                    }
                },
            };
            _meters.SetMeasurementEventCallback<long>((instrument, _, tags, _) => said.Enqueue($"{instrument.Name} {string.Join(' ', tags.ToArray())}"));
            _meters.SetMeasurementEventCallback<double>((instrument, _, tags, _) => said.Enqueue($"{instrument.Name} {string.Join(' ', tags.ToArray())}"));
            _meters.Start();
        }

        public void Dispose()
        {
            _spans.Dispose();
            _meters.Dispose();
        }
    }
}
