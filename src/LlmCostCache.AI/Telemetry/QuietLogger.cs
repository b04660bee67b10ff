using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI;

/// <summary>A logger whose failures stay its own: a sink that is full or closed must not turn a paid answer into an exception, or end a thread that writes.</summary>
internal sealed class QuietLogger(ILogger logger) : ILogger
{
    /// <summary>The product's logger, which writes nowhere without a factory.</summary>
    public static ILogger Of(ILoggerFactory? loggers) => loggers is null ? NullLogger.Instance : new QuietLogger(loggers.CreateLogger("LlmCostCache.AI"));

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => logger.BeginScope(state);

    [SuppressMessage("Design", "CA1031", Justification = "Whatever the host's sinks throw, the call goes on.")]
    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return logger.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            return false;
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever the host's sinks throw, the call goes on.")]
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            logger.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // There is nobody left to tell.
        }
    }
}
