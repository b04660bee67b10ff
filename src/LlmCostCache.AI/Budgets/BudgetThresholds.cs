using System.Collections.Immutable;
using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>The shares of a limit that are announced when spending reaches them, the smallest first.</summary>
internal sealed class BudgetThresholds : IEquatable<BudgetThresholds>
{
    public const decimal Largest = 10m;

    // Each is a look-up when a call is recorded above it.
    private const int Most = 20;

    private BudgetThresholds(ImmutableArray<decimal> shares)
    {
        Shares = shares;
        Text = string.Join(';', shares.Select(share => share.ToString("0.############", CultureInfo.InvariantCulture)));
    }

    public static BudgetThresholds Default { get; } = new([0.5m, 0.8m, 0.9m, 1m]);

    public static BudgetThresholds None { get; } = new([]);

    public ImmutableArray<decimal> Shares { get; }

    /// <summary>As it stands in the ledger: <c>0.5;0.8</c>.</summary>
    public string Text { get; }

    /// <exception cref="ArgumentException">A share is not above zero, is above ten, or there are more than twenty.</exception>
    public static BudgetThresholds Of(params IEnumerable<decimal> shares)
    {
        ImmutableArray<decimal> sorted = [.. shares.Distinct().Order()];
        if (sorted.Length > Most)
        {
            throw new ArgumentException($"A budget announces at most {Most} thresholds.", nameof(shares));
        }

        foreach (var share in sorted)
        {
            if (share <= 0 || share > Largest)
            {
                throw new ArgumentOutOfRangeException(nameof(shares), share, "A threshold is a share of the limit above 0 and up to 10, such as 0.8 for 80 percent.");
            }

            if (decimal.Round(share, 4) != share)
            {
                throw new ArgumentOutOfRangeException(nameof(shares), share, "A threshold has at most four decimal places.");
            }
        }

        return sorted.IsEmpty ? None : new BudgetThresholds(sorted);
    }

    /// <summary>Reads <see cref="Text"/>, in any order.</summary>
    public static BudgetThresholds Parse(string text) =>
        Of(text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(share => decimal.Parse(share, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture)));

    /// <summary>Whether spending has come that far. Of a limit of zero nothing is reached until something was spent.</summary>
    public static bool IsReached(decimal share, BudgetAmount spent, BudgetAmount limit) => limit.Count <= 0 ? spent.Count > 0 : spent.Count >= share * limit.Count;

    public bool Equals(BudgetThresholds? other) => other is not null && Text == other.Text;

    public override bool Equals(object? obj) => Equals(obj as BudgetThresholds);

    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);
}
