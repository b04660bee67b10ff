using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Makes one normalised usage of what an adapter reports, what the raw answer says beside it, and the rules that an application has for its providers.</summary>
internal sealed class UsageReader(LlmCostsOptions options, ILogger logger)
{
    // Whose writes to the cache have two prices and whose adapters pass on only how many there were.
    private const string WrittenByAnthropic = "anthropic";

    /// <summary>The usage of a whole answer, wherever it stands; null when it was reported nowhere.</summary>
    public NormalizedUsage? Read(ChatResponse response, ClientIdentity client, out RawFacts facts)
    {
        facts = RawAnswer.Read(response.RawRepresentation);
        if (facts.IsSilent)
        {
            return null;
        }

        if (UsageNormalizer.IsReported(response.Usage))
        {
            if (facts is { Cost: not null, Usage: { } last } && (last.InputTokenCount < response.Usage!.InputTokenCount || last.OutputTokenCount < response.Usage.OutputTokenCount))
            {
                // Function invocation adds up the usage of its requests and hands on the raw answer of the last one, whose cost is not that of all.
                facts = facts with { Cost = null };
            }

            return Take(RawUsage.Completed(response.Usage!, facts), facts, response.RawRepresentation, client);
        }

        // Semantic Kernel's services, used as chat clients, report beside the answer.
        var reported = ReportedUsage.Read(response.AdditionalProperties, out _);
        for (var i = response.Messages.Count - 1; i >= 0 && reported.Usage is null; i--)
        {
            reported = ReportedUsage.Read(response.Messages[i].AdditionalProperties, out _);
        }

        if (!UsageNormalizer.IsReported(reported.Usage))
        {
            reported = RawAnswer.Read(response.RawRepresentation, whole: true);
        }

        facts = reported.Or(facts);
        return UsageNormalizer.IsReported(reported.Usage) ? Take(WithBeside(reported), facts, response.RawRepresentation, client) : null;
    }

    /// <summary>The usage of embeddings or of what else has no raw answer; null when none was reported.</summary>
    public NormalizedUsage? Read(UsageDetails? usage, ClientIdentity client) => UsageNormalizer.IsReported(usage) ? Take(usage!, RawFacts.None, null, client) : null;

    /// <summary>The counts that a raw answer has by itself, with what was used beside them.</summary>
    public static UsageDetails WithBeside(RawFacts facts) => facts.Beside is { } beside ? RawUsage.Sum(facts.Usage!, beside) : facts.Usage!;

    /// <summary>Takes the counts of one response apart.</summary>
    public NormalizedUsage Take(UsageDetails details, RawFacts facts, object? raw, ClientIdentity client)
    {
        var rule = RuleOf(client);
        var provider = client.Adapter;
        var usage = rule?.Read is null ? UsageNormalizer.Normalize(details, provider, rule, client.Host) : ByRule(rule, details, raw, client);
        var doubts = UsageDoubts.None;
        if (usage.Usage.CacheWrite5mTokens > 0 && usage.Usage.CacheWrite1hTokens == 0 && rule?.Read is null
            && (facts.IsUnread || (!facts.IsRead && string.Equals(provider, WrittenByAnthropic, StringComparison.OrdinalIgnoreCase))))
        {
            doubts |= UsageDoubts.WriteLifetime;
        }

        if (facts.IsUnread && facts.ServiceTier is null)
        {
            doubts |= UsageDoubts.ServiceTier;
        }

        usage = doubts == UsageDoubts.None ? usage : usage.WithDoubt(doubts, UsageFlags.RawUnread);
        return facts.Cost is null ? usage : usage with { ProviderCost = facts.Cost };
    }

    private NormalizedUsage ByRule(UsageRule rule, UsageDetails details, object? raw, ClientIdentity client)
    {
        string problem;
        try
        {
            if (rule.Read!(StreamUsage.Copy(details), raw) is not { } own)
            {
                return UsageNormalizer.Normalize(details, client.Adapter, rule, client.Host);
            }

            if (TokenBuckets.ArePossible(own))
            {
                return new(own.Requests == 0 ? own with { Requests = 1 } : own, null);
            }

            problem = "it returned a count that is negative or more than a call can have";
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            problem = exception.GetType().Name;
        }

        Log.UsageRuleFailed(logger, client.ProviderName ?? "", problem);
        return UsageNormalizer.Normalize(details, client.Adapter, rule, client.Host).WithFlag(UsageFlags.RuleFailed);
    }

    // The name that a client goes by, else the host it talks to: gateways are asked through other vendors' clients.
    private UsageRule? RuleOf(ClientIdentity client) =>
        options.UsageRules.Count == 0 ? null
        : client.ProviderName is { } name && options.UsageRules.TryGetValue(name, out var byName) ? byName
        : client.Host is { } host && options.UsageRules.TryGetValue(host, out var byHost) ? byHost
        : null;
}
