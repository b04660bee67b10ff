using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace LlmCostCache.AI.Cli.Live;

/// <summary>What is to be seen at one moment.</summary>
internal sealed record WatchFrame
{
    /// <summary>The rate per minute is that of so many minutes: one minute jumps, an hour sleeps.</summary>
    public const int RateMinutes = 5;

    private const int MostBudgets = 12;

    public required DateTimeOffset At { get; init; }

    public required MinuteMeter.MinuteSum Minute { get; init; }

    public required MinuteMeter.MinuteSum FiveMinutes { get; init; }

    /// <summary>What each of the last minutes cost.</summary>
    public required IReadOnlyList<Money> Spends { get; init; }

    public required (long Median, long NinetyFifth, int Answers)? Latency { get; init; }

    public required LedgerTotal Today { get; init; }

    public required (long Calls, Money Amount) Pending { get; init; }

    public required IReadOnlyList<WindowBalance> Budgets { get; init; }

    private Money PerMinute => Money.FromNanos(FiveMinutes.Spent.Nanos / RateMinutes);

    private string PerMinuteText => Spent(PerMinute, FiveMinutes);

    /// <summary>The frame as one line, for pipes and logs.</summary>
    public string Line()
    {
        var budget = Budgets.Count == 0 ? "" : Budgets.MaxBy(BudgetGauge.Taken) is var tightest ? $"  {BudgetFields.NameOf(tightest.Window)} {Percent(BudgetGauge.Taken(tightest))}" : "";
        return Shown.OneLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{At:yyyy-MM-dd HH:mm:ss}  {PerMinuteText}/min  today {Amounts.Spent(Today)}  hits {Amounts.HitRateText(Today)}  {Wait()}  failed {FiveMinutes.Failed}  running {Pending.Calls}{budget}"));
    }

    /// <summary>The whole frame.</summary>
    public IRenderable Drawn(IAnsiConsole console)
    {
        var blocks = new Blocks(console);
        var parts = new List<IRenderable>
        {
            Text(string.Create(CultureInfo.InvariantCulture, $"llmcost watch   {At:yyyy-MM-dd HH:mm:ss zzz}   Ctrl+C ends it")),
            Text(""),
            Sums().Fitted(console.Profile.Width, out _),
            Text(""),
            Text($"{PerMinuteText} per minute over the last {RateMinutes} minutes   {Wait()}"),
            Text($"running {Amounts.Count(Pending.Calls, "call")}, {Amounts.Text(Pending.Amount)} reserved"),
            Text($"{blocks.Line([.. Spends.Select(spend => (decimal)spend.Nanos)])}   the last {Spends.Count} minutes, highest {Amounts.Text(Spends.Aggregate(Money.Zero, Money.Max))}"),
        };
        if (Today.Low != Today.Spent)
        {
            parts.Add(Text($"Some costs of today are estimates, counted at their upper end: between {Amounts.Text(Today.Low)} and {Amounts.Text(Today.Spent)}."));
        }

        if (Budgets.Count > 0)
        {
            parts.Add(Text(""));
            parts.Add(Bars(blocks).Fitted(console.Profile.Width, out _));
            if (Budgets.Count > MostBudgets)
            {
                parts.Add(Text($"The fullest {MostBudgets} of {Amounts.Count(Budgets.Count)}; 'llmcost budget list' shows every budget."));
            }
        }

        return new Rows(parts);
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        TotalJson.WriteInstant(json, "at", At);
        json.WriteString("usd_per_minute", Decimals.Text(PerMinute));
        Write(json, "last_minute", Minute);
        Write(json, "last_5_minutes", FiveMinutes);
        json.WriteStartObject("today");
        TotalJson.WriteFields(json, Today);
        json.WriteEndObject();
        if (Latency is { } latency)
        {
            json.WriteStartObject("latency");
            json.WriteNumber("median_ms", latency.Median);
            json.WriteNumber("p95_ms", latency.NinetyFifth);
            json.WriteNumber("answers", latency.Answers);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("latency");
        }

        json.WriteNumber("running", Pending.Calls);
        json.WriteNumber("reserved_nanos", Pending.Amount.Nanos);
        json.WriteStartArray("budgets");
        foreach (var balance in Budgets)
        {
            json.WriteStartObject();
            BudgetFields.Write(json, balance.Window.Budget);
            json.WriteString("key", balance.Window.Key);
            BudgetFields.Write(json, "limit", balance.Limit, balance.Limit.Unit);
            BudgetFields.Write(json, "spent", balance.Spent, balance.Limit.Unit);
            BudgetFields.Write(json, "reserved", balance.Reserved, balance.Limit.Unit);
            json.WriteNumber("used_share", decimal.Round(BudgetGauge.Taken(balance), 4));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, string name, MinuteMeter.MinuteSum sum)
    {
        json.WriteStartObject(name);
        json.WriteNumber("spent_nanos", sum.Spent.Nanos);
        json.WriteNumber("saved_nanos", sum.Saved.Nanos);
        json.WriteNumber("calls", sum.Calls);
        json.WriteNumber("hits", sum.Hits);
        json.WriteNumber("failed", sum.Failed);
        json.WriteNumber("blocked", sum.Blocked);
        json.WriteNumber("unpriced", sum.Unpriced);
        json.WriteNumber("total_tokens", sum.Tokens);
        json.WriteEndObject();
    }

    private static Text Text(string line) => Plain.Cell(line);

    /// <summary>A lower bound when calls of these minutes have no price.</summary>
    private static string Spent(Money amount, MinuteMeter.MinuteSum sum) => sum.Unpriced > 0 ? $">= {Amounts.Text(amount)}" : Amounts.Text(amount);

    private static string Percent(decimal share) => string.Create(CultureInfo.InvariantCulture, $"{decimal.Floor(share * 100):0}%");

    private FittingTable Sums()
    {
        var table = new FittingTable().Words("").Number("spent").Number("saved", 3).Number("calls").Number("hit rate", 2).Number("failed", 1).Number("blocked", 4);
        Row("last minute", Minute);
        Row($"last {RateMinutes} minutes", FiveMinutes);
        table.Row("today", Amounts.Spent(Today), Amounts.Text(Today.Saved), Amounts.Count(Today.Calls), Amounts.HitRateText(Today), Amounts.Count(Today.Failed), Amounts.Count(Today.Blocked));
        return table;

        void Row(string name, MinuteMeter.MinuteSum sum) => table.Row(
            name,
            Spent(sum.Spent, sum),
            Amounts.Text(sum.Saved),
            Amounts.Count(sum.Calls),
            sum.Calls == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{(decimal)sum.Hits / sum.Calls:0.0%}"),
            Amounts.Count(sum.Failed),
            Amounts.Count(sum.Blocked));
    }

    private string Wait() => Latency is { } latency
        ? string.Create(CultureInfo.InvariantCulture, $"latency {latency.Median / 1000m:0.0} s, slow {latency.NinetyFifth / 1000m:0.0} s")
        : "latency -";

    private FittingTable Bars(Blocks blocks)
    {
        WindowBalance[] fullest = [.. Budgets.OrderByDescending(BudgetGauge.Taken).Take(MostBudgets)];
        var table = new FittingTable().Words("budget").Bars("", 2, row => BudgetGauge.Colour(BudgetGauge.Taken(fullest[row]))).Number("used").Number("left", 1);
        foreach (var balance in fullest)
        {
            var share = BudgetGauge.Taken(balance);
            table.Row(BudgetFields.NameOf(balance.Window), BudgetGauge.Bar(share, blocks), Percent(share), BudgetFields.Text(BudgetGauge.Left(balance)));
        }

        return table;
    }
}
