using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Callers that leave early, over HTTP with the OpenAI SDK: what the provider may have produced is booked, once, and nothing stays held.</summary>
public class AbandonedCallTests
{
    private const string Text = "one two three four five six seven eight";

    private static readonly ScriptedReply s_stream = ScriptedReply.Events(OpenAIWire.Stream(OpenAIWire.Usage(), Text));

    [Fact]
    public async Task A_stream_that_is_left_after_any_piece_is_one_incomplete_row_and_costs_more_the_later_it_is_left()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, s_stream);
        var pieces = OpenAIWire.Words(Text).Count() + 1;
        for (var k = 1; k <= pieces; k++)
        {
            var seen = 0;
            await foreach (var _ in pipeline.Client.GetStreamingResponseAsync("Hi"))
            {
                if (++seen == k)
                {
                    break;
                }
            }
        }

        var rows = await pipeline.RowsAsync();
        Assert.Equal(pieces, rows.Count);
        Assert.Equal(pieces, pipeline.Endpoint.Requests.Count);
        Assert.All(rows, row => Assert.Equal((CallStatus.Incomplete, CostCertainty.Bounded, "tokenizer"), (row.Status, row.Cost.Certainty, row.UsageSource)));
        Assert.All(rows, row => Assert.InRange(row.Cost.Low, Money.FromNanos(1), row.Cost.High));
        Assert.All(rows.Zip(rows.Skip(1)), pair => Assert.True(pair.Second.Cost.Low >= pair.First.Cost.Low));
        Assert.True(rows[^1].Cost.Low > rows[0].Cost.Low);
        await pipeline.AssertSettledAsync(rows.Aggregate(Money.Zero, (sum, row) => sum + row.Cost.High));
    }

    [Theory]
    [InlineData("chat")]
    [InlineData("responses")]
    [InlineData("anthropic")]
    public async Task A_stream_that_is_left_while_the_arguments_of_a_function_are_written_costs_at_least_what_was_written(string api)
    {
        // Adapters hand a function call on when it is whole; until then its pieces go by without content. Fifty pieces of eighty words each.
        var piece = string.Concat(Enumerable.Repeat("word ", 80));
        IEnumerable<string> events = api switch
        {
            "chat" =>
            [
                ToolChunk("""{"index":0,"id":"t1","type":"function","function":{"name":"write","arguments":"{\"text\":\""}}"""),
                .. Enumerable.Repeat(ToolChunk($$$"""{"index":0,"function":{"arguments":"{{{piece}}}"}}"""), 50),
                ToolChunk("""{"index":0,"function":{"arguments":"\"}"}}"""),
                OpenAIWire.Chunk(null, "tool_calls"), OpenAIWire.UsageChunk(OpenAIWire.Usage()), OpenAIWire.Done,
            ],
            "responses" =>
            [
                $$$"""{"type":"response.created","sequence_number":0,"response":{{{OpenAIWire.Response(null, "", "in_progress")}}}}""",
                """{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"fc_1","type":"function_call","status":"in_progress","call_id":"t1","name":"write","arguments":""}}""",
                .. Enumerable.Range(2, 50).Select(number => $$$"""{"type":"response.function_call_arguments.delta","sequence_number":{{{number}}},"item_id":"fc_1","output_index":0,"delta":"{{{piece}}}"}"""),
                $$$"""{"type":"response.completed","sequence_number":52,"response":{{{OpenAIWire.Response(OpenAIWire.ResponseUsage(), "")}}}}""",
            ],
            _ =>
            [
                AnthropicWire.Start(AnthropicWire.Usage(output: 1)),
                """{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t1","name":"write","input":{}}}""",
                .. Enumerable.Repeat($$$"""{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{{{piece}}}"}}""", 50),
                AnthropicWire.BlockStop, AnthropicWire.MessageDelta("""{"output_tokens":4000}""", "tool_use"), AnthropicWire.MessageStop,
            ],
        };
        await using var pipeline = await ProviderPipeline.StartAsync(
            api switch { "chat" => ProviderSdk.OpenAIChat, "responses" => ProviderSdk.OpenAIResponses, _ => ProviderSdk.Anthropic },
            api == "chat" ? ScriptedReply.Events(events) : ScriptedReply.NamedEvents(events));
        var seen = 0;
        await foreach (var _ in pipeline.Client.GetStreamingResponseAsync("Hi", new ChatOptions { Tools = [AIFunctionFactory.Create((string text) => text, "write")] }))
        {
            if (++seen == 42)
            {
                break;
            }
        }

        // Forty pieces have been written at least: 3,200 tokens at $0.60 (Anthropic: $15) per million.
        var row = await pipeline.RowAsync();
        Assert.Equal((CallStatus.Incomplete, CostCertainty.Bounded), (row.Status, row.Cost.Certainty));
        Assert.True(row.Cost.High >= Money.FromUsd(3_200 * (api == "anthropic" ? 15m : 0.6m) / 1_000_000m), row.Cost.High.ToString());

        static string ToolChunk(string call) =>
            $$$"""{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"{{{OpenAIWire.Model}}}","choices":[{"index":0,"delta":{"tool_calls":[{{{call}}}]},"logprobs":null,"finish_reason":null}],"usage":null}""";
    }

    [Fact]
    public async Task A_stream_that_is_left_after_its_usage_is_priced_exactly()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, s_stream);
        await foreach (var update in pipeline.Client.GetStreamingResponseAsync("Hi"))
        {
            if (update.Contents.OfType<UsageContent>().Any())
            {
                break;
            }
        }

        var row = await pipeline.RowAsync();
        Assert.Equal((CallStatus.Ok, Money.FromUsd(0.000045m)), (row.Status, row.Cost.Amount));
    }

    [Fact]
    public async Task A_stream_that_nobody_reads_sends_nothing_and_holds_nothing()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, s_stream);
        _ = pipeline.Client.GetStreamingResponseAsync("Hi");
        await using (pipeline.Client.GetStreamingResponseAsync("Hi").GetAsyncEnumerator())
        {
        }

        Assert.Empty(await pipeline.RowsAsync());
        Assert.Empty(pipeline.Endpoint.Requests);
        await pipeline.AssertSettledAsync(Money.Zero);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_that_is_read_twice_is_two_calls(bool cached)
    {
        await using var pipeline = await ProviderPipeline.BuildAsync(ProviderSdk.OpenAIChat, cached ? null : static (builder, costs) => builder.UseBudget(costs), null, s_stream);
        var stream = pipeline.Client.GetStreamingResponseAsync("Hi");
        await stream.ToListAsync();
        await stream.ToListAsync();

        Assert.Equal(cached ? [CallStatus.Ok, CallStatus.Cached] : [CallStatus.Ok, CallStatus.Ok], (await pipeline.RowsAsync()).Select(row => row.Status));
        Assert.Equal(cached ? 1 : 2, pipeline.Endpoint.Requests.Count);
    }

    [Fact]
    public async Task An_exception_of_the_reader_reaches_it_unchanged_and_the_row_is_written()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, s_stream);
        var mine = new InvalidDataException("mine");
        var thrown = await Assert.ThrowsAsync<InvalidDataException>(async () =>
        {
            await foreach (var _ in pipeline.Client.GetStreamingResponseAsync("Hi"))
            {
                throw mine;
            }
        });

        Assert.Same(mine, thrown);
        Assert.Equal(CallStatus.Incomplete, (await pipeline.RowAsync()).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_call_that_was_cancelled_before_it_was_sent_leaves_nothing(bool streamed)
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, s_stream);
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => AskAsync(pipeline.Client, streamed, cancelled));

        Assert.Empty(await pipeline.RowsAsync());
        Assert.Empty(pipeline.Endpoint.Requests);
        await pipeline.AssertSettledAsync(Money.Zero);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_call_that_was_cancelled_after_it_was_sent_is_assumed_to_be_billed(bool streamed)
    {
        using var cancel = new CancellationTokenSource();
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Silence);
        var call = AskAsync(pipeline.Client, streamed, cancel.Token);
        await pipeline.Endpoint.ReceivedAsync(1);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);

        var row = await pipeline.RowAsync();
        Assert.Equal((CallStatus.Assumed, CostCertainty.Bounded), (row.Status, row.Cost.Certainty));
        Assert.True(row.Cost.High > Money.Zero);
    }

    [Fact]
    public async Task A_stream_that_was_cancelled_after_its_first_piece_is_incomplete()
    {
        using var cancel = new CancellationTokenSource();
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, s_stream.SilentAfter(2));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in pipeline.Client.GetStreamingResponseAsync("Hi", cancellationToken: cancel.Token))
            {
                await cancel.CancelAsync();
            }
        });

        Assert.Equal((CallStatus.Incomplete, CostCertainty.Bounded), ((await pipeline.RowAsync()).Status, (await pipeline.RowAsync()).Cost.Certainty));
    }

    private static async Task AskAsync(IChatClient client, bool streamed, CancellationToken cancellationToken)
    {
        if (streamed)
        {
            await client.GetStreamingResponseAsync("Hi", cancellationToken: cancellationToken).ToListAsync(CancellationToken.None);
        }
        else
        {
            await client.GetResponseAsync("Hi", cancellationToken: cancellationToken);
        }
    }
}
