using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>An amount in the unit that a budget counts: dollars, tokens or requests. Amounts of different units never meet.</summary>
/// <remarks>All arithmetic is checked: an amount that does not fit throws <see cref="OverflowException"/> and never wraps.</remarks>
public readonly struct BudgetAmount : IEquatable<BudgetAmount>, IComparable<BudgetAmount>
{
    private BudgetAmount(BudgetUnit unit, long count)
    {
        Unit = unit;
        Count = count;
    }

    /// <summary>What is counted.</summary>
    public BudgetUnit Unit { get; }

    /// <summary>How much: tokens, requests, or nano-dollars (10⁻⁹ USD).</summary>
    public long Count { get; }

    /// <summary>The amount as money.</summary>
    /// <exception cref="InvalidOperationException">It is not money.</exception>
    public Money Money => Unit == BudgetUnit.Usd ? Money.FromNanos(Count) : throw new InvalidOperationException($"{this} is not money. Look at Unit first, or read Count.");

    /// <summary>The amount in dollars, exact.</summary>
    /// <exception cref="InvalidOperationException">It is not money.</exception>
    public decimal Usd => Money.Usd;

    internal long Nanos => Money.Nanos;

    /// <summary>Dollars, rounded half to even to the nearest nano-dollar.</summary>
    /// <exception cref="OverflowException">The amount does not fit.</exception>
    public static BudgetAmount FromUsd(decimal usd) => Money.FromUsd(usd);

    /// <summary>Dollars.</summary>
    public static BudgetAmount FromMoney(Money money) => money;

    /// <summary>Tokens.</summary>
    public static BudgetAmount Tokens(long count) => new(BudgetUnit.Tokens, count);

    /// <summary>Requests.</summary>
    public static BudgetAmount Requests(long count) => new(BudgetUnit.Requests, count);

    internal static BudgetAmount Of(BudgetUnit unit, long count) => new(unit, count);

    internal static BudgetAmount Min(BudgetAmount left, BudgetAmount right) => left <= right ? left : right;

    internal static BudgetAmount Max(BudgetAmount left, BudgetAmount right) => left >= right ? left : right;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The units differ.</exception>
    public int CompareTo(BudgetAmount other) => Count.CompareTo(SameUnit(other).Count);

    /// <inheritdoc/>
    public bool Equals(BudgetAmount other) => Unit == other.Unit && Count == other.Count;

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is BudgetAmount other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Unit, Count);

    /// <summary>For example <c>$0.05</c>, <c>1,200 tokens</c> or <c>1 request</c>.</summary>
    public override string ToString() => Unit switch
    {
        BudgetUnit.Usd => Money.FromNanos(Count).ToString(),
        BudgetUnit.Tokens => string.Create(CultureInfo.InvariantCulture, $"{Count:N0} {(Count == 1 ? "token" : "tokens")}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Count:N0} {(Count == 1 ? "request" : "requests")}"),
    };

    /// <summary>Money is an amount in dollars.</summary>
    public static implicit operator BudgetAmount(Money money) => new(BudgetUnit.Usd, money.Nanos);

    /// <summary>Adds two amounts of one unit.</summary>
    /// <exception cref="InvalidOperationException">The units differ.</exception>
    /// <exception cref="OverflowException">The sum does not fit.</exception>
    public static BudgetAmount operator +(BudgetAmount left, BudgetAmount right) => new(left.Unit, checked(left.Count + left.SameUnit(right).Count));

    /// <summary>Subtracts an amount of the same unit.</summary>
    /// <exception cref="InvalidOperationException">The units differ.</exception>
    /// <exception cref="OverflowException">The difference does not fit.</exception>
    public static BudgetAmount operator -(BudgetAmount left, BudgetAmount right) => new(left.Unit, checked(left.Count - left.SameUnit(right).Count));

    /// <summary>Adds two amounts of one unit.</summary>
    public static BudgetAmount Add(BudgetAmount left, BudgetAmount right) => left + right;

    /// <summary>Subtracts an amount of the same unit.</summary>
    public static BudgetAmount Subtract(BudgetAmount left, BudgetAmount right) => left - right;

    /// <summary>Whether unit and amount are the same.</summary>
    public static bool operator ==(BudgetAmount left, BudgetAmount right) => left.Equals(right);

    /// <summary>Whether unit or amount differ.</summary>
    public static bool operator !=(BudgetAmount left, BudgetAmount right) => !left.Equals(right);

    /// <summary>Whether the left amount is smaller.</summary>
    /// <exception cref="InvalidOperationException">The units differ.</exception>
    public static bool operator <(BudgetAmount left, BudgetAmount right) => left.CompareTo(right) < 0;

    /// <summary>Whether the left amount is smaller or the same.</summary>
    /// <exception cref="InvalidOperationException">The units differ.</exception>
    public static bool operator <=(BudgetAmount left, BudgetAmount right) => left.CompareTo(right) <= 0;

    /// <summary>Whether the left amount is larger.</summary>
    /// <exception cref="InvalidOperationException">The units differ.</exception>
    public static bool operator >(BudgetAmount left, BudgetAmount right) => left.CompareTo(right) > 0;

    /// <summary>Whether the left amount is larger or the same.</summary>
    /// <exception cref="InvalidOperationException">The units differ.</exception>
    public static bool operator >=(BudgetAmount left, BudgetAmount right) => left.CompareTo(right) >= 0;

    private BudgetAmount SameUnit(BudgetAmount other) =>
        other.Unit == Unit ? other : throw new InvalidOperationException($"{this} and {other} cannot be compared or added: they are of different units.");
}
