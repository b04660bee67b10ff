using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>What the cache says in the log: never a prompt, an answer or a key.</summary>
internal static partial class CacheLog
{
    [LoggerMessage(EventId = 2001, Level = LogLevel.Warning,
        Message = "The cache file {Path} cannot be used; answers are kept in memory only. Make its directory writable, or set DiskCacheBytes to 0.")]
    public static partial void DiskUnusable(ILogger logger, string path, Exception? cause);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Warning,
        Message = "The cache file {Path} is damaged. It was moved to {MovedTo} and a new one was begun; answers are bought again, nothing else is lost.")]
    public static partial void DiskQuarantined(ILogger logger, string path, string movedTo);
}
