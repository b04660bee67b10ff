namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>Something about a price that a person should look at.</summary>
/// <param name="Source">The file or the variable; null when <paramref name="What"/> names it.</param>
/// <param name="Line">The line in it.</param>
/// <param name="Model">The model, as <c>provider/id</c>.</param>
/// <param name="What">What is wrong.</param>
/// <param name="Remedy">What to do about it.</param>
internal sealed record CheckFinding(string? Source, int? Line, string? Model, string What, string Remedy)
{
    public string Words => (Source, Line, Model) switch
    {
        (null, _, _) => $"{What}; {Remedy}.",
        (_, { } line, { } model) => $"{Source}:{line}: {model}: {What}; {Remedy}.",
        _ => $"{Source}: {What}; {Remedy}.",
    };
}
