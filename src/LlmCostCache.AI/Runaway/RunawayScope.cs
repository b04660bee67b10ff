namespace LlmCostCache.AI;

/// <summary>Which calls are one run.</summary>
public enum RunawayScope
{
    /// <summary>The calls of one <see cref="CostScope"/> session; without a session those of one trace; without a trace each call through the guard is a run.</summary>
    Session,

    /// <summary>As <see cref="Session"/>, but each agent within it is a run of its own.</summary>
    Agent,

    /// <summary>The calls of one trace (<c>Activity.Current</c>); without a trace each call through the guard is a run.</summary>
    Trace,

    /// <summary>Each call through the guard: outside <c>UseFunctionInvocation()</c> one turn with all its rounds.</summary>
    Call,
}
