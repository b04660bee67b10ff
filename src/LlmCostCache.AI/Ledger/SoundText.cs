namespace LlmCostCache.AI;

/// <summary>Texts as the ledger can keep them. SQLite's text functions stop at a zero character: a name that contains one would be summed under another name than its row says.</summary>
internal static class SoundText
{
    public static string? Of(string? text) => IsSound(text) ? text : text!.Replace('\0', '\uFFFD');

    /// <summary>Tags stand in the ledger as JSON, which writes such a character in another way.</summary>
    public static Attribution Of(Attribution who) =>
        IsSound(who.Tenant) && IsSound(who.Project) && IsSound(who.Team) && IsSound(who.User) && IsSound(who.Feature) && IsSound(who.Session) && IsSound(who.Agent) ? who : who with
        {
            Tenant = Of(who.Tenant),
            Project = Of(who.Project),
            Team = Of(who.Team),
            User = Of(who.User),
            Feature = Of(who.Feature),
            Session = Of(who.Session),
            Agent = Of(who.Agent),
        };

    private static bool IsSound(string? text) => text is null || !text.Contains('\0', StringComparison.Ordinal);
}
