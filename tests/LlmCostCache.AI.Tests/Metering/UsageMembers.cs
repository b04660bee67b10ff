using System.Reflection;

namespace LlmCostCache.AI.Tests;

/// <summary>The buckets of <see cref="TokenUsage"/> as they are declared, so that none is forgotten where buckets are listed by hand.</summary>
internal static class UsageMembers
{
    public static IReadOnlyList<PropertyInfo> All { get; } =
        [.. typeof(TokenUsage).GetProperties().Where(member => member.PropertyType == typeof(long) && member.CanWrite)];

    /// <summary>Every bucket holds another number: the first 101, the next 102, and so on.</summary>
    public static TokenUsage Different { get; } = Of((_, index) => 101 + index);

    public static TokenUsage Of(Func<PropertyInfo, int, long> count)
    {
        var usage = new TokenUsage();
        for (var i = 0; i < All.Count; i++)
        {
            All[i].SetValue(usage, count(All[i], i));
        }

        return usage;
    }

    public static TokenUsage Only(string member, long count) => Of((declared, _) => declared.Name == member ? count : 0);

    public static long Value(TokenUsage usage, PropertyInfo member) => (long)member.GetValue(usage)!;
}
