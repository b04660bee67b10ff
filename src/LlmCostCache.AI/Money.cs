using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>An exact amount of US dollars, counted in nano-dollars (10⁻⁹ USD).</summary>
/// <remarks>All arithmetic is checked: an amount beyond ±9.2 billion dollars throws <see cref="OverflowException"/> and never wraps.</remarks>
public readonly struct Money : IEquatable<Money>, IComparable<Money>, IComparable, IFormattable
{
    private const decimal NanosPerUsd = 1_000_000_000m;

    private Money(long nanos) => Nanos = nanos;

    /// <summary>No money.</summary>
    public static Money Zero => default;

    /// <summary>The largest amount that can be counted; stands for "no upper end is known".</summary>
    public static Money MaxValue => new(long.MaxValue);

    /// <summary>The amount in nano-dollars.</summary>
    public long Nanos { get; }

    /// <summary>The amount in dollars, exact.</summary>
    public decimal Usd => Nanos / NanosPerUsd;

    /// <summary>An amount from dollars, rounded half to even to the nearest nano-dollar: the rounding of what is recorded.</summary>
    /// <exception cref="OverflowException">The amount does not fit.</exception>
    public static Money FromUsd(decimal usd) => new(checked((long)decimal.Round(usd * NanosPerUsd, 0, MidpointRounding.ToEven)));

    /// <summary>An amount from dollars, rounded up to the next nano-dollar: the rounding of what is promised or reserved.</summary>
    /// <exception cref="OverflowException">The amount does not fit.</exception>
    public static Money FromUsdRoundedUp(decimal usd) => new(checked((long)decimal.Ceiling(usd * NanosPerUsd)));

    /// <summary>An amount from nano-dollars.</summary>
    public static Money FromNanos(long nanos) => new(nanos);

    /// <summary>The smaller of two amounts.</summary>
    public static Money Min(Money left, Money right) => left.Nanos <= right.Nanos ? left : right;

    /// <summary>The larger of two amounts.</summary>
    public static Money Max(Money left, Money right) => left.Nanos >= right.Nanos ? left : right;

    /// <inheritdoc/>
    public int CompareTo(Money other) => Nanos.CompareTo(other.Nanos);

    /// <inheritdoc/>
    public int CompareTo(object? obj) => obj switch
    {
        null => 1,
        Money other => CompareTo(other),
        _ => throw new ArgumentException($"An amount can only be compared with {nameof(Money)}.", nameof(obj)),
    };

    /// <inheritdoc/>
    public bool Equals(Money other) => Nanos == other.Nanos;

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Money other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Nanos.GetHashCode();

    /// <summary>The amount as dollars with every digit that counts, for example <c>$0.005615</c>; never rounded, always with a point.</summary>
    public override string ToString() => ToString(null, CultureInfo.InvariantCulture);

    /// <summary>The amount as dollars.</summary>
    /// <param name="format">A numeric format for the dollars; when null or empty, every digit that counts.</param>
    /// <param name="formatProvider">The culture of the number; when null, the invariant one.</param>
    public string ToString(string? format, IFormatProvider? formatProvider)
    {
        formatProvider ??= CultureInfo.InvariantCulture;
        var dollars = Math.Abs(Usd).ToString(string.IsNullOrEmpty(format) ? "0.00#######" : format, formatProvider);
        return Nanos < 0 ? "-$" + dollars : "$" + dollars;
    }

    /// <summary>Adds two amounts.</summary>
    /// <exception cref="OverflowException">The sum does not fit.</exception>
    public static Money operator +(Money left, Money right) => new(checked(left.Nanos + right.Nanos));

    /// <summary>Subtracts an amount.</summary>
    /// <exception cref="OverflowException">The difference does not fit.</exception>
    public static Money operator -(Money left, Money right) => new(checked(left.Nanos - right.Nanos));

    /// <summary>Negates an amount.</summary>
    /// <exception cref="OverflowException">The result does not fit.</exception>
    public static Money operator -(Money value) => new(checked(-value.Nanos));

    /// <summary>Multiplies an amount by a count.</summary>
    /// <exception cref="OverflowException">The product does not fit.</exception>
    public static Money operator *(Money value, long count) => new(checked(value.Nanos * count));

    /// <summary>Whether two amounts are the same.</summary>
    public static bool operator ==(Money left, Money right) => left.Nanos == right.Nanos;

    /// <summary>Whether two amounts differ.</summary>
    public static bool operator !=(Money left, Money right) => left.Nanos != right.Nanos;

    /// <summary>Whether the left amount is smaller.</summary>
    public static bool operator <(Money left, Money right) => left.Nanos < right.Nanos;

    /// <summary>Whether the left amount is smaller or the same.</summary>
    public static bool operator <=(Money left, Money right) => left.Nanos <= right.Nanos;

    /// <summary>Whether the left amount is larger.</summary>
    public static bool operator >(Money left, Money right) => left.Nanos > right.Nanos;

    /// <summary>Whether the left amount is larger or the same.</summary>
    public static bool operator >=(Money left, Money right) => left.Nanos >= right.Nanos;
}
