namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>
/// Half an export must not be taken for a whole one, so the file takes its name when it is finished. Only its owner may read it. A device (<c>/dev/null</c>, <c>/dev/stdout</c>) is written
/// to: whoever may do so would otherwise put a file in its place, and with it break whatever else on the machine uses it.
/// </summary>
internal static class WholeFile
{
    /// <exception cref="UsageException">It cannot be written.</exception>
    public static async Task<T> WriteAsync<T>(string path, Func<Stream, Task<T>> write)
    {
        if (string.IsNullOrWhiteSpace(path))
        {
            throw new UsageException("The file to write has no name; name one, or leave -o out.");
        }

        InputFile.RefuseDirectory(path);
        var draft = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            if (IsDevice(path))
            {
                var device = new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Write, Share = FileShare.ReadWrite });
                await using (device.ConfigureAwait(false))
                {
                    return await write(device).ConfigureAwait(false);
                }
            }

            T result;
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.Asynchronous };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            var stream = new FileStream(draft, options);
            await using (stream.ConfigureAwait(false))
            {
                result = await write(stream).ConfigureAwait(false);
            }

            File.Move(draft, path, overwrite: true);
            return result;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"'{path}' cannot be written: {error.Message.Replace(draft, path, StringComparison.Ordinal)}");
        }
        finally
        {
            if (File.Exists(draft))
            {
                File.Delete(draft);
            }
        }
    }

    private static bool IsDevice(string path) => !OperatingSystem.IsWindows() && Path.GetFullPath(path) is var full
        && (full.StartsWith("/dev/", StringComparison.Ordinal) || full.StartsWith("/proc/", StringComparison.Ordinal)) && File.Exists(full);
}
