using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

public sealed class EmbeddingPipelineTests : IAsyncDisposable
{
    private readonly TempHome _home = new();
    private readonly FakeEmbeddingGenerator _provider = new();
    private LlmCosts? _costs;

    public async ValueTask DisposeAsync()
    {
        await (_costs?.DisposeAsync() ?? ValueTask.CompletedTask);
        _home.Dispose();
    }

    [Fact]
    public async Task Only_texts_that_are_not_cached_are_asked_for_and_the_order_is_kept()
    {
        var generator = Build();
        await generator.GenerateAsync(["alpha"]);
        var result = await generator.GenerateAsync(["beta", "alpha", "gamma"]);

        Assert.Equal(["beta", "gamma"], _provider.Calls[1]);
        Assert.Equal([FakeEmbeddingGenerator.VectorOf("beta"), FakeEmbeddingGenerator.VectorOf("alpha"), FakeEmbeddingGenerator.VectorOf("gamma")], result.Select(item => item.Vector.ToArray()));
        Assert.Equal(9, result.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task An_answer_that_names_its_model_with_an_empty_text_is_priced_as_the_one_that_was_asked()
    {
        var generator = Build();
        _provider.Change = vectors => [.. vectors.Select(vector => new Embedding<float>(vector.Vector) { ModelId = "" })];
        Assert.Equal(100, (await generator.GenerateAsync(["alpha"])).GetCost().Amount?.Nanos);
    }

    [Fact]
    public async Task What_is_asked_for_is_priced_and_what_is_cached_is_saved()
    {
        var generator = Build();
        // text-embedding-3-small costs $0.02 per million: 5 tokens are 100 nano-dollars.
        Assert.Equal(100, (await generator.GenerateAsync(["alpha"])).GetCost().Amount!.Value.Nanos);
        var cost = (await generator.GenerateAsync(["beta", "alpha"])).GetCost();
        Assert.Equal((80, 100), (cost.Amount!.Value.Nanos, cost.Saved.Nanos));
    }

    [Fact]
    public async Task Each_cached_text_saves_its_share_at_the_price_of_the_day()
    {
        const string Prices = """
            {"models": [{"id": "text-embedding-3-small", "provider": "openai", "mode": "embedding", "prices": [
                {"effective_from": null, "input": "0.02"}, {"effective_from": "2026-09-02", "input": "0.04"}]}]}
            """;
        var time = new FakeTimeProvider(BoughtAnswer.Noon);
        var generator = Build(o =>
        {
            o.TimeProvider = time;
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(o.HomeDirectory!).FullName, "prices.json"), Prices);
        });
        await generator.GenerateAsync(["alpha", "beta"]);
        var today = (await generator.GenerateAsync(["alpha", "gamma"])).GetCost();
        time.Advance(TimeSpan.FromHours(12));
        var tomorrow = (await generator.GenerateAsync(["beta", "alpha"])).GetCost();

        Assert.Equal((100, 360), (today.Saved.Nanos, tomorrow.Saved.Nanos));
    }

    [Fact]
    public async Task A_result_that_is_all_cached_has_no_billable_usage()
    {
        var generator = Build();
        await generator.GenerateAsync(["alpha"]);
        var result = await generator.GenerateAsync(["alpha"]);

        Assert.Single(_provider.Calls);
        Assert.Null(result.Usage);
        Assert.Equal(Money.Zero, result.GetCost().Amount);
    }

    [Fact]
    public async Task The_same_text_twice_in_a_request_is_asked_for_once()
    {
        var result = await Build().GenerateAsync(["alpha", "beta", "alpha"]);
        Assert.Equal(["alpha", "beta"], Assert.Single(_provider.Calls));
        Assert.Equal(3, result.Count);
        Assert.Equal(result[0].Vector.ToArray(), result[2].Vector.ToArray());
    }

    [Fact]
    public async Task Other_dimensions_are_another_question()
    {
        var generator = Build();
        await generator.GenerateAsync(["alpha"], new EmbeddingGenerationOptions { Dimensions = 3 });
        await generator.GenerateAsync(["alpha"], new EmbeddingGenerationOptions { Dimensions = 4 });
        Assert.Equal(2, _provider.Calls.Count);
    }

    [Fact]
    public async Task A_budget_refuses_embeddings_too_and_nothing_is_sent()
    {
        var generator = Build(o => o.Budgets.Add(Budget.Daily(0.000_000_01m)));
        await Assert.ThrowsAsync<BudgetExceededException>(() => generator.GenerateAsync([new string('x', 5_000)]));
        Assert.Empty(_provider.Calls);
    }

    [Fact]
    public async Task Spending_on_embeddings_is_settled_to_the_truth()
    {
        var generator = Build(o => o.Budgets.Add(Budget.Daily(1m)));
        await generator.GenerateAsync(["alpha"]);
        var balance = Assert.Single(await _costs!.Store.ReadBalancesAsync());
        Assert.Equal((100, 0), (balance.Spent.Nanos, balance.Reserved.Nanos));
    }

    [Fact]
    public async Task Overlapping_batches_at_once_ask_for_each_text_once_and_wait_only_for_what_they_share()
    {
        var generator = Build();
        var gate = _provider.Hold();
        var first = generator.GenerateAsync(["alpha", "beta"]);
        var second = generator.GenerateAsync(["beta", "gamma", "alpha"]);
        gate.SetResult();
        var results = await Task.WhenAll(first, second).WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(["alpha", "beta", "gamma"], _provider.Calls.SelectMany(call => call).Order(StringComparer.Ordinal));
        Assert.Equal([FakeEmbeddingGenerator.VectorOf("beta"), FakeEmbeddingGenerator.VectorOf("gamma"), FakeEmbeddingGenerator.VectorOf("alpha")], results[1].Select(item => item.Vector.ToArray()));
        Assert.Equal((9, 5), (results[0].Usage!.InputTokenCount, results[1].Usage!.InputTokenCount));
        Assert.Equal((100, 180), (results[1].GetCost().Amount!.Value.Nanos, results[1].GetCost().Saved.Nanos));
    }

    [Fact]
    public async Task Batches_that_want_the_same_texts_in_other_orders_never_wait_for_each_other_for_ever()
    {
        var generator = Build();
        var texts = Enumerable.Range(0, 40).Select(i => $"text {i}").ToList();
        var results = await Task.WhenAll(Enumerable.Range(0, 24).Select(seed => Task.Run(async () =>
        {
            var order = texts.ToArray();
            new Random(seed).Shuffle(order);
            return (order, result: await generator.GenerateAsync(order[..25]));
        }))).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.All(results, r => Assert.Equal(r.order[..25].Select(FakeEmbeddingGenerator.VectorOf), r.result.Select(item => item.Vector.ToArray())));
        Assert.Equal(_provider.Calls.Sum(call => call.Count), _provider.Calls.SelectMany(call => call).Distinct().Count());
    }

    [Fact]
    public async Task Whoever_waited_for_a_call_that_failed_asks_for_itself()
    {
        var generator = Build();
        var gate = _provider.Hold();
        var first = generator.GenerateAsync(["alpha", "beta"]);
        var second = generator.GenerateAsync(["beta"]);
        gate.SetException(new HttpRequestException("down"));

        await Assert.ThrowsAsync<HttpRequestException>(() => first);
        Assert.Equal(FakeEmbeddingGenerator.VectorOf("beta"), (await second.WaitAsync(TimeSpan.FromSeconds(30)))[0].Vector.ToArray());
    }

    [Fact]
    public async Task A_provider_of_vectors_that_is_down_is_asked_twice_and_not_once_for_each_who_waits()
    {
        var calls = 0;
        var clock = new WatchedClock(BoughtAnswer.Noon);
        Build(o => o.TimeProvider = clock);
        var (first, later) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var generator = _provider.AsBuilder().UseCostCache(_costs).Use(async (_, _, _, _) =>
        {
            await (Interlocked.Increment(ref calls) == 1 ? first : later).Task;
            throw new HttpRequestException("down", null, System.Net.HttpStatusCode.ServiceUnavailable);
        }).Build();
        var callers = Enumerable.Range(0, 20).Select(_ => generator.GenerateAsync(["alpha"])).ToList();
        await clock.WaitingAsync(CacheFlight.Patience, 19);
        first.SetResult();

        // All of those who still wait now wait for the second call.
        await clock.WaitingAsync(CacheFlight.Patience, 19 + 18);
        later.SetResult();

        foreach (var caller in callers)
            await Assert.ThrowsAsync<HttpRequestException>(() => caller.WaitAsync(TimeSpan.FromSeconds(60)));

        Assert.Equal(2, calls);
    }

    [Fact]
    public async Task A_batch_that_is_refused_for_another_text_says_nothing_about_the_text_that_was_waited_for()
    {
        Build();
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var generator = _provider.AsBuilder().UseCostCache(_costs).Use(async (values, options, inner, token) =>
        {
            await first.Task;
            return values.Contains("much too long")
                ? throw new HttpRequestException("too long", null, System.Net.HttpStatusCode.BadRequest)
                : await inner.GenerateAsync(values, options, token);
        }).Build();
        var refused = Enumerable.Range(0, 5).Select(_ => generator.GenerateAsync(["alpha", "much too long"])).ToList();
        var good = generator.GenerateAsync(["alpha"]);
        first.SetResult();

        Assert.Equal(FakeEmbeddingGenerator.VectorOf("alpha"), (await good.WaitAsync(TimeSpan.FromSeconds(60)))[0].Vector.ToArray());
        foreach (var caller in refused)
            await Assert.ThrowsAsync<HttpRequestException>(() => caller.WaitAsync(TimeSpan.FromSeconds(60)));
    }

    [Theory]
    [InlineData("not a number")]
    [InlineData("a document that is gone")]
    [InlineData("a list that breaks")]
    public async Task A_property_that_cannot_be_read_costs_nobody_the_vector(string which)
    {
        var generator = Build();
        _provider.Change = vectors =>
        {
            vectors[0].AdditionalProperties = new() { ["odd"] = SharedAnswerTests.Odd(which) };
            return vectors;
        };

        Assert.Equal(FakeEmbeddingGenerator.VectorOf("alpha"), (await generator.GenerateAsync(["alpha"]))[0].Vector.ToArray());
        Assert.Equal(CacheLayer.Memory, (await generator.GenerateAsync(["alpha"])).GetCost().CacheLayer);
    }

    [Fact]
    public async Task One_callers_cancellation_never_reaches_another()
    {
        var generator = Build();
        var gate = _provider.Hold();
        using var stop = new CancellationTokenSource();
        var first = generator.GenerateAsync(["alpha"], cancellationToken: stop.Token);
        var second = generator.GenerateAsync(["alpha", "beta"]);
        await stop.CancelAsync();
        gate.SetResult();

        await Task.WhenAny(first);
        Assert.Equal(2, (await second.WaitAsync(TimeSpan.FromSeconds(30))).Count);
    }

    [Fact]
    public async Task Fewer_vectors_than_texts_are_an_error_and_nothing_is_stored_under_a_wrong_text()
    {
        var generator = Build();
        _provider.Change = vectors => vectors[1..];
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => generator.GenerateAsync(["alpha", "beta"]));
        Assert.Contains("asked for 2 embeddings and returned 1", error.Message, StringComparison.Ordinal);

        _provider.Change = null;
        var result = await generator.GenerateAsync(["beta", "alpha"]);
        Assert.Equal(["beta", "alpha"], _provider.Calls[1]);
        Assert.Equal(FakeEmbeddingGenerator.VectorOf("beta"), result[0].Vector.ToArray());
    }

    [Theory]
    [InlineData("nan")]
    [InlineData("zero")]
    [InlineData("empty")]
    public async Task A_vector_that_says_nothing_is_given_to_its_caller_and_not_stored(string kind)
    {
        var generator = Build();
        _provider.Change = vectors => [new(kind switch { "nan" => [1, float.NaN, 1], "zero" => new float[3], _ => [] }), .. vectors[1..]];
        Assert.Equal(2, (await generator.GenerateAsync(["alpha", "beta"])).Count);
        _provider.Change = null;
        await generator.GenerateAsync(["alpha", "beta"]);

        Assert.Equal(["alpha"], _provider.Calls[1]);
    }

    [Fact]
    public async Task A_vector_of_other_dimensions_than_asked_for_is_not_stored()
    {
        var generator = Build();
        var four = new EmbeddingGenerationOptions { Dimensions = 4 };
        Assert.Equal(3, (await generator.GenerateAsync(["alpha"], four))[0].Vector.Length);
        await generator.GenerateAsync(["alpha"], four);

        Assert.Equal(2, _provider.Calls.Count);
    }

    [Fact]
    public async Task What_a_caller_does_to_a_vector_reaches_nobody_else()
    {
        var generator = Build();
        _provider.Change = vectors => [.. vectors.Select(v => new Embedding<float>(v.Vector) { ModelId = v.ModelId, CreatedAt = BoughtAnswer.Noon, AdditionalProperties = new() { ["index"] = 7 } })];
        await generator.GenerateAsync(["alpha"]);
        _provider.Change = null;
        for (var i = 0; i < 2; i++)
        {
            var result = await generator.GenerateAsync(["alpha", "alpha"]);
            Assert.All(result, item => Assert.Equal(FakeEmbeddingGenerator.VectorOf("alpha"), item.Vector.ToArray()));
            Assert.All(result, item => Assert.Equal(("text-embedding-3-small", BoughtAnswer.Noon, 7), (item.ModelId, item.CreatedAt, Convert.ToInt32(item.AdditionalProperties!["index"], System.Globalization.CultureInfo.InvariantCulture))));
            System.Runtime.InteropServices.MemoryMarshal.TryGetArray(result[0].Vector, out var numbers);
            numbers.Array![numbers.Offset] = -1;
            result[0].AdditionalProperties!.Clear();
            Assert.Equal(FakeEmbeddingGenerator.VectorOf("alpha"), result[1].Vector.ToArray());
        }
    }

    [Fact]
    public async Task A_bypass_says_why()
    {
        var generator = Build();
        var options = new EmbeddingGenerationOptions().WithCache(c => c.Bypass());
        await generator.GenerateAsync(["alpha"]);
        var cost = (await generator.GenerateAsync(["alpha"], options)).GetCost();

        Assert.Equal(2, _provider.Calls.Count);
        Assert.Equal("the call bypasses the cache", cost.CacheBypassReason);
        Assert.Null((await generator.GenerateAsync(["alpha"])).GetCost().CacheBypassReason);
    }

    [Fact]
    public async Task Tenants_and_namespaces_never_share_a_vector()
    {
        var generator = Build();
        await generator.GenerateAsync(["alpha"]);
        using (CostScope.Begin(tenant: "a"))
            await generator.GenerateAsync(["alpha"]);

        using (CostScope.Begin(tenant: "b"))
            await generator.GenerateAsync(["alpha"]);

        await generator.GenerateAsync(["alpha"], new EmbeddingGenerationOptions().WithCache(c => c.Namespace("a")));
        Assert.Equal(4, _provider.Calls.Count);
    }

    [Fact]
    public async Task A_batch_of_a_thousand_texts_is_asked_for_once()
    {
        var generator = Build();
        var texts = Enumerable.Range(0, 1_000).Select(i => $"text {i % 900}").ToList();
        await generator.GenerateAsync(texts);
        var again = await generator.GenerateAsync(texts);

        Assert.Equal(900, Assert.Single(_provider.Calls).Count);
        Assert.Equal(texts.Select(FakeEmbeddingGenerator.VectorOf), again.Select(item => item.Vector.ToArray()));
    }

    [Fact]
    public async Task Hits_are_counted_in_the_file_like_those_of_answers()
    {
        var generator = Build();
        await generator.GenerateAsync(["alpha", "beta"]);
        await generator.GenerateAsync(["alpha"]);
        await generator.GenerateAsync(["alpha", "beta"]);
        await _costs!.DisposeAsync();

        using var file = CacheFile.TryOpen(_home.Path)!;
        var totals = file.Totals(DateTimeOffset.UtcNow);
        Assert.Equal((2, 3, 280), (totals.Embeddings, totals.Hits, totals.Saved.Nanos));
    }

    [Fact]
    public async Task A_text_asked_for_after_an_invalidation_does_not_get_the_vector_that_was_under_way_before_it()
    {
        var generator = Build();
        var gate = _provider.Hold();
        var first = generator.GenerateAsync(["alpha"]);
        await _costs!.Cache.ClearAsync();
        var second = generator.GenerateAsync(["alpha"]);
        gate.SetResult();
        await Task.WhenAll(first, second).WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(2, _provider.Calls.Count);
        Assert.Equal(Money.Zero, (await second).GetCost().Saved);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_vector_that_goes_unused_expires_before_its_time_when_the_call_said_so(bool memory)
    {
        var time = new FakeTimeProvider(BoughtAnswer.Noon);
        var generator = Build(o => (o.TimeProvider, o.MemoryCacheBytes) = (time, memory ? 1 << 20 : 0));
        var options = new EmbeddingGenerationOptions().WithCache(c => c.SlidingExpiration(TimeSpan.FromHours(1)));
        await generator.GenerateAsync(["alpha"], options);
        for (var i = 0; i < 3; i++)
        {
            await _costs!.FlushAsync();
            time.Advance(TimeSpan.FromMinutes(50));
            await generator.GenerateAsync(["alpha"], options);
        }

        Assert.Single(_provider.Calls);
        time.Advance(TimeSpan.FromMinutes(61));
        await generator.GenerateAsync(["alpha"], options);
        Assert.Equal(2, _provider.Calls.Count);
    }

    [Fact]
    public async Task Expired_vectors_stand_in_for_a_provider_that_fails_when_the_call_said_so()
    {
        var time = new FakeTimeProvider(BoughtAnswer.Noon);
        var generator = Build(o => o.TimeProvider = time);
        var options = new EmbeddingGenerationOptions().WithCache(c => c.TimeToLive(TimeSpan.FromHours(1)).ServeStale(TimeSpan.FromDays(1)));
        await generator.GenerateAsync(["alpha", "beta"], options);
        time.Advance(TimeSpan.FromHours(2));
        _provider.Hold().SetException(new HttpRequestException("down"));
        var stale = await generator.GenerateAsync(["beta", "alpha"], options);

        Assert.Equal([FakeEmbeddingGenerator.VectorOf("beta"), FakeEmbeddingGenerator.VectorOf("alpha")], stale.Select(item => item.Vector.ToArray()));
        Assert.Equal(180, stale.GetCost().Saved.Nanos);
        Assert.Contains("stale", stale.GetCost().Reason, StringComparison.Ordinal);

        // One that is not known: there is no answer to the batch, so its caller hears of the failure.
        _provider.Hold().SetException(new HttpRequestException("down"));
        await Assert.ThrowsAsync<HttpRequestException>(() => generator.GenerateAsync(["alpha", "gamma"], options));
    }

    [Fact]
    public async Task Whoever_wants_no_expired_vector_gets_none_from_a_call_that_it_waits_for()
    {
        var time = new FakeTimeProvider(BoughtAnswer.Noon);
        var generator = Build(o => o.TimeProvider = time);
        var options = new EmbeddingGenerationOptions().WithCache(c => c.TimeToLive(TimeSpan.FromHours(1)).ServeStale(TimeSpan.FromDays(1)));
        await generator.GenerateAsync(["alpha"], options);
        time.Advance(TimeSpan.FromHours(2));
        var gate = _provider.Hold();
        var stale = generator.GenerateAsync(["alpha"], options);
        var strict = generator.GenerateAsync(["alpha"]);
        gate.SetException(new HttpRequestException("down"));

        Assert.Contains("stale", (await stale).GetCost().Reason, StringComparison.Ordinal);
        Assert.Equal(CacheLayer.None, (await strict.WaitAsync(TimeSpan.FromSeconds(60))).GetCost().CacheLayer);
        Assert.Equal(3, _provider.Calls.Count);
    }

    private IEmbeddingGenerator<string, Embedding<float>> Build(Action<LlmCostsOptions>? configure = null)
    {
        _costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = _home.Path;
            configure?.Invoke(o);
        });
        return _provider.AsBuilder().UseCostCache(_costs).UseBudget(_costs).Build();
    }
}
