namespace LlmCostCache.AI;

/// <summary>The source tree that the tests run from.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    public static IEnumerable<string> Sources(params string[] parts) =>
        Directory.EnumerateFiles(Path.Combine([Root, .. parts]), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    private static string Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "LlmCostCache.AI.sln")))
            {
                return directory.FullName;
            }
        }

        throw new DirectoryNotFoundException("The tests must run from inside the source tree.");
    }
}
