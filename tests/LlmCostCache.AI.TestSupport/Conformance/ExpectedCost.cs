using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>What a case must cost, worked out by hand from the vendor's price list. What is left out is not compared, except where noted.</summary>
public sealed record ExpectedCost
{
    private static readonly IReadOnlyDictionary<string, PropertyInfo> s_buckets = typeof(TokenUsage).GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.CanWrite).ToDictionary(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));

    public required CostCertainty Certainty { get; init; }

    /// <summary>The exact cost in US dollars, or what a bounded cost must hold; null when the cost is unknown.</summary>
    public decimal? CostUsd { get; init; }

    /// <summary>How <see cref="CostUsd"/> comes about: counts times list prices.</summary>
    public string? Arithmetic { get; init; }

    /// <summary>Every bucket that is not zero; compared whole when the cost is known.</summary>
    public IReadOnlyDictionary<string, long>? Buckets { get; init; }

    /// <summary>What must be noted about the counts; nothing when left out, and <c>*</c> is anything.</summary>
    public string? Flags { get; init; }

    /// <summary>The model that answered.</summary>
    public string? Model { get; init; }

    public CallStatus Status { get; init; } = CallStatus.Ok;

    public string? FinishReason { get; init; }

    public string? ServiceTier { get; init; }

    public string? Currency { get; init; }

    public decimal? NativeCost { get; init; }

    public decimal? FxRate { get; init; }

    /// <summary>A part of the reason that is given.</summary>
    public string? Reason { get; init; }

    /// <summary>Whether the caller gets an exception instead of an answer.</summary>
    public bool Throws { get; init; }

    /// <summary>What is wrong with the cost of the answer and the row in the ledger; empty when nothing is.</summary>
    public IReadOnlyList<string> Differences(CallCost? answer, UsageRecord row)
    {
        ArgumentNullException.ThrowIfNull(row);
        List<string> differences = [];
        Compare("status", Status, row.Status);
        CompareCost("the ledger", row.Cost, isRow: true);
        if (answer is not null)
        {
            CompareCost("the answer", answer, isRow: false);
        }

        if (Flags != "*")
        {
            Compare("flags", Flags ?? (Certainty == CostCertainty.Bounded ? row.Flags : null), row.Flags);
        }

        CompareGiven("model", Model, row.Model);
        CompareGiven("finish reason", FinishReason, row.FinishReason);
        CompareGiven("service tier", ServiceTier, row.ServiceTier);
        CompareGiven("currency", Currency, row.Currency);
        CompareGiven("native cost", NativeCost, row.NativeCost);
        CompareGiven("exchange rate", FxRate, row.FxRate);
        return differences;

        void CompareCost(string where, CallCost cost, bool isRow)
        {
            Compare($"certainty in {where}", Certainty, cost.Certainty);
            if (cost.Low < Money.Zero || cost.High < Money.Zero)
            {
                differences.Add($"{where} has a negative cost: {cost.Low} to {cost.High}");
            }

            if (CostUsd is { } usd && Certainty == CostCertainty.Known)
            {
                Compare($"cost in {where}", Money.FromUsd(usd), cost.Amount);
            }

            if (CostUsd is { } truth && Certainty == CostCertainty.Bounded && !(cost.Low <= Money.FromUsd(truth) && Money.FromUsd(truth) <= cost.High))
            {
                differences.Add($"bounds in {where}: {Money.FromUsd(truth)} expected between {cost.Low} and {cost.High}");
            }

            if (Certainty == CostCertainty.Bounded && CostUsd > 0m && cost.High == Money.Zero)
            {
                differences.Add($"{where} books nothing");
            }

            if (Certainty == CostCertainty.Unknown)
            {
                Compare($"cost in {where}", null, cost.Amount);
            }

            // The answer carries its reason; a row that is refined later may word it anew.
            if (Reason is { } reason && isRow && cost.Reason?.Contains(reason, StringComparison.OrdinalIgnoreCase) != true)
            {
                differences.Add($"reason in {where}: '{reason}' expected in '{cost.Reason}'");
            }

            if (Buckets is { } buckets)
            {
                foreach (var unknown in buckets.Keys.Except(s_buckets.Keys))
                {
                    differences.Add($"there is no bucket '{unknown}'");
                }

                foreach (var (name, property) in s_buckets)
                {
                    Compare($"{name} in {where}", buckets.GetValueOrDefault(name), (long)property.GetValue(cost.Usage)!);
                }
            }
        }

        void CompareGiven<T>(string what, T? expected, T? actual)
        {
            if (expected is not null)
            {
                Compare(what, expected, actual);
            }
        }

        void Compare<T>(string what, T expected, T actual)
        {
            if (!EqualityComparer<T>.Default.Equals(expected, actual))
            {
                differences.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: {Shown(expected)} expected, {Shown(actual)} found"));
            }
        }

        static object Shown<T>(T value) => value is null ? "none" : value;
    }
}
