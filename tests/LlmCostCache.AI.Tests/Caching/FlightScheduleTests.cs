using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Callers of one question that come, go and fail in any order.</summary>
public class FlightScheduleTests
{
    private const string Answer = "the whole answer, in several pieces";

    [Fact]
    public async Task Whatever_happens_everybody_gets_the_whole_answer_or_an_error_of_its_own()
    {
        for (var seed = 0; seed < (TestSize.IsCi ? 400 : 40); seed++)
            await RunAsync(seed);
    }

    private static async Task RunAsync(int seed)
    {
        var random = new Random(seed);
        var pieces = random.Next(1, 6);
        var failing = random.Next(0, 3);
        await using var pipeline = new Pipeline(o => o.DiskCacheBytes = 0, (builder, costs) => builder.UseCostCache(costs));
        pipeline.Provider.Stream = (_, _, token) => StreamAsync(pipeline.Provider, pieces, failing, random.Next(), token);
        pipeline.Provider.Answer = async (_, options, number) =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(number % 7));
            return number <= failing ? throw new HttpRequestException("down") : pipeline.Provider.DefaultAnswer(options, Answer);
        };
        var plans = Enumerable.Range(0, 12).Select(_ => (Streams: random.Next(3) > 0, ComesAfterMs: random.Next(0, 12), LeavesAfterMs: random.Next(4) == 0 ? random.Next(1, 12) : -1, IsSlow: random.Next(4) == 0)).ToList();

        var outcomes = await Task.WhenAll(plans.Select(plan => Task.Run(() => CallAsync(pipeline.Client, plan.Streams, plan.ComesAfterMs, plan.LeavesAfterMs, plan.IsSlow))))
            .WaitAsync(TimeSpan.FromMinutes(1));

        for (var i = 0; i < outcomes.Length; i++)
        {
            var (text, error) = outcomes[i];
            var isFine = error switch
            {
                null => text == Answer,
                OperationCanceledException => plans[i].LeavesAfterMs >= 0,
                HttpRequestException or IOException => failing > 0,
                _ => false,
            };
            Assert.True(isFine, $"seed {seed}, caller {i} ({plans[i]}): '{text}' {error}");
        }

        // Each caller may lead once; nobody asks twice.
        Assert.InRange(pipeline.Provider.Calls.Count, 1, plans.Count);
        var rows = await pipeline.RowsAsync();
        Assert.True(rows.Count(row => row.Status == CallStatus.Ok) <= pipeline.Provider.Calls.Count, $"seed {seed}");
    }

    private static async Task<(string Text, Exception? Error)> CallAsync(IChatClient client, bool streams, int comesAfterMs, int leavesAfterMs, bool isSlow)
    {
        var text = "";
        using var stop = new CancellationTokenSource();
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(comesAfterMs));
            if (leavesAfterMs >= 0)
                stop.CancelAfter(TimeSpan.FromMilliseconds(leavesAfterMs));

            if (!streams)
                return ((await client.GetResponseAsync("Q", cancellationToken: stop.Token)).Text, null);

            await foreach (var update in client.GetStreamingResponseAsync("Q", cancellationToken: stop.Token))
            {
                text += update.Text;
                if (isSlow)
                    await Task.Delay(TimeSpan.FromMilliseconds(3));
            }

            return (text, null);
        }
        catch (Exception exception)
        {
            return (text, exception);
        }
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(FakeChatClient provider, int pieces, int failing, int seed, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var random = new Random(seed);
        var fails = provider.Calls.Count <= failing ? random.Next(0, pieces + 1) : -1;
        for (var i = 0; i < pieces; i++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(0, 4)), cancellationToken);
            if (i == fails)
                throw new HttpRequestException("broken");

            var (from, to) = (i * Answer.Length / pieces, (i + 1) * Answer.Length / pieces);
            yield return new ChatResponseUpdate(ChatRole.Assistant, Answer[from..to]) { MessageId = "m", ResponseId = "r", ModelId = "gpt-4o-mini" };
        }

        if (fails == pieces)
            throw new HttpRequestException("broken");

        yield return new ChatResponseUpdate { MessageId = "m", ResponseId = "r", ModelId = "gpt-4o-mini", FinishReason = ChatFinishReason.Stop, Contents = [new UsageContent(new UsageDetails { InputTokenCount = 10, OutputTokenCount = 5 })] };
    }
}
