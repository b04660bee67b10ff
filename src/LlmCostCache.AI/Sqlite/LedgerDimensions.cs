namespace LlmCostCache.AI;

/// <summary>The names that a row is summed under.</summary>
internal readonly record struct LedgerDimensions(
    string? Provider, string? Model, string? Tenant, string? Project, string? Team, string? User, string? Feature, string? Agent, CallStatus Status, string Operation, CacheLayer CacheLayer)
{
    public static LedgerDimensions Of(LedgerEntry entry) => new(
        entry.Provider, entry.Model, entry.Attribution.Tenant, entry.Attribution.Project, entry.Attribution.Team, entry.Attribution.User,
        entry.Attribution.Feature, entry.Attribution.Agent, entry.Status, entry.Operation, entry.CacheLayer);

    public byte[] Digest(RowHasher hasher)
    {
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
}
