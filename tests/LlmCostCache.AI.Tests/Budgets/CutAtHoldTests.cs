using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Streams that go on beyond what a strict budget held for them.</summary>
public class CutAtHoldTests
{
    private const int Limit = 300;

    [Fact]
    public async Task A_stream_that_does_not_keep_its_limit_is_cut_when_it_is_certainly_longer()
    {
        await using var pipeline = Strict(o => o.Budgets.Add(Budget.Daily(1m)));
        var produced = Endless(pipeline, "word ");

        var response = await AskAsync(pipeline);

        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.Equal(Limit + 1, produced.Count);
        Assert.Equal(Limit + 1, response.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task The_row_of_a_cut_stream_is_bounded_and_says_why()
    {
        await using var pipeline = Strict(o => o.Budgets.Add(Budget.Daily(1m)));
        Endless(pipeline, "word ");

        var cost = (await AskAsync(pipeline)).GetCost();

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal((CallStatus.Incomplete, "length", CostCertainty.Bounded), (row.Status, row.FinishReason, row.Cost.Certainty));
        Assert.True(UsageFlags.Has(row.Flags, UsageFlags.CutAtHold));
        Assert.Contains("was cut", cost.Reason, StringComparison.Ordinal);

        // At least the tokens that are certain, at most one for each byte and what was under way.
        Assert.True(row.Cost.High >= Money.FromUsd(0.6m * (Limit + 1) / 1_000_000m), $"{row.Cost.High}");
        Assert.True(row.Cost.High < Money.FromUsd(0.6m * ((5 * (Limit + 1)) + 1_024 + 10) / 1_000_000m + 0.15m * 1_000m / 1_000_000m), $"{row.Cost.High}");
        Assert.Equal(Money.Zero, Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Reserved);
    }

    [Fact]
    public async Task A_stream_is_cut_at_what_a_strict_budget_of_tokens_holds_and_what_it_took_is_counted()
    {
        await using var pipeline = Strict(o => o.Budgets.Add(Budget.Daily(BudgetAmount.Tokens(100_000))));
        var produced = Endless(pipeline, "word ");

        await AskAsync(pipeline);

        Assert.Equal(Limit + 1, produced.Count);
        var row = Assert.Single(await pipeline.RowsAsync());
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal((BudgetAmount.Tokens(row.Cost.Usage.TotalTokens), BudgetAmount.Tokens(0)), (balance.Spent, balance.Reserved));
        Assert.True(balance.Spent.Count > Limit, $"{balance.Spent}");
        Assert.True((await pipeline.Costs.Store.VerifyAsync()).IsIntact);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(100)]
    public async Task An_answer_within_its_limit_is_never_cut_however_long_its_words_are(int lengthOfWord)
    {
        await using var pipeline = Strict(o => o.Budgets.Add(Budget.Daily(1m)));
        var word = new string('a', lengthOfWord) + " ";
        pipeline.Provider.Stream = (_, _, cancellation) => Words(word, Limit, new List<string>(), finish: true, cancellation);

        var response = await AskAsync(pipeline);

        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal(Limit * word.Length, response.Text.Length);
    }

    [Fact]
    public async Task A_provider_that_was_caught_is_cut_the_next_time_before_it_can_cost_more_than_was_held()
    {
        await using var pipeline = Strict(o => o.Budgets.Add(Budget.Daily(1m)));
        var produced = Endless(pipeline, "word ");
        await AskAsync(pipeline, "first", 4_000);
        produced.Clear();

        await AskAsync(pipeline, "second", 4_000);

        // Five bytes a word: not more bytes than tokens were held, with room for what is under way.
        Assert.InRange(produced.Count, (4_000 - 1_024) / 5, 1 + ((4_000 - 1_024) / 5));
        var row = (await pipeline.RowsAsync())[1];
        Assert.False(UsageFlags.Has(row.Flags, "overrun"));
    }

    [Fact]
    public async Task Whoever_answers_more_than_its_limit_without_a_stream_is_not_believed_either()
    {
        await using var pipeline = Strict(o => o.Budgets.Add(Budget.Daily(1m)));
        pipeline.Provider.Usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = 5_000 };
        await pipeline.Client.GetResponseAsync("first", new ChatOptions { MaxOutputTokens = 4_000 });
        var produced = Endless(pipeline, "word ");

        await AskAsync(pipeline, "second", 4_000);

        Assert.True(produced.Count < 4_000 / 5);
    }

    [Fact]
    public async Task A_tool_call_counts_towards_the_hold()
    {
        await using var pipeline = Strict(o => o.Budgets.Add(Budget.Daily(1m)));
        var produced = new List<string>();
        pipeline.Provider.Stream = (_, _, cancellation) => Calls(produced, cancellation);

        Assert.Equal(ChatFinishReason.Length, (await AskAsync(pipeline)).FinishReason);
        Assert.True(produced.Count < 1_000);
    }

    [Fact]
    public async Task A_budget_for_each_call_cuts_too()
    {
        await using var pipeline = Strict(o => o.Budgets.Add(Budget.PerCall(0.01m)));
        Endless(pipeline, "word ");
        Assert.Equal(ChatFinishReason.Length, (await AskAsync(pipeline)).FinishReason);
    }

    [Theory]
    [InlineData(BudgetMode.Balanced)]
    [InlineData(BudgetMode.Warn)]
    public async Task Only_strict_budgets_cut(BudgetMode mode)
    {
        await using var pipeline = Strict(o => o.Budgets.Add(mode == BudgetMode.Warn ? Budget.Daily(1m).Warn() : Budget.Daily(1m).Balanced()));
        pipeline.Provider.Stream = (_, _, cancellation) => Words("word ", 5 * Limit, new List<string>(), finish: true, cancellation);
        Assert.Equal(ChatFinishReason.Stop, (await AskAsync(pipeline)).FinishReason);
    }

    [Fact]
    public async Task An_answer_that_was_cut_is_not_cached()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(1m)));
        Endless(pipeline, "word ");
        await AskAsync(pipeline);
        await AskAsync(pipeline);
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task The_upper_end_of_a_stream_that_broke_its_limit_is_not_that_limit()
    {
        // Nobody cuts it, and it reports no usage: what was received is more than the limit allows, so the limit bounds nothing.
        await using var pipeline = Strict(_ => { });
        pipeline.Provider.Stream = (_, _, cancellation) => Words("word ", 5 * Limit, new List<string>(), finish: true, cancellation);
        var cost = (await AskAsync(pipeline)).GetCost();
        Assert.True(cost.High >= Money.FromUsd(0.6m * 5 * Limit / 1_000_000m), $"{cost.High}");
    }

    [Fact]
    public void Words_and_what_joins_them_are_counted_as_no_encoding_can_count_less()
    {
        Assert.Equal(0, LeastTokens.Of([]));
        Assert.Equal(2, LeastTokens.Of([new TextContent("Don't sto"), new TextContent("p!")]));
        Assert.Equal(4, LeastTokens.Of([new TextContent(new string('x', 500))]));
        Assert.Equal(3, LeastTokens.Of([new TextReasoningContent("a"), new TextContent(" b.c")]));
    }

    [Fact]
    public void The_least_is_never_more_than_a_public_encoding_counts() =>
        CsCheck.Check.Sample(CsCheck.Gen.String, text => LeastTokens.Of([new TextContent(text)]) <= TokenCounter.Count("o200k_base", text), iter: 500);

    [Theory]
    [InlineData("https://www.example.com/a/b?c=d&e=f#g")]
    [InlineData("public static async Task<int> RunAsync(string home, int i) => await x.y_z(i++);")]
    [InlineData("I'm sure they'd've said it's 12,345.67 € — \u201cwasn\u2019t it?\u201d")]
    [InlineData("Das Straßenbahnhaltestellenschild, naïve café, e\u0301, İstanbul 3.14159265358979")]
    [InlineData("我们今天去北京大学看朋友。日本語のテキストも、もちろん。 안녕하세요 세계")]
    [InlineData("{\"name\": \"value\", \"list\": [1, 2, 3], \"nested\": {\"a\": null}}")]
    public void Nor_for_the_texts_that_models_write(string text)
    {
        foreach (var encoding in new[] { "o200k_base", "cl100k_base" })
        {
            Assert.True(LeastTokens.Of([new TextContent(text)]) <= TokenCounter.Count(encoding, text), encoding);
        }
    }

    private static Pipeline Strict(Action<LlmCostsOptions> configure) => new(configure, static (builder, costs) => builder.UseBudget(costs));

    private static Task<ChatResponse> AskAsync(Pipeline pipeline, string question = "Hi", int limit = Limit) =>
        pipeline.Client.GetStreamingResponseAsync(question, new ChatOptions { MaxOutputTokens = limit }).ToChatResponseAsync();

    /// <summary>A provider that goes on until it is left; the list grows with what it has produced.</summary>
    private static List<string> Endless(Pipeline pipeline, string word)
    {
        var produced = new List<string>();
        pipeline.Provider.Stream = (_, _, cancellation) => Words(word, 50_000, produced, finish: false, cancellation);
        return produced;
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> Words(string word, int count, List<string> produced, bool finish, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            produced.Add(word);
            yield return new ChatResponseUpdate(ChatRole.Assistant, word) { MessageId = "m1", ResponseId = "r1", ModelId = "gpt-4o-mini" };
        }

        await Task.CompletedTask;
        if (finish)
        {
            yield return new ChatResponseUpdate { MessageId = "m1", ResponseId = "r1", FinishReason = ChatFinishReason.Stop };
        }
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> Calls(List<string> produced, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < 1_000; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            produced.Add("call");
            var call = new FunctionCallContent($"c{i}", "look_up", new Dictionary<string, object?> { ["text"] = new string('x', 2_000) });
            yield return new ChatResponseUpdate(ChatRole.Assistant, [call]) { MessageId = "m1", ResponseId = "r1", ModelId = "gpt-4o-mini" };
        }

        await Task.CompletedTask;
    }
}
