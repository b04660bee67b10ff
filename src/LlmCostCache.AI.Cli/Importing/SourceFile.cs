namespace LlmCostCache.AI.Cli.Importing;

/// <summary>Reads the bytes of a price list from a file or from standard input, up to a size that no price list has.</summary>
internal static class SourceFile
{
    /// <summary>Forty times the largest public list.</summary>
    public const int MaxBytes = 64 << 20;

    private const int Step = 8 << 20;

    /// <exception cref="LlmCostException">It cannot be read, or is too large.</exception>
    public static async Task<SourceDocument> ReadAsync(string path, CliHost host, CancellationToken cancellationToken)
    {
        var name = path == "-" ? "standard input" : path;
        InputFile.RefuseDirectory(path);
        try
        {
            var stream = path == "-" ? host.Input : File.OpenRead(path);
            await using (stream.ConfigureAwait(false))
            {
                return SourceDocument.Parse(name, await ReadAsync(stream, name, host.Error, cancellationToken).ConfigureAwait(false));
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new LlmCostException($"{name}: the price list cannot be read ({unreadable.Message})", unreadable);
        }
    }

    private static async Task<byte[]> ReadAsync(Stream stream, string name, TextWriter progress, CancellationToken cancellationToken)
    {
        using var whole = new MemoryStream();
        var buffer = new byte[1 << 16];
        var told = Step;
        for (int count; (count = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            if (whole.Length + count > MaxBytes)
            {
                var lines = whole.GetBuffer().AsSpan(0, (int)whole.Length).Count((byte)'\n') + 1;
                throw new LlmCostException($"{name}, line {lines}: larger than {MaxBytes >> 20} MB, which no price list is.");
            }

            whole.Write(buffer, 0, count);
            if (whole.Length >= told)
            {
                progress.WriteLine($"llmcost: {whole.Length >> 20} MB of {name} read");
                told += Step;
            }
        }

        return whole.ToArray();
    }
}
