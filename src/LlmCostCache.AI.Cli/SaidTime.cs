namespace LlmCostCache.AI.Cli;

/// <summary>
/// The moment that <c>LLMCOSTCACHE_NOW</c> names, for examples that shall read the same tomorrow. Only what <c>llmcost</c> takes for now stands still; what measures a wait goes on.
/// </summary>
internal sealed class SaidTime(string said) : TimeProvider
{
    public const string Variable = "LLMCOSTCACHE_NOW";

    /// <returns>The real time where the variable is not set.</returns>
    public static TimeProvider Of(Func<string, string?> environment) => environment(Variable) is { Length: > 0 } said ? new SaidTime(said) : System;

    /// <exception cref="UsageException">The variable names no time.</exception>
    public override DateTimeOffset GetUtcNow() => Instants.TryParse(said, out var now) ? now : throw new UsageException($"{Variable} '{said}' is not a time like 2026-08-20T14:30:00Z.");
}
