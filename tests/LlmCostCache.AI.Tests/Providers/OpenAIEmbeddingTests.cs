using System.ClientModel;
using System.Net;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Embeddings of the OpenAI SDK over HTTP. text-embedding-3-small: $0.02 per million tokens; the endpoint counts 10 a text.</summary>
public class OpenAIEmbeddingTests
{
    private static readonly Money s_pricePerText = Money.FromNanos(200);

    [Fact]
    public async Task Only_texts_that_were_not_embedded_before_are_asked_for_and_billed()
    {
        await using var endpoint = await ScriptedEndpoint.StartAsync((request, _) => Answer(request));
        using var home = new TempHome();
        await using var costs = Open(home);
        using var generator = Generator(endpoint, costs);

        var first = await generator.GenerateAsync(["a"]);
        var three = await generator.GenerateAsync(["bb", "a", "ccc"]);
        var again = await generator.GenerateAsync(["ccc", "bb"]);

        Assert.Equal([["a"], ["bb", "ccc"]], endpoint.Requests.Select(Texts));
        Assert.Equal([2f, 1f, 3f], three.Select(embedding => embedding.Vector.Span[0]));
        Assert.Equal([3f, 2f], again.Select(embedding => embedding.Vector.Span[0]));
        Assert.Equal(20, three.Usage?.InputTokenCount);
        Assert.Null(again.Usage);
        Assert.Equal(s_pricePerText, first.GetCost().Amount);
        Assert.Equal((s_pricePerText * 2, s_pricePerText), (three.GetCost().Amount, three.GetCost().Saved));
        Assert.Equal((Money.Zero, s_pricePerText * 2), (again.GetCost().Amount, again.GetCost().Saved));

        var rows = await RowsAsync(costs);
        var paid = rows.Where(row => row.Status == CallStatus.Ok).ToList();
        Assert.Equal([s_pricePerText, s_pricePerText * 2], paid.Select(row => row.Cost.Amount!.Value));
        Assert.All(paid, row => Assert.Equal(("embeddings", "text-embedding-3-small", "openai"), (row.Operation, row.Model, row.Provider)));
        Assert.Equal(new TokenUsage { UncachedInputTokens = 20, Requests = 1 }, paid[1].Cost.Usage);
        Assert.Equal(2, rows.Count(row => row.Status == CallStatus.Cached));
        var balance = Assert.Single(await costs.Store.ReadBalancesAsync());
        Assert.Equal((s_pricePerText * 3, Money.Zero), (balance.Spent, balance.Reserved));
    }

    [Fact]
    public async Task The_same_text_twice_in_one_request_is_asked_for_once()
    {
        await using var endpoint = await ScriptedEndpoint.StartAsync((request, _) => Answer(request));
        using var home = new TempHome();
        await using var costs = Open(home);
        using var generator = Generator(endpoint, costs);
        var embeddings = await generator.GenerateAsync(["a", "bb", "a"]);

        Assert.Equal(["a", "bb"], Texts(Assert.Single(endpoint.Requests)));
        Assert.Equal([1f, 2f, 1f], embeddings.Select(embedding => embedding.Vector.Span[0]));
    }

    [Fact]
    public async Task A_budget_that_is_too_small_refuses_before_anything_is_sent_but_not_what_is_cached()
    {
        await using var endpoint = await ScriptedEndpoint.StartAsync((request, _) => Answer(request));
        using var home = new TempHome();
        // What one text may cost fits once, and not on top of what the first one did cost.
        await using var costs = Open(home, Budget.Hourly(0.0000014m));
        using var generator = Generator(endpoint, costs);
        await generator.GenerateAsync(["a"]);
        Assert.Single(await generator.GenerateAsync(["a"]));
        var refused = await Assert.ThrowsAsync<BudgetExceededException>(() => generator.GenerateAsync(["a", "bb"]));

        Assert.True(refused.Requested > Money.Zero);
        Assert.Single(endpoint.Requests);
        Assert.Contains(await RowsAsync(costs), row => row.Status == CallStatus.Blocked);
    }

    [Theory]
    [InlineData(429, CallStatus.Failed)]
    [InlineData(500, CallStatus.Assumed)]
    public async Task Errors_are_told_apart_by_whether_they_may_have_been_billed(int status, CallStatus expected)
    {
        await using var endpoint = await ScriptedEndpoint.StartAsync(ScriptedReply.Error((HttpStatusCode)status));
        using var home = new TempHome();
        await using var costs = Open(home);
        using var generator = Generator(endpoint, costs);
        await Assert.ThrowsAsync<ClientResultException>(() => generator.GenerateAsync(["a"]));

        var row = Assert.Single(await RowsAsync(costs));
        Assert.Equal(expected, row.Status);
        Assert.Equal(expected == CallStatus.Failed, row.Cost.High == Money.Zero);
        Assert.Equal(Money.Zero, Assert.Single(await costs.Store.ReadBalancesAsync()).Reserved);
    }

    [Fact]
    public async Task Embeddings_of_Ollama_are_free_and_cached()
    {
        await using var endpoint = await ScriptedEndpoint.StartAsync(ScriptedReply.Json("""{"model":"all-minilm","embeddings":[[1.0,2.0]],"total_duration":1,"load_duration":1,"prompt_eval_count":8}"""));
        using var home = new TempHome();
        await using var costs = Open(home);
        using var generator = ((IEmbeddingGenerator<string, Embedding<float>>)new OllamaSharp.OllamaApiClient(endpoint.Address, "all-minilm")).AsBuilder().UseCostCache(costs).UseBudget(costs).Build();
        await generator.GenerateAsync(["a"]);
        await generator.GenerateAsync(["a"]);

        Assert.Equal("/api/embed", Assert.Single(endpoint.Requests).Path);
        var row = (await RowsAsync(costs))[0];
        Assert.Equal((CostCertainty.Known, Money.Zero, 8), (row.Cost.Certainty, row.Cost.Amount, row.Cost.Usage.UncachedInputTokens));
    }

    private static IEmbeddingGenerator<string, Embedding<float>> Generator(ScriptedEndpoint endpoint, LlmCosts costs) =>
        ProviderSdk.OpenAI(endpoint.Address).GetEmbeddingClient("text-embedding-3-small").AsIEmbeddingGenerator().AsBuilder().UseCostCache(costs).UseBudget(costs).Build();

    private static LlmCosts Open(TempHome home, Budget? budget = null) => LlmCosts.Open(o =>
    {
        o.HomeDirectory = home.Path;
        o.Budgets.Add(budget ?? Budget.Daily(1m));
    });

    private static async Task<List<UsageRecord>> RowsAsync(LlmCosts costs)
    {
        await costs.FlushAsync();
        return await costs.Store.ReadAsync(LedgerFilter.All).ToListAsync();
    }

    private static string[] Texts(ScriptedRequest request) => [.. request.Json.GetProperty("input").EnumerateArray().Select(text => text.GetString()!)];

    /// <summary>The vector of a text begins with its length.</summary>
    private static ScriptedReply Answer(ScriptedRequest request)
    {
        var texts = Texts(request);
        return ScriptedReply.Json(OpenAIWire.Embeddings(10 * texts.Length, "text-embedding-3-small", texts.Select(text => new[] { text.Length, 0.5f })));
    }
}
