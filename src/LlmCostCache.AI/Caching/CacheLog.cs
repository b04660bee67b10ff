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

    [LoggerMessage(EventId = 2003, Level = LogLevel.Warning,
        Message = "An invalidation cannot be written to the cache file {Path} now. This process honours it and goes on trying; other processes may serve what it concerns until then, as may this "
            + "one after a restart. Look whether the disk is full or the file is locked.")]
    public static partial void InvalidationOwed(ILogger logger, string path);
}
