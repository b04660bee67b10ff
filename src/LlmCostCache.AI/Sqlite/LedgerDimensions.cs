using System.Text;

namespace LlmCostCache.AI;

/// <summary>The names that a row is summed under: all of them, and once more without those of the callers, because these combinations are few.</summary>
internal readonly record struct LedgerDimensions(
    string? Provider, string? Model, string? Tenant, string? Project, string? Team, string? User, string? Feature, string? Agent, CallStatus Status, string Operation, CacheLayer CacheLayer)
{
    /// <summary>Whether all callers are summed together; tenant to agent are then null.</summary>
    public bool IsWhole { get; init; }

    /// <summary>The same call in the sum of all callers.</summary>
    public LedgerDimensions Whole => new(Provider, Model, null, null, null, null, null, null, Status, Operation, CacheLayer) { IsWhole = true };

    public static LedgerDimensions Of(LedgerEntry entry) => new(
        entry.Provider, entry.Model, entry.Attribution.Tenant, entry.Attribution.Project, entry.Attribution.Team, entry.Attribution.User,
        entry.Attribution.Feature, entry.Attribution.Agent, entry.Status, entry.Operation, entry.CacheLayer);

    public byte[] Digest(RowHasher hasher)
    {
        if (IsWhole)
        {
            // As the schema step wrote those of older ledgers.
            return Encoding.UTF8.GetBytes($"whole{Quoted(Provider)}{Quoted(Model)}{Quoted(LedgerWords.Word(Status))}{Quoted(Operation)}{Quoted(LedgerWords.Word(CacheLayer))}");
        }

        ReadOnlySpan<string?> names = [Provider, Model, Tenant, Project, Team, User, Feature, Agent, LedgerWords.Word(Status), Operation, LedgerWords.Word(CacheLayer)];
        foreach (var name in names)
        {
            if (name is null)
            {
                hasher.AddNull();
            }
            else
            {
                hasher.Add(name);
            }
        }

        return hasher.Finish();
    }

    private static string Quoted(string? name) => name is null ? "NULL" : $"'{name.Replace("'", "''", StringComparison.Ordinal)}'";
}
