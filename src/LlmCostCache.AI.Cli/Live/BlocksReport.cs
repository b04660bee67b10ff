using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Live;

/// <summary>How fast money goes: blocks of work, the rate in the one that runs, and where it and the budgets end at that rate.</summary>
internal sealed record BlocksReport
{
    private const int MinutesOfRate = 60;

    public required DateTimeOffset At { get; init; }

    public required TimeZoneInfo Zone { get; init; }

    public required IReadOnlyList<SpendBlock> Blocks { get; init; }

    /// <summary>The last 60 minutes, of which the rate is made: the same hour that budgets show.</summary>
    public LedgerTotal LastHour { get; init; } = new();

    public required IReadOnlyList<BudgetStatus> Budgets { get; init; }

    /// <summary>Whether what was asked for ends before now: where a block that goes on is heading cannot be told from a part of it.</summary>
    public bool IsOver { get; init; }

    /// <summary>The block that now lies in; null when the last one has ended.</summary>
    public SpendBlock? Running => IsOver ? null : Blocks.LastOrDefault(block => block.StartsAt <= At && block.EndsAt > At);

    public decimal UsdPerMinute => LastHour.Spent.Usd / MinutesOfRate;

    public decimal TokensPerMinute => (decimal)LastHour.Usage.TotalTokens / MinutesOfRate;

    /// <summary>What the running block will have cost at its end if it goes on as it went; null when none runs.</summary>
    public Money? Projected => Running is { } running ? Money.FromUsd(running.Spent.Usd + UsdPerMinute * (decimal)(running.EndsAt - At).Ticks / TimeSpan.TicksPerMinute) : null;

    public static async Task<BlocksReport> ReadAsync(LedgerView view, FilterChoice choice, TimeSpan length, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var budgets = await view.ReadStatusAsync(cancellationToken).ConfigureAwait(false);
        var filter = choice.In(view);

        // Where a block begins depends on where the one before it ended, and so on to the first call. A span chooses which are shown; if it cut them, they would move with the clock.
        var byHour = await view.Ledger.TotalsAsync(LedgerDimension.Hour, null, filter with { Since = null }, cancellationToken).ConfigureAwait(false);
        var blocks = SpendBlock.Of(byHour, view.Calendar, length).Where(block => filter.Since is not { } since || block.EndsAt > since).ToList();
        var report = new BlocksReport { At = now, Zone = view.Calendar.Zone, Blocks = blocks, IsOver = filter.Until < now, Budgets = budgets };
        if (report.Running is null)
        {
            return report;
        }

        var lastHour = filter with { Since = now - TimeSpan.FromMinutes(MinutesOfRate) };
        return report with { LastHour = (await view.Ledger.TotalsAsync(null, null, lastHour, cancellationToken).ConfigureAwait(false))[0] };
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        TotalJson.WriteInstant(json, "at", At);
        json.WriteString("timezone", Zone.Id);
        json.WriteStartArray("blocks");
        foreach (var block in Blocks)
        {
            json.WriteStartObject();
            TotalJson.WriteInstant(json, "since", block.StartsAt);
            TotalJson.WriteInstant(json, "until", block.EndsAt);
            json.WriteBoolean("running", block == Running);
            Write(json, block.Spent, block.Saved, block.Calls, block.Hits, block.Unpriced, block.Tokens);
            json.WriteStartArray("hours");
            foreach (var (startsAt, total) in block.Hours)
            {
                json.WriteStartObject();
                TotalJson.WriteInstant(json, "since", startsAt);
                Write(json, total.Spent, total.Saved, total.Calls, total.Hits, total.Unpriced, total.Usage.TotalTokens);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (Projected is { } projected)
        {
            json.WriteStartObject("burn");
            json.WriteString("last_hour_usd", Decimals.Text(LastHour.Spent));
            json.WriteNumber("last_hour_nanos", LastHour.Spent.Nanos);
            json.WriteNumber("unpriced", LastHour.Unpriced);
            json.WriteString("usd_per_minute", Decimals.Text(decimal.Round(UsdPerMinute, 9)));
            json.WriteNumber("tokens_per_minute", decimal.Round(TokensPerMinute, 2));
            json.WriteString("projected_usd", Decimals.Text(projected));
            json.WriteNumber("projected_nanos", projected.Nanos);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("burn");
        }

        json.WriteStartArray("budgets");
        foreach (var status in Budgets)
        {
            json.WriteStartObject();
            BudgetFields.Write(json, status.Budget);
            json.WriteString("key", status.Key);
            TotalJson.WriteInstant(json, "until", status.ResetsAt);
            BudgetFields.Write(json, "limit", status.Limit, status.Limit.Unit);
            BudgetFields.Write(json, "spent", status.Spent, status.Limit.Unit);
            BudgetFields.Write(json, "hourly", status.HourlyRate, status.Limit.Unit);
            BudgetFields.Write(json, "projected", status.Projected, status.Limit.Unit);
            json.WriteString("basis", BasisWord(status.ProjectionBasis));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public void Show(IAnsiConsole console)
    {
        var blocks = new FittingTable().Whole("block").Number("spent").Number("saved", 2).Number("calls", 1).Number("hits", 3).Number("tokens", 1).Number("unpriced", 4);
        foreach (var block in Blocks)
        {
            blocks.Row($"{Local(block.StartsAt).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)}-{Time(block.EndsAt, block)}{(block == Running ? " (now)" : "")}", Spent(block.Spent, block.Unpriced), Amounts.Text(block.Saved),
                Amounts.Count(block.Calls), Amounts.Count(block.Hits), Amounts.Count(block.Tokens), Amounts.Count(block.Unpriced));
        }

        blocks.WriteTo(console);
        console.WriteLine();
        if (Running is { } running)
        {
            ShowRunning(console, running);
        }
        else if (!IsOver || Blocks.Count == 0)
        {
            console.WriteLine(Blocks.Count == 0 ? "No calls in this time." : "No block is running: the last one has ended, and nothing was called since.");
        }

        var (low, spent) = (Blocks.Aggregate(Money.Zero, (sum, block) => sum + block.Low), Blocks.Aggregate(Money.Zero, (sum, block) => sum + block.Spent));
        if (low != spent)
        {
            console.WriteLine($"Some costs are estimates, counted at their upper end: the blocks cost between {Amounts.Text(low)} and {Amounts.Text(spent)}.");
        }

        if (Budgets.Count > 0)
        {
            console.WriteLine();
            ShowBudgets(console);
        }
    }

    private void ShowRunning(IAnsiConsole console, SpendBlock running)
    {
        var hours = new FittingTable().Whole("hour").Number("spent").Number("calls", 1).Number("tokens", 1);
        foreach (var (startsAt, total) in running.Hours)
        {
            hours.Row(Time(startsAt, running), Amounts.Spent(total), Amounts.Count(total.Calls), Amounts.Count(total.Usage.TotalTokens));
        }

        hours.WriteTo(console);
        console.WriteLine();
        console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Amounts.Spent(LastHour)} in the last hour: {Spent(Money.FromUsd(UsdPerMinute), LastHour.Unpriced)} and {TokensPerMinute:#,0} tokens per minute."));
        console.WriteLine($"At this rate the block costs {Spent(Projected!.Value, running.Unpriced + LastHour.Unpriced)} when it ends at {Time(running.EndsAt, running)} {Local(running.EndsAt).ToString("zzz", CultureInfo.InvariantCulture)}.");
    }

    private void ShowBudgets(IAnsiConsole console)
    {
        var table = new FittingTable().Words("budget").Number("limit").Number("spent").Number("last hour", 2).Number("projected").Words("", 1).Whole("at", 2).Words("goes by", 3);
        foreach (var status in Budgets)
        {
            table.Row(
                status.Key.Length == 0 ? status.Budget.Name : $"{status.Budget.Name} [{status.Key}]",
                BudgetFields.Text(status.Limit),
                BudgetFields.Text(status.Spent),
                status.HourlyRate is { } rate ? BudgetFields.Text(rate) : "",
                status.Projected is { } projected ? BudgetFields.About(projected) : "-",
                status.Projected is { } end && end.Count > status.Limit.Count ? "over the limit" : "",
                status.ResetsAt is { } at ? BudgetFields.Time(at, Zone) : "no end",
                BasisText(status.ProjectionBasis));
        }

        table.WriteTo(console);
    }

    public static string BasisWord(ProjectionBasis basis) => basis switch
    {
        ProjectionBasis.LastHour => "last_hour",
        ProjectionBasis.LastDay => "last_day",
        ProjectionBasis.HourOfWeek => "hour_of_week",
        _ => "none",
    };

    public static string BasisText(ProjectionBasis basis) => basis switch
    {
        ProjectionBasis.LastHour => "the last hour",
        ProjectionBasis.LastDay => "the last 24 hours",
        ProjectionBasis.HourOfWeek => "the hours of the last weeks",
        _ => "",
    };

    private static void Write(Utf8JsonWriter json, Money spent, Money saved, long calls, long hits, long unpriced, long tokens)
    {
        json.WriteString("spent_usd", Decimals.Text(spent));
        json.WriteNumber("spent_nanos", spent.Nanos);
        json.WriteNumber("saved_nanos", saved.Nanos);
        json.WriteNumber("calls", calls);
        json.WriteNumber("hits", hits);
        json.WriteNumber("unpriced", unpriced);
        json.WriteNumber("total_tokens", tokens);
    }

    private static string Spent(Money spent, long unpriced) => unpriced > 0 ? $">= {Amounts.Text(spent)}" : Amounts.Text(spent);

    private DateTimeOffset Local(DateTimeOffset at) => TimeZoneInfo.ConvertTime(at, Zone);

    /// <summary>A time of a block; in one of a day or longer the hour alone could be that of any day.</summary>
    private string Time(DateTimeOffset at, SpendBlock block) =>
        Local(at).ToString(block.EndsAt - block.StartsAt < TimeSpan.FromDays(1) ? "HH:mm" : "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}
