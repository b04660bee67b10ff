using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI.Tests;

/// <summary>A log that cannot be written does not cost anybody an answer.</summary>
public sealed class BrokenLogTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_log_that_throws_keeps_no_answer_from_its_caller_and_no_row_from_the_ledger(bool streamed)
    {
        using var loggers = new BrokenLoggers();
        await using var pipeline = new Pipeline(o => o.LoggerFactory = loggers);

        await AskTwiceAsync(pipeline, streamed);

        Assert.True(loggers.Attempts > 0);
    }

    private static async Task AskTwiceAsync(Pipeline pipeline, bool streamed)
    {
        pipeline.Provider.Answer = (_, options, n) => Task.FromResult(pipeline.Provider.DefaultAnswer(new ChatOptions { ModelId = "a-model-without-a-price" }, $"answer {n}"));
        for (var i = 0; i < 2; i++)
        {
            var answer = streamed ? await pipeline.Client.GetStreamingResponseAsync("Hello").ToChatResponseAsync() : await pipeline.Client.GetResponseAsync("Hello");
            Assert.Equal("answer 1", answer.Text);
        }

        Assert.Equal(2, (await pipeline.RowsAsync()).Count);
    }

    private sealed class BrokenLoggers : ILoggerFactory, ILogger
    {
        private int _attempts;

        public int Attempts => Volatile.Read(ref _attempts);

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Interlocked.Increment(ref _attempts);
            throw new IOException("No space left on device.");
        }

        public void Dispose()
        {
        }
    }
}
