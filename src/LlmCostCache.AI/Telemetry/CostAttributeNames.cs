namespace LlmCostCache.AI;

/// <summary>The names that cost takes on spans.</summary>
public enum CostAttributeNames
{
    /// <summary><c>gen_ai.usage.cost.amount</c>, <c>.currency</c> and <c>.source</c>, as proposed to the OpenTelemetry GenAI conventions.</summary>
    SemConv,

    /// <summary><c>gen_ai.usage.cost</c>, for backends that read it and miscount the proposed names (Langfuse among them).</summary>
    GenAiUsageCost,
}
