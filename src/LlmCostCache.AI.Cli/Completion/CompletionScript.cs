namespace LlmCostCache.AI.Cli.Completion;

/// <summary>The scripts that lie beside this file; they ask <c>llmcost completion words</c> for what fits.</summary>
internal static class CompletionScript
{
    public static string Read(string file)
    {
        using var stream = typeof(CompletionScript).Assembly.GetManifestResourceStream($"{typeof(CompletionScript).Namespace}.{file}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
