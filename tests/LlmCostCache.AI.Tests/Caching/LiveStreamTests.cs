using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI.Tests;

/// <summary>Streams that several read while they come.</summary>
[Trait("Pace", "Machine")]
public class LiveStreamTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    // gpt-4o-mini: $0.15 in, $0.60 out per million; 1,000 in and 500 out.
    private static readonly Money s_price = Money.FromUsd(0.00045m);

    /// <summary>A provider whose streams come piece by piece, as the test says.</summary>
    private sealed class Script
    {
        private readonly List<Channel<Func<ChatResponseUpdate?>>> _calls = [];

        public Script(Pipeline pipeline) => pipeline.Provider.Stream = Stream;

        public int Calls { get; private set; }

        public CancellationToken Stop { get; private set; }

        public Task SayAsync(string text, int call = 1) => Add(call, () => Piece(text));

        public Task FailAsync(Exception error, int call = 1) => Add(call, () => throw error);

        public Task FinishAsync(int call = 1, ChatFinishReason? reason = null)
        {
            Add(call, () => new ChatResponseUpdate { MessageId = "m1", ResponseId = "r1", ModelId = "gpt-4o-mini", FinishReason = reason ?? ChatFinishReason.Stop });
            Add(call, () => new ChatResponseUpdate
            {
                MessageId = "m1",
                ResponseId = "r1",
                ModelId = "gpt-4o-mini",
                ConversationId = "conversation of the leader",
                Contents = [new UsageContent(new UsageDetails { InputTokenCount = 1_000, OutputTokenCount = 500, TotalTokenCount = 1_500 })],
            });
            return Add(call, () => null);
        }

        private Channel<Func<ChatResponseUpdate?>> Of(int call)
        {
            lock (_calls)
            {
                while (_calls.Count < call)
                    _calls.Add(Channel.CreateUnbounded<Func<ChatResponseUpdate?>>());

                return _calls[call - 1];
            }
        }

        private Task Add(int call, Func<ChatResponseUpdate?> update)
        {
            Of(call).Writer.TryWrite(update);
            return Task.CompletedTask;
        }

        private async IAsyncEnumerable<ChatResponseUpdate> Stream(IReadOnlyList<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            Channel<Func<ChatResponseUpdate?>> channel;
            Stop = cancellationToken;
            lock (_calls)
            {
                channel = Of(++Calls);
            }

            while ((await channel.Reader.ReadAsync(cancellationToken))() is { } update)
                yield return update;
        }
    }

    private static ChatResponseUpdate Piece(string text) => new(ChatRole.Assistant, text) { MessageId = "m1", ResponseId = "r1", ModelId = "gpt-4o-mini" };

    private static IAsyncEnumerator<ChatResponseUpdate> Read(Pipeline pipeline, CancellationToken cancellationToken = default) =>
        pipeline.Client.GetStreamingResponseAsync("Hello", cancellationToken: cancellationToken).GetAsyncEnumerator(cancellationToken);

    private static async Task<string> NextAsync(IAsyncEnumerator<ChatResponseUpdate> reader)
    {
        Assert.True(await reader.MoveNextAsync().AsTask().WaitAsync(s_patience));
        return reader.Current.Text;
    }

    private static async Task<List<ChatResponseUpdate>> RestAsync(IAsyncEnumerator<ChatResponseUpdate> reader)
    {
        var rest = new List<ChatResponseUpdate>();
        while (await reader.MoveNextAsync().AsTask().WaitAsync(s_patience))
            rest.Add(reader.Current);

        await reader.DisposeAsync();
        return rest;
    }

    [Fact]
    public async Task A_follower_reads_the_stream_from_its_beginning_while_it_comes()
    {
        await using var pipeline = new Pipeline();
        var script = new Script(pipeline);
        await using var leader = Read(pipeline);
        await script.SayAsync("one ");
        Assert.Equal("one ", await NextAsync(leader));
        await using var follower = Read(pipeline);
        Assert.Equal("one ", await NextAsync(follower));
        await script.SayAsync("two");
        Assert.Equal("two", await NextAsync(follower));
        Assert.Equal("two", await NextAsync(leader));
        await script.FinishAsync();

        var (led, followed) = (await RestAsync(leader), await RestAsync(follower));

        Assert.Equal(1, script.Calls);
        Assert.Equal(s_price, led[^1].GetCost().Amount);
        var cost = followed[^1].GetCost();
        Assert.Equal(Money.Zero, cost.Amount);
        Assert.Equal(s_price, cost.Saved);
        Assert.Equal(CacheLayer.Coalesced, cost.CacheLayer);
        Assert.DoesNotContain(followed, update => update.ConversationId is not null || update.RawRepresentation is not null);
        Assert.DoesNotContain(followed.SelectMany(update => update.Contents), content => content is UsageContent);
        Assert.Equal(ChatFinishReason.Stop, followed.ToChatResponse().FinishReason);
        var rows = await pipeline.RowsAsync();
        Assert.Equal([CallStatus.Coalesced, CallStatus.Ok], rows.Select(row => row.Status).OrderBy(status => status.ToString()));
        Assert.Equal(s_price, Assert.Single(rows, row => row.Status == CallStatus.Coalesced).Cost.Saved);
    }

    [Fact]
    public async Task Each_reader_gets_pieces_of_its_own()
    {
        await using var pipeline = new Pipeline();
        var script = new Script(pipeline);
        await using var leader = Read(pipeline);
        await script.SayAsync("one");
        await NextAsync(leader);
        ((TextContent)leader.Current.Contents[0]).Text = "changed by the leader";
        await using var follower = Read(pipeline);
        Assert.Equal("one", await NextAsync(follower));
        ((TextContent)follower.Current.Contents[0]).Text = "changed by a follower";
        await using var other = Read(pipeline);
        Assert.Equal("one", await NextAsync(other));
        await script.FinishAsync();
        await RestAsync(leader);

        Assert.Equal("one", (await pipeline.Client.GetResponseAsync("Hello")).Text);
    }

    [Fact]
    public async Task A_leader_that_reads_no_further_keeps_nobody_waiting()
    {
        await using var pipeline = new Pipeline();
        var script = new Script(pipeline);
        await using var leader = Read(pipeline);
        await script.SayAsync("one ");
        await NextAsync(leader);
        var streamed = RestAsync(Read(pipeline));
        var whole = pipeline.Client.GetResponseAsync("Hello");
        await script.SayAsync("two");
        await script.FinishAsync();

        Assert.Equal("one two", (await streamed).ToChatResponse().Text);
        Assert.Equal("one two", (await whole.WaitAsync(s_patience)).Text);
        Assert.Equal(1, script.Calls);
        Assert.Equal("two", (await RestAsync(leader)).ToChatResponse().Text);
    }

    [Fact]
    public async Task A_leader_that_leaves_or_is_cancelled_leaves_the_stream_to_those_who_follow()
    {
        await using var pipeline = new Pipeline();
        var script = new Script(pipeline);
        using var stop = new CancellationTokenSource();
        var leader = Read(pipeline, stop.Token);
        await script.SayAsync("one ");
        await NextAsync(leader);
        await using var follower = Read(pipeline);
        await NextAsync(follower);
        var waiting = leader.MoveNextAsync().AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(s_patience));
        await leader.DisposeAsync();

        await script.SayAsync("two");
        await script.FinishAsync();

        Assert.Equal("two", (await RestAsync(follower)).ToChatResponse().Text);
        var rows = await pipeline.RowsAsync();
        Assert.Equal([CallStatus.Coalesced, CallStatus.Ok], rows.Select(row => row.Status).OrderBy(status => status.ToString()));

        // The answer was read to its end: it is stored.
        Assert.Equal("one two", (await pipeline.Client.GetResponseAsync("Hello")).Text);
        Assert.Equal(1, script.Calls);
    }

    [Fact]
    public async Task The_last_reader_that_leaves_closes_the_stream_and_a_piece_of_an_answer_is_not_stored()
    {
        await using var pipeline = new Pipeline();
        var script = new Script(pipeline);
        var leader = Read(pipeline);
        await script.SayAsync("one ");
        await NextAsync(leader);
        var follower = Read(pipeline);
        await NextAsync(follower);
        await leader.DisposeAsync();
        Assert.False(script.Stop.IsCancellationRequested);

        await follower.DisposeAsync();

        Assert.True(script.Stop.IsCancellationRequested);
        Assert.Equal([CallStatus.Coalesced, CallStatus.Incomplete], (await pipeline.RowsAsync()).Select(row => row.Status).OrderBy(status => status.ToString()));
        await using var next = Read(pipeline);
        await script.SayAsync("anew", call: 2);
        Assert.Equal("anew", await NextAsync(next));
    }

    [Fact]
    public async Task A_leader_that_fails_before_its_first_piece_hands_over_to_one_of_the_others()
    {
        await using var pipeline = new Pipeline();
        var script = new Script(pipeline);
        var leader = RestAsync(Read(pipeline));
        while (script.Calls == 0)
            await Task.Delay(TimeSpan.FromMilliseconds(5));

        var followers = Enumerable.Range(0, 5).Select(_ => RestAsync(Read(pipeline))).ToList();
        var whole = pipeline.Client.GetResponseAsync("Hello");
        pipeline.Provider.Answer = (_, options, _) => Task.FromResult(pipeline.Provider.DefaultAnswer(options, "two"));
        pipeline.Provider.Stream = null;
        await script.FailAsync(new HttpRequestException("down"));

        await Assert.ThrowsAsync<HttpRequestException>(() => leader);
        foreach (var follower in followers)
            Assert.Equal("two", (await follower).ToChatResponse().Text);

        Assert.Equal("two", (await whole.WaitAsync(s_patience)).Text);
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_provider_that_is_down_is_asked_twice_and_not_once_for_each_who_waits(bool streamed)
    {
        var clock = new WatchedClock(BoughtAnswer.Noon);
        await using var pipeline = new Pipeline(o => o.TimeProvider = clock);
        var (first, later) = (new TaskCompletionSource(), new TaskCompletionSource());
        pipeline.Provider.Answer = async (_, _, number) =>
        {
            await (number == 1 ? first : later).Task;
            throw new HttpRequestException("down");
        };

        // On this thread, so that all of them wait for the first call before it fails.
        var callers = Enumerable.Range(0, 50).Select(_ => streamed
            ? pipeline.Client.GetStreamingResponseAsync("Hello").ToChatResponseAsync()
            : pipeline.Client.GetResponseAsync("Hello")).ToList();
        await CallsAsync(1);
        first.SetResult();
        await CallsAsync(2);
        // All of those who still wait now wait for the second call.
        await clock.WaitingAsync(CacheFlight.Patience, 49 + 48);
        later.SetResult();

        foreach (var caller in callers)
            await Assert.ThrowsAsync<HttpRequestException>(() => caller.WaitAsync(s_patience));

        Assert.Equal(2, pipeline.Provider.Calls.Count);

        async Task CallsAsync(int count)
        {
            while (pipeline.Provider.Calls.Count < count)
                await Task.Delay(TimeSpan.FromMilliseconds(5));
        }
    }

    [Fact]
    public async Task A_stream_that_breaks_breaks_for_all_who_have_seen_a_part_of_it_and_the_others_ask_again()
    {
        await using var pipeline = new Pipeline();
        var script = new Script(pipeline);
        await using var leader = Read(pipeline);
        await script.SayAsync("one");
        await NextAsync(leader);
        await using var follower = Read(pipeline);
        await NextAsync(follower);
        var whole = pipeline.Client.GetResponseAsync("Hello");
        await Task.Delay(TimeSpan.FromMilliseconds(50));
        pipeline.Provider.Stream = null;
        await script.FailAsync(new IOException("gone"));

        await Assert.ThrowsAsync<IOException>(() => leader.MoveNextAsync().AsTask().WaitAsync(s_patience));
        await Assert.ThrowsAsync<IOException>(() => follower.MoveNextAsync().AsTask().WaitAsync(s_patience));
        Assert.Equal("answer 2", (await whole.WaitAsync(s_patience)).Text);
    }

    [Fact]
    public async Task An_answer_with_tools_in_play_is_not_read_along_because_it_may_become_a_call()
    {
        await using var pipeline = new Pipeline();
        var script = new Script(pipeline);
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(() => "noon", "now")] };
        await using var leader = pipeline.Client.GetStreamingResponseAsync("Hello", options).GetAsyncEnumerator();
        await script.SayAsync("one");
        await NextAsync(leader);
        await using var follower = pipeline.Client.GetStreamingResponseAsync("Hello", options).GetAsyncEnumerator();
        var waiting = follower.MoveNextAsync().AsTask();
        await Task.Delay(TimeSpan.FromMilliseconds(50));
        Assert.False(waiting.IsCompleted);
        await script.FinishAsync();

        Assert.True(await waiting.WaitAsync(s_patience));
        Assert.Equal("one", follower.Current.Text);
        Assert.Equal(1, script.Calls);
    }

    [Fact]
    public async Task Who_reads_along_gets_a_cut_answer_to_its_end_and_who_does_not_asks_for_itself()
    {
        await using var pipeline = new Pipeline();
        var script = new Script(pipeline);
        await using var leader = Read(pipeline);
        await script.SayAsync("cut");
        await NextAsync(leader);
        await using var follower = Read(pipeline);
        await NextAsync(follower);
        var whole = pipeline.Client.GetResponseAsync("Hello");
        await Task.Delay(TimeSpan.FromMilliseconds(50));
        pipeline.Provider.Stream = null;
        await script.FinishAsync(reason: ChatFinishReason.Length);

        var followed = (await RestAsync(follower)).ToChatResponse();

        Assert.Equal(ChatFinishReason.Length, followed.FinishReason);
        Assert.Equal(s_price, followed.GetCost().Saved);
        Assert.Equal("answer 2", (await whole.WaitAsync(s_patience)).Text);
        Assert.Contains("length", (await RestAsync(leader))[^1].GetCost().CacheBypassReason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_longer_than_may_be_kept_goes_on_for_those_who_read_it_and_is_asked_for_by_those_who_come_later()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs, cache => cache.MaxAnswerBytes = 1_000));
        var script = new Script(pipeline);
        await using var leader = Read(pipeline);
        await script.SayAsync(new string('a', 400));
        await NextAsync(leader);
        await using var follower = Read(pipeline);
        await NextAsync(follower);
        await using var slow = Read(pipeline);
        await NextAsync(slow);
        await script.SayAsync(new string('b', 400));
        await NextAsync(leader);
        Assert.Equal(400, (await NextAsync(follower)).Length);
        await using var late = Read(pipeline);
        await script.SayAsync("its own", call: 2);
        Assert.Equal("its own", await NextAsync(late));
        await script.SayAsync(new string('c', 400));
        Assert.Equal(400, (await NextAsync(follower)).Length);

        await script.SayAsync(new string('d', 400));
        Assert.Equal(400, (await NextAsync(follower)).Length);

        // Who reads slower than may be kept is cut off, and nobody else.
        await Assert.ThrowsAsync<IOException>(() => slow.MoveNextAsync().AsTask().WaitAsync(s_patience));
        await script.FinishAsync();
        await RestAsync(follower);
        Assert.Equal(800, (await RestAsync(leader)).ToChatResponse().Text.Length);
    }

    [Fact]
    public async Task A_piece_larger_than_may_be_kept_reaches_who_reads_along_and_the_others_ask_for_themselves()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs, cache => cache.MaxAnswerBytes = 1_000));
        var script = new Script(pipeline);
        await using var leader = Read(pipeline);
        await script.SayAsync("a picture: ");
        await NextAsync(leader);
        await using var follower = Read(pipeline);
        Assert.Equal("a picture: ", await NextAsync(follower));
        var next = leader.MoveNextAsync().AsTask();
        var whole = pipeline.Client.GetResponseAsync("Hello");
        await script.SayAsync(new string('x', 5_000));
        Assert.True(await next.WaitAsync(s_patience));
        Assert.Equal(5_000, (await NextAsync(follower)).Length);
        Assert.Equal("answer 2", (await whole.WaitAsync(s_patience)).Text);
        await script.FinishAsync();
        Assert.Equal(ChatFinishReason.Stop, (await RestAsync(follower)).ToChatResponse().FinishReason);
        await RestAsync(leader);
    }

    [Fact]
    public async Task Who_reads_along_never_hears_of_the_budgets_of_others()
    {
        await using var pipeline = new Pipeline();
        var script = new Script(pipeline);
        await using var first = Read(pipeline);
        var refused = first.MoveNextAsync().AsTask();
        var others = new List<Task<bool>>();
        await using var second = Read(pipeline);
        others.Add(second.MoveNextAsync().AsTask());
        await using var third = Read(pipeline);
        others.Add(third.MoveNextAsync().AsTask());
        await SettleAsync();
        await script.FailAsync(new BudgetExceededException("the first one's budget"));
        await Assert.ThrowsAsync<BudgetExceededException>(() => refused.WaitAsync(s_patience));
        await SettleAsync();
        await script.FailAsync(new BudgetExceededException("another one's budget"), call: 2);
        var alsoRefused = await Task.WhenAny(others).WaitAsync(s_patience);
        others.Remove(alsoRefused);
        await Assert.ThrowsAsync<BudgetExceededException>(() => alsoRefused);
        await script.SayAsync("for the third", call: 3);

        Assert.True(await others[0].WaitAsync(s_patience));

        // Time for callers to join one another; too little makes the test prove less.
        static Task SettleAsync() => Task.Delay(TimeSpan.FromMilliseconds(200));
    }

    [Fact]
    public async Task A_log_that_breaks_when_the_stream_ends_keeps_nobody_waiting()
    {
        var factory = new BrokenLog();
        await using var pipeline = new Pipeline(o => o.LoggerFactory = factory);
        var script = new Script(pipeline);
        await using var reader = Read(pipeline);
        await script.SayAsync("one");
        await NextAsync(reader);
        await script.FinishAsync(reason: ChatFinishReason.Length);
        factory.IsBroken = true;

        var rest = await RestAsync(reader);

        factory.IsBroken = false;
        Assert.Equal(s_price, rest[^1].GetCost().Amount);
        Assert.Equal(CallStatus.Ok, Assert.Single(await pipeline.RowsAsync()).Status);
    }

    [Fact]
    public async Task A_stream_follows_a_call_that_is_not_streamed()
    {
        await using var pipeline = new Pipeline();
        var answer = new TaskCompletionSource<ChatResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        pipeline.Provider.Answer = (_, _, _) => answer.Task;
        var whole = pipeline.Client.GetResponseAsync("Hello");

        // On this thread, so that it waits for the first call before that is answered.
        var following = pipeline.Client.GetStreamingResponseAsync("Hello").ToChatResponseAsync();
        answer.SetResult(pipeline.Provider.DefaultAnswer(null, "one answer"));
        var streamed = await following.WaitAsync(s_patience);

        Assert.Equal((await whole).Text, streamed.Text);
        Assert.Single(pipeline.Provider.Calls);
        Assert.Equal(CacheLayer.Coalesced, streamed.GetCost().CacheLayer);
    }

    [Fact]
    public async Task A_cancelled_leader_is_gone_at_once_and_its_call_goes_on_for_those_who_wait()
    {
        await using var pipeline = new Pipeline();
        var answer = new TaskCompletionSource<ChatResponse>();
        pipeline.Provider.Answer = (_, _, _) => answer.Task;
        using var stop = new CancellationTokenSource();
        var leader = pipeline.Client.GetResponseAsync("Hello", cancellationToken: stop.Token);
        var follower = pipeline.Client.GetResponseAsync("Hello");
        while (pipeline.Provider.Calls.Count == 0)
            await Task.Delay(TimeSpan.FromMilliseconds(5));

        await Task.Delay(TimeSpan.FromMilliseconds(200));
        await stop.CancelAsync();

        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leader.WaitAsync(s_patience));
        Assert.Equal(stop.Token, cancelled.CancellationToken);
        answer.SetResult(pipeline.Provider.DefaultAnswer(null, "for the others"));
        Assert.Equal("for the others", (await follower.WaitAsync(s_patience)).Text);
        Assert.Single(pipeline.Provider.Calls);
        Assert.Equal([CallStatus.Coalesced, CallStatus.Ok], (await pipeline.RowsAsync()).Select(row => row.Status).OrderBy(status => status.ToString()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_cancelled_leader_does_to_its_list_of_messages_does_not_reach_the_call_that_goes_on(bool streamed)
    {
        var gate = new TaskCompletionSource();
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs).Use((messages, options, next, token) => LateAsync(messages, options, next, gate.Task, token)));
        List<string> sent = [];
        pipeline.Provider.Answer = (messages, options, _) =>
        {
            sent.AddRange(messages.Select(message => message.Text));
            return Task.FromResult(pipeline.Provider.DefaultAnswer(options, "hello to you"));
        };
        List<ChatMessage> history = [new(ChatRole.User, "Hello")];
        using var stop = new CancellationTokenSource();
        var led = streamed
            ? pipeline.Client.GetStreamingResponseAsync(history, cancellationToken: stop.Token).ToChatResponseAsync(stop.Token)
            : pipeline.Client.GetResponseAsync(history, cancellationToken: stop.Token);
        var followed = pipeline.Client.GetResponseAsync("Hello");
        await Task.Delay(TimeSpan.FromMilliseconds(200));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => led);
        history.Add(new(ChatRole.User, "and something else"));
        gate.SetResult();
        await followed.WaitAsync(s_patience);

        Assert.Equal(["Hello"], sent);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_cancelled_leader_does_to_its_messages_does_not_reach_the_call_that_goes_on(bool streamed)
    {
        var gate = new TaskCompletionSource();
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs).Use((messages, options, next, token) => LateAsync(messages, options, next, gate.Task, token)));
        pipeline.Provider.Answer = (messages, options, _) => Task.FromResult(pipeline.Provider.DefaultAnswer(options, $"you said: {messages[0].Text}"));
        List<ChatMessage> history = [new(ChatRole.User, "Hello")];
        using var stop = new CancellationTokenSource();
        var led = streamed
            ? pipeline.Client.GetStreamingResponseAsync(history, cancellationToken: stop.Token).ToChatResponseAsync(stop.Token)
            : pipeline.Client.GetResponseAsync(history, cancellationToken: stop.Token);
        var followed = pipeline.Client.GetResponseAsync("Hello");
        await Task.Delay(TimeSpan.FromMilliseconds(200));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => led);
        history[0].Contents.Add(new TextContent(", forget it"));
        gate.SetResult();

        Assert.Equal("you said: Hello", (await followed.WaitAsync(s_patience)).Text);
    }

    // As a stage that tries again after a pause, and reads the messages once more.
    private static async Task LateAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, Func<IEnumerable<ChatMessage>, ChatOptions?, CancellationToken, Task> next, Task gate, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        await next(messages, options, cancellationToken);
    }

    [Fact]
    public async Task What_a_leader_does_to_a_text_with_an_unknown_note_does_not_reach_those_who_read_along()
    {
        await using var pipeline = new Pipeline();
        var rest = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pipeline.Provider.Stream = (_, _, _) => SayAsync();
        await using var leader = Read(pipeline);
        await NextAsync(leader);
        var follower = RestAsync(Read(pipeline));
        rest.SetResult();
        foreach (var update in await RestAsync(leader))
        {
            foreach (var text in update.Contents.OfType<TextContent>())
                text.Text = "changed";
        }

        Assert.Equal("plain noted", (await follower).ToChatResponse().Text);

        async IAsyncEnumerable<ChatResponseUpdate> SayAsync()
        {
            yield return Piece("plain ");
            await rest.Task;
            var piece = Piece("noted");
            piece.Contents[0].Annotations = [new OddNote()];
            yield return piece;
            yield return new ChatResponseUpdate { MessageId = "m1", ResponseId = "r1", FinishReason = ChatFinishReason.Stop };
        }
    }

    private sealed class OddNote : AIAnnotation;

    [Fact]
    public async Task A_question_that_is_asked_while_it_is_answered_does_not_wait_for_itself()
    {
        await using var pipeline = new Pipeline();
        pipeline.Provider.Answer = async (_, options, number) => number == 1
            ? await pipeline.Client.GetResponseAsync("Hello")
            : pipeline.Provider.DefaultAnswer(options, "from within");

        Assert.Equal("from within", (await pipeline.Client.GetResponseAsync("Hello").WaitAsync(s_patience)).Text);
    }

    private sealed class BrokenLog : ILoggerFactory, ILogger
    {
        public bool IsBroken { get; set; }

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsBroken)
                throw new InvalidOperationException("no room for the log");
        }

        public void Dispose()
        {
        }
    }
}
