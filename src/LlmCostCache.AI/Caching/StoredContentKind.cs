namespace LlmCostCache.AI;

/// <summary>What a <see cref="StoredContent"/> is. The numbers are on the disk: never reuse one.</summary>
internal enum StoredContentKind
{
    Text = 1,
    Reasoning = 2,
    Data = 3,
    FunctionCall = 4,
}
