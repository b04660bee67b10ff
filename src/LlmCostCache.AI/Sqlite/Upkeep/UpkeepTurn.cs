namespace LlmCostCache.AI;

/// <summary>
/// A repair or a compaction holds the ledger's only write lock for as long as it takes, which in a large ledger is longer than a writer waits for another one. It says so by a file that it has for
/// itself, so that writers wait for it; the operating system takes the file away from a process that dies.
/// </summary>
internal static class UpkeepTurn
{
    /// <exception cref="StoreUnavailableException">Another one is under way.</exception>
    public static FileStream Take(string path)
    {
        try
        {
            return SqliteFile.TakeTurn(path + ".upkeep");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"Another repair or compaction of '{path}' is under way, or nothing can be written beside it. Nothing was changed; try again when it has ended.", error) { Store = path };
        }
    }

    public static bool IsTaken(string path)
    {
        var file = path + ".upkeep.creating";
        if (!File.Exists(file))
        {
            return false;
        }

        try
        {
            using (new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            {
                return false;
            }
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}
