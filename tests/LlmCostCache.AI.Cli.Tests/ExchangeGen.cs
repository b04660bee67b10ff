using System.Collections.Immutable;
using CsCheck;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>Rows of every kind that a ledger can hold, with names that somebody chose to do harm.</summary>
internal static class ExchangeGen
{
    private static readonly string[] s_hostile =
    [
        "alice", "=1+1", "'=cmd|' /C calc'!A0", "+49", "-", "@sum", "\tx", "\rx", "\nx", "a,b", "say \"hi\"", "a;b\\c", "''=x", "\uFF1Dx", "Zoë 你好 🙂", "\u001b[31mred",
    ];

    private static readonly Gen<string> s_name = Gen.OneOf(Gen.Int[0, s_hostile.Length - 1].Select(static index => s_hostile[index]), Gen.String[Gen.Char['a', 'z'], 1, 20]);

    private static readonly Gen<string?> s_maybe = Gen.OneOf(Gen.Const((string?)null), s_name.Select(static name => (string?)name));
    private static readonly Gen<long> s_count = Gen.OneOf(Gen.Const(0L), Gen.Const(0L), Gen.Long[1, 2_000_000]);
    private static readonly Gen<long> s_nanos = Gen.OneOf(Gen.Const(0L), Gen.Long[1, 5_000_000_000]);

    private static readonly Gen<TokenUsage> s_usage = s_count.Array[TokenBuckets.Count].Select(static counts => TokenBuckets.Read(counts));

    private static readonly Gen<CallCost> s_cost = Gen.Select(Gen.Int[0, 2], s_nanos, s_nanos, Gen.Long[-1_000_000, 5_000_000_000], Gen.Enum<CacheLayer>(), s_maybe, s_maybe, s_usage)
        .Select(static parts =>
        {
            var (certainty, low, more, saved, layer, revision, reason, usage) = parts;
            var cost = certainty == 0 ? CallCost.Known(Money.FromNanos(low))
                : certainty == 1 ? CallCost.Between(Money.FromNanos(low), Money.FromNanos(low + more)) : CallCost.Unknown;
            return cost with { Saved = Money.FromNanos(saved), CacheLayer = layer, PriceRevision = revision, Reason = reason, Usage = usage };
        });

    private static readonly Gen<Attribution> s_attribution = Gen.Select(s_maybe, s_maybe, s_maybe, s_maybe, s_maybe, s_maybe, s_maybe, s_name.Array[0, 4])
        .Select(static parts => Attribution.Create(Named(parts.Item1), Named(parts.Item2), Named(parts.Item3), Named(parts.Item4), Named(parts.Item5), Named(parts.Item6), Named(parts.Item7),
            parts.Item8.Where(static tag => !string.IsNullOrWhiteSpace(tag))));

    private static readonly Gen<UsageRecord> s_record = Gen.Select(
        Gen.Select(s_cost, s_attribution, Gen.Enum<CallStatus>(), Gen.Long[0, 3_000_000_000_000_000], Gen.Int[1, 5], Gen.Bool),
        Gen.Select(s_maybe, s_maybe, s_maybe, s_maybe, s_maybe, s_maybe, s_maybe, s_maybe),
        Gen.Select(s_maybe, s_maybe, s_maybe, Gen.Long[0, 600_000], Gen.Long[-1, 60_000], Gen.Decimal[0m, 1_000m], Gen.Bool, Gen.Int[0, 3_000]))
        .Select(static (what, names, rest) => new UsageRecord
        {
            Id = "",
            CallId = Guid.NewGuid().ToString("N"),
            Attempt = what.Item5,
            At = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMicroseconds(what.Item4 / 30),
            Operation = what.Item6 ? "chat" : "embeddings",
            Provider = names.Item1,
            RequestedModel = names.Item2,
            Model = names.Item3,
            Status = what.Item3,
            Cost = what.Item1,
            Currency = rest.Item7 ? "CNY" : "USD",
            NativeCost = what.Item1.Amount is null ? null : rest.Item6,
            FxRate = rest.Item7 ? 7.10m : null,
            FxDate = rest.Item7 ? new DateOnly(2024, 1, 1).AddDays(rest.Item8) : null,
            UsageSource = what.Item6 ? "provider" : "estimate",
            Flags = names.Item4,
            ServiceTier = names.Item5,
            Region = names.Item6,
            FinishReason = names.Item7,
            Error = names.Item8,
            Latency = TimeSpan.FromMilliseconds(rest.Item4),
            TimeToFirstChunk = rest.Item5 < 0 ? null : TimeSpan.FromMilliseconds(rest.Item5),
            Streamed = rest.Item7,
            Attribution = what.Item2,
            TraceId = rest.Item1,
            SpanId = rest.Item2,
            ResponseId = rest.Item3,
        });

    public static Gen<UsageRecord[]> Records(int least, int most) =>
        s_record.Array[least, most].Select(static records => records.Select(static record => record with { Id = Guid.NewGuid().ToString("N") }).ToArray());

    private static string? Named(string? name) => string.IsNullOrWhiteSpace(name) ? null : name;
}
