namespace LlmCostCache.AI;

/// <summary>How large a table is.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Rows">How many rows it has.</param>
/// <param name="Bytes">What it takes with its indices; null when SQLite cannot say.</param>
internal readonly record struct TableSize(string Name, long Rows, long? Bytes);
