using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Answers that are made in the background and fetched later. gpt-4o-mini: 1,000 in and 500 out cost $0.00045.</summary>
public class BackgroundAnswerTests
{
    private static readonly Money s_price = Money.FromUsd(0.00045m);
    private static readonly ResponseContinuationToken s_token = ResponseContinuationToken.FromBytes("""{"responseId":"resp_1"}"""u8.ToArray());

    [Fact]
    public async Task An_answer_that_is_polled_until_it_is_there_and_five_times_more_is_one_row()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), provider: Provider(readyAfter: 3));
        var begun = await pipeline.Client.GetResponseAsync("Hi");
        var high = begun.GetCost().High;
        Assert.Equal(CostCertainty.Bounded, begun.GetCost().Certainty);
        Assert.True(high >= s_price);

        List<CallCost> costs = [];
        for (var i = 0; i < 8; i++)
        {
            costs.Add((await pipeline.Client.GetResponseAsync([], new ChatOptions { ContinuationToken = s_token })).GetCost());
        }

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal((s_price, CostCertainty.Known, "provider"), (row.Cost.Amount, row.Cost.Certainty, row.UsageSource));
        Assert.Equal(s_price, Assert.Single(costs, cost => cost.Amount > Money.Zero).Amount);
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal((s_price, Money.Zero), (balance.Spent, balance.Reserved));
    }

    [Fact]
    public async Task An_answer_that_another_process_began_is_recorded_when_it_is_fetched_and_once()
    {
        await using var pipeline = new Pipeline(provider: Provider(readyAfter: 0));
        for (var i = 0; i < 3; i++)
        {
            await pipeline.Client.GetResponseAsync([], new ChatOptions { ContinuationToken = s_token });
        }

        Assert.Equal(s_price, Assert.Single(await pipeline.RowsAsync()).Cost.Amount);
    }

    [Fact]
    public async Task Answers_of_two_providers_with_the_same_id_are_two_rows_and_each_is_settled_by_its_own()
    {
        await using var pipeline = new Pipeline(provider: Provider(readyAfter: 1));
        var other = Provider(readyAfter: 1, new("gpt-4o-mini", "openai", "https://gateway.example.org/v1"));
        using var client = other.AsBuilder().UseCostCache(pipeline.Costs).Build();
        await pipeline.Client.GetResponseAsync("Hi");
        await client.GetResponseAsync("Hi there");
        await client.GetResponseAsync([], new ChatOptions { ContinuationToken = s_token });

        var rows = await pipeline.RowsAsync();
        Assert.Equal(["resp_1", "resp_1"], rows.Select(row => row.ResponseId));
        Assert.Equal([CostCertainty.Bounded, CostCertainty.Known], rows.OrderBy(row => row.At).Select(row => row.Cost.Certainty));
    }

    [Fact]
    public async Task A_poll_that_fails_costs_nothing_and_holds_nothing()
    {
        var provider = Provider(readyAfter: 3);
        provider.Answer = (_, _, _) => throw new HttpRequestException("broken", null, System.Net.HttpStatusCode.InternalServerError);
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), provider: provider);
        await Assert.ThrowsAsync<HttpRequestException>(() => pipeline.Client.GetResponseAsync([], new ChatOptions { ContinuationToken = s_token }));

        Assert.Empty(await pipeline.RowsAsync());
        Assert.Equal(Money.Zero, Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Reserved);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_can_be_fetched_when_what_is_booked_for_it_has_used_the_budget_up(bool streamed)
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0006m)), provider: Provider(readyAfter: 1));
        var begun = await pipeline.Client.GetResponseAsync("Hi");
        Assert.True(begun.GetCost().High > Money.FromUsd(0.0003m));
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Another question"));

        var options = new ChatOptions { ContinuationToken = s_token };
        var fetched = streamed ? await pipeline.Client.GetStreamingResponseAsync([], options).ToChatResponseAsync() : await pipeline.Client.GetResponseAsync([], options);
        Assert.Equal("Hello", fetched.Text);
        Assert.Null(pipeline.Provider.Calls[^1].Options?.MaxOutputTokens);
        Assert.Equal(s_price, Assert.Single(await pipeline.RowsAsync(), row => row.Status != CallStatus.Blocked).Cost.Amount);
    }

    [Theory]
    [InlineData("{\"responseId\":\"resp_2\"}")]
    [InlineData("not JSON")]
    [InlineData("")]
    public async Task A_token_of_an_answer_that_was_not_begun_here_is_held_as_any_request(string token)
    {
        // Most adapters pass over a token, and then it is a new request, which is billed.
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0006m)), provider: Provider(readyAfter: 1));
        await pipeline.Client.GetResponseAsync("Hi");
        var options = new ChatOptions { ContinuationToken = ResponseContinuationToken.FromBytes(System.Text.Encoding.UTF8.GetBytes(token)) };
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Another question", options));
        Assert.Single(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_round_of_functions_that_follows_a_fetched_answer_is_held()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0006m)),
            static (builder, costs) => builder.UseBudget(costs).UseFunctionInvocation().UseUsageMetering(costs), Provider(readyAfter: 1));
        var answer = pipeline.Provider.Answer!;
        pipeline.Provider.Answer = async (messages, options, number) =>
        {
            var response = await answer(messages, options, number);
            if (number == 2)
            {
                response.Messages = [new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("call_1", "now")])];
            }

            return response;
        };
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(static () => "noon", "now")] };
        await pipeline.Client.GetResponseAsync("Hi", options);

        options.ContinuationToken = s_token;
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Another question", options));
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task An_answer_whose_beginning_still_waits_beside_the_ledger_reaches_its_caller()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), provider: Provider(readyAfter: 1));
        var (ledger, away) = (Path.Combine(pipeline.Home, "ledger.db"), Path.Combine(pipeline.Home, "ledger.away"));
        var answer = pipeline.Provider.Answer!;
        pipeline.Provider.Answer = (messages, options, number) =>
        {
            if (number == 1)
            {
                File.Move(ledger, away);
            }

            return answer(messages, options, number);
        };
        await pipeline.Client.GetResponseAsync("Hi");
        File.Move(away, ledger);

        var fetched = await pipeline.Client.GetResponseAsync([], new ChatOptions { ContinuationToken = s_token });
        Assert.Equal("Hello", fetched.Text);
        await pipeline.Costs.FlushAsync();
        await pipeline.Client.GetResponseAsync([], new ChatOptions { ContinuationToken = s_token });
        Assert.Equal(s_price, Assert.Single(await pipeline.RowsAsync()).Cost.Amount);
    }

    private static FakeChatClient Provider(int readyAfter, FakeChatClient? client = null)
    {
        var provider = client ?? new FakeChatClient();
        provider.Answer = (_, options, number) =>
        {
            var response = provider.DefaultAnswer(options, "Hello");
            response.ResponseId = "resp_1";
            if (number <= readyAfter)
            {
                response.Messages.Clear();
                (response.Usage, response.FinishReason, response.ContinuationToken) = (null, null, s_token);
            }

            return Task.FromResult(response);
        };
        return provider;
    }
}
