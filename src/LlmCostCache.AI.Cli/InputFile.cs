namespace LlmCostCache.AI.Cli;

/// <summary>Opens what a command is told to read.</summary>
internal static class InputFile
{
    /// <param name="path">The file; - is standard input.</param>
    /// <param name="input">Standard input.</param>
    /// <exception cref="UsageException">It cannot be read.</exception>
    public static Stream Open(string path, Stream input)
    {
        if (path == "-")
        {
            return input;
        }

        RefuseDirectory(path);
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new UsageException($"'{path}' cannot be read: {unreadable.Message}");
        }
    }

    /// <summary>The name of a file as it was given.</summary>
    /// <exception cref="UsageException">It is empty, as an unset variable of a script is.</exception>
    public static string Named(string argument, string path) => string.IsNullOrWhiteSpace(path) ? throw new UsageException($"{argument} is empty; name a file.") : path;

    /// <summary>What the system says of a directory that is opened as a file is that access is denied, which sends people to look at its mode.</summary>
    /// <exception cref="UsageException">It is a directory.</exception>
    public static void RefuseDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            throw new UsageException($"'{path}' is a directory; name a file in it.");
        }
    }
}
