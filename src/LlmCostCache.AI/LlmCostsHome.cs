namespace LlmCostCache.AI;

/// <summary>The directory where the state lives.</summary>
internal static class LlmCostsHome
{
    public const string Variable = "LLMCOSTCACHE_HOME";

    /// <summary>The directory that is meant: the given one, else <c>LLMCOSTCACHE_HOME</c>, else <c>~/.llmcostcache</c>.</summary>
    public static string Resolve(string? directory)
    {
        var path = directory ?? Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrWhiteSpace(path))
        {
            // A home that does not exist is still the one that is meant. Asked to verify, .NET names none, and each working directory would have a ledger of its own.
            path = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".llmcostcache");
        }

        return Path.GetFullPath(path);
    }

    /// <summary>Makes the directory when it is missing, readable by its owner only.</summary>
    /// <exception cref="StoreUnavailableException">It cannot be made or written.</exception>
    public static string Prepare(string? directory)
    {
        var path = Resolve(directory);
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(path);
            }
            else if (!Directory.Exists(path))
            {
                Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            var probe = Path.Combine(path, $".write-{Guid.NewGuid():N}");
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
            return path;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException(
                $"The home directory '{path}' cannot be written ({exception.Message.TrimEnd('.')}). Give another one with o.HomeDirectory or the environment variable {Variable}.", exception)
            {
                Store = path,
            };
        }
    }
}
