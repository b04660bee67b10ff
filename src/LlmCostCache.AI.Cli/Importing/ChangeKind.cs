namespace LlmCostCache.AI.Cli.Importing;

/// <summary>What a price list says against a book.</summary>
internal enum ChangeKind
{
    New,
    Dearer,
    Cheaper,

    /// <summary>Some rates dearer and some cheaper.</summary>
    Mixed,
    Unchanged,
}
