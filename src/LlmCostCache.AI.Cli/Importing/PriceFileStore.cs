namespace LlmCostCache.AI.Cli.Importing;

/// <summary><c>prices.json</c> in the home directory: replaced as a whole or not at all, the last one kept beside it.</summary>
internal sealed class PriceFileStore(string path)
{
    public string Path { get; } = path;

    public string BackupPath => Path + ".bak";

    /// <summary>The text; null when there is no file.</summary>
    public byte[]? Read()
    {
        try
        {
            return File.Exists(Path) ? File.ReadAllBytes(Path) : null;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new LlmCostException($"{Path}: the price file cannot be read ({unreadable.Message})", unreadable);
        }
    }

    /// <summary>Puts a new text in place of the one that was read.</summary>
    /// <exception cref="UsageException">It cannot be written; the old file is as it was.</exception>
    public void Replace(byte[]? before, byte[] text)
    {
        try
        {
            if (before is not null)
            {
                WriteWhole(BackupPath, before);
            }

            WriteWhole(Path, text);
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"'{Path}' cannot be written: {unwritable.Message}");
        }
    }

    private static void WriteWhole(string path, byte[] text)
    {
        var draft = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using (var stream = new FileStream(draft, options))
            {
                stream.Write(text);
                stream.Flush(flushToDisk: true);
            }

            File.Move(draft, path, overwrite: true);
        }
        finally
        {
            if (File.Exists(draft))
            {
                File.Delete(draft);
            }
        }
    }
}
