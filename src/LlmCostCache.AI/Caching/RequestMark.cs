namespace LlmCostCache.AI;

/// <summary>Where a part of a request lies in its canonical bytes; its name is put together only when somebody wants to read it.</summary>
/// <param name="Label">What it is: <c>message</c>, <c>tool</c>, <c>temperature</c>.</param>
/// <param name="Detail">Which one: the role of a message, the name of a tool.</param>
/// <param name="Number">Which of several, from one; zero when they are told apart by <paramref name="Detail"/>.</param>
/// <param name="Start">The first byte.</param>
/// <param name="End">The byte after the last.</param>
internal readonly record struct RequestMark(string Label, string? Detail, int Number, int Start, int End)
{
    // Names of properties are the caller's, and an outline is read by people.
    private const int LongestDetail = 100;

    public string Name => (Number, Detail) switch
    {
        (0, null) => Label,
        (0, _) => $"{Label} {Short(Detail)}",
        (_, null) => $"{Label} {Number}",
        _ => $"{Label} {Number} ({Short(Detail)})",
    };

    private static string Short(string detail) => detail.Length <= LongestDetail ? detail : detail[..LongestDetail];
}
