namespace LlmCostCache.AI;

/// <summary>What archived rows add up to, by session, model, tags and names: for budgets that the sums of quarter-hours cannot answer.</summary>
internal sealed class ArchivedSums
{
    private readonly RowHasher _hasher = new();

    public Dictionary<string, Sum> Sums { get; } = new(StringComparer.Ordinal);

    /// <summary>Adds a row; one that no budget counts leaves no trace.</summary>
    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public void Add(LedgerEntry row)
    {
        var (booked, tokens, requests) = (row.CountOf(BudgetUnit.Usd), row.CountOf(BudgetUnit.Tokens), row.CountOf(BudgetUnit.Requests));
        if (booked == 0 && tokens == 0 && requests == 0)
        {
            return;
        }

        var who = row.Attribution;
        string?[] names = [who.Session, row.RequestedModel, row.ModelKey, LedgerTags.Write(who.Tags), who.Tenant, who.Project, who.Team, who.User, who.Feature, who.Agent];
        foreach (var name in names)
        {
            if (name is null)
            {
                _hasher.AddNull();
            }
            else
            {
                _hasher.Add(name);
            }
        }

        var digest = _hasher.Finish();
        var key = Convert.ToHexString(digest);
        if (!Sums.TryGetValue(key, out var sum))
        {
            Sums.Add(key, sum = new Sum(digest, names) { FirstAt = row.At, LastAt = row.At });
        }

        sum.FirstAt = Math.Min(sum.FirstAt, row.At);
        sum.LastAt = Math.Max(sum.LastAt, row.At);
        checked
        {
            sum.Booked += booked;
            sum.Tokens += tokens;
            sum.Requests += requests;
        }
    }

    /// <param name="digest">Of the names.</param>
    /// <param name="names">Session, requested model, model key, tags, tenant, project, team, user, feature, agent.</param>
    internal sealed class Sum(byte[] digest, string?[] names)
    {
        public byte[] Digest { get; } = digest;

        public string?[] Names { get; } = names;

        public long FirstAt { get; set; }

        public long LastAt { get; set; }

        public long Booked { get; set; }

        public long Tokens { get; set; }

        public long Requests { get; set; }
    }
}
