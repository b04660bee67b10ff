using System.Globalization;
using System.Text;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Live;

/// <summary>One short line for prompts and editors: what today cost, and how near the nearest limit is.</summary>
internal sealed class StatusLine
{
    public const string DefaultFormat = "{spent} today | {budget} | {hits} hits";

    /// <summary>Parts between these are left out when a value in them is missing.</summary>
    private const string Bar = " | ";

    /// <summary>Less than that is not nothing, and would look like it.</summary>
    private const long NanosOfLeast = 100_000;

    /// <summary>What a format may ask for.</summary>
    public static readonly string[] Words = ["spent", "spent_week", "spent_month", "saved", "calls", "hits", "budget", "left", "unpriced"];

    private readonly Dictionary<string, string?> _values = new(StringComparer.Ordinal);

    public LedgerTotal Today { get; private init; } = new();

    public LedgerTotal Week { get; private init; } = new();

    public LedgerTotal Month { get; private init; } = new();

    /// <summary>The budget of which the largest share is spent or reserved; null without budgets.</summary>
    public WindowBalance? Tightest { get; private init; }

    public decimal? TightestShare => Tightest is { } balance ? BudgetGauge.Taken(balance) : null;

    /// <exception cref="StoreUnavailableException">The ledger cannot be read.</exception>
    public static StatusLine Read(string home, TimeZoneInfo? zone, TimeProvider time, CancellationToken cancellationToken)
    {
        using var reader = LedgerReader.Open(LedgerFile.PathIn(home), time);
        var balances = reader.Balances();
        reader.Calendar = zone is null ? reader.Calendar : reader.Calendar.In(zone);
        var now = time.GetUtcNow();
        var line = new StatusLine
        {
            Today = Total(BudgetPeriod.Day),
            Week = Total(BudgetPeriod.Week),
            Month = Total(BudgetPeriod.Month),
            Tightest = balances.Count == 0 ? null : balances.MaxBy(BudgetGauge.Taken),
        };
        line.Fill();
        return line;

        LedgerTotal Total(BudgetPeriod period)
        {
            var (since, until) = reader.Calendar.WindowOf(period, now);
            return reader.Totals(null, null, new() { Since = since, Until = until }, cancellationToken)[0];
        }
    }

    /// <exception cref="UsageException">The format asks for something that there is not.</exception>
    public static void RequireKnownWords(string format)
    {
        for (var open = format.IndexOf('{', StringComparison.Ordinal); open >= 0; open = format.IndexOf('{', open + 1))
        {
            var close = format.IndexOf('}', open);
            if (close < 0 || !Words.Contains(format[(open + 1)..close], StringComparer.Ordinal))
            {
                throw new UsageException($"--format has '{(close < 0 ? format[open..] : format[open..(close + 1)])}'; it may have {string.Join(", ", Words.Select(word => $"{{{word}}}"))}.");
            }
        }
    }

    /// <param name="format">A format whose words are known.</param>
    /// <param name="colors">Whether escape sequences colour the nearest limit.</param>
    public string Text(string format, bool colors)
    {
        return string.Join(Bar, format.Split(Bar).Select(part => Filled(part, colors)).OfType<string>());
    }

    /// <summary>A part with the values of its words; null when one is missing. A value may look like a word: a budget is called as somebody likes.</summary>
    private string? Filled(string part, bool colors)
    {
        var (text, end) = (new StringBuilder(), 0);
        for (var open = part.IndexOf('{', StringComparison.Ordinal); open >= 0; open = part.IndexOf('{', end))
        {
            var close = part.IndexOf('}', open);
            var word = part[(open + 1)..close];
            if (_values[word] is not { } value)
            {
                return null;
            }

            text.Append(part, end, open - end).Append(word == "budget" && colors ? $"\u001b[{Color()}m{value}\u001b[0m" : value);
            end = close + 1;
        }

        return text.Append(part, end, part.Length - end).ToString();
    }

    private int Color() => TightestShare switch { >= 1 => 31, >= BudgetGauge.NearlyUsed => 33, _ => 32 };

    private void Fill()
    {
        _values["spent"] = Spent(Today);
        _values["spent_week"] = Spent(Week);
        _values["spent_month"] = Spent(Month);
        _values["saved"] = Short(Today.Saved);
        _values["calls"] = Amounts.Count(Today.Calls);
        _values["hits"] = Amounts.HitRate(Today) is { } rate ? rate.ToString("0%", CultureInfo.InvariantCulture) : null;
        _values["unpriced"] = Today.Unpriced == 0 ? null : Amounts.Unpriced(Today.Unpriced);
        _values["budget"] = Tightest is { } budget
            ? string.Create(CultureInfo.InvariantCulture, $"{Shown.OneLine(BudgetFields.NameOf(budget.Window))} {decimal.Floor(BudgetGauge.Taken(budget) * 100):0}%")
            : null;
        _values["left"] = Tightest is not { } tightest ? null
            : tightest.Limit.Unit == BudgetUnit.Usd ? Short(BudgetGauge.Left(tightest).Money) : BudgetFields.Text(BudgetGauge.Left(tightest));
    }

    private static string Spent(LedgerTotal total) => total.Unpriced > 0 ? $">= {Short(total.Spent)}" : Short(total.Spent);

    /// <summary>Cents, and below a dollar what is left of them: a prompt has no room for nano-dollars.</summary>
    private static string Short(Money amount) => amount.Nanos is > 0 and < NanosOfLeast ? "< $0.0001" : amount.ToString(Math.Abs(amount.Usd) is >= 1 or 0 ? "#,0.00" : "0.00##", CultureInfo.InvariantCulture);
}
