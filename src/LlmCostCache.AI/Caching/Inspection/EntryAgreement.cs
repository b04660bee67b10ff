namespace LlmCostCache.AI;

/// <summary>Whether what stands beside an answer says what the answer itself says: sweeping and invalidating go by the former.</summary>
internal static class EntryAgreement
{
    /// <returns>What they disagree about; null for nothing.</returns>
    public static string? WhyNot(CacheEntry entry, StoredAnswer answer, AnswerSeal seal)
    {
        var (expires, kept) = (answer.ExpiresAt.ToUnixTimeMilliseconds(), answer.KeptUntil.ToUnixTimeMilliseconds());
        return entry.AskedAt != answer.AskedAt ? "when it was asked is not what the answer says"
            : entry.ExpiresAt.ToUnixTimeMilliseconds() > expires ? "when it expires is not what the answer says"
            : entry.KeptUntil.ToUnixTimeMilliseconds() > kept ? "how long it is kept is not what the answer says"
            : entry.IsEmbedding != (answer.Vector is not null) ? "its kind is not what the answer says"
            : !Is(Invalidations.Kind.Model, entry.Model, answer.Model) ? "its model is not what the answer says"
            : !Is(Invalidations.Kind.Namespace, entry.Namespace, answer.Namespace) ? "its namespace is not what the answer says"
            : !Is(Invalidations.Kind.Tenant, entry.Tenant, answer.Tenant) ? "its tenant is not what the answer says"
            : null;

        // Rows of older versions have no namespace and no tenant, and neither have their answers.
        bool Is(Invalidations.Kind kind, string? said, string? name) => name is null ? said is null : seal.Labels(kind, name).Contains(said, StringComparer.Ordinal);
    }
}
