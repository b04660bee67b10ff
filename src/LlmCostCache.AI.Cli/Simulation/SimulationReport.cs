using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>The strategies beside each other, and what was assumed.</summary>
internal sealed class SimulationReport
{
    private const decimal DaysOfMonth = 365m / 12;

    private readonly TraceReplay _done;
    private readonly SimulationPlan _plan;
    private readonly StrategyRun _base;

    public SimulationReport(TraceReplay done)
    {
        (_done, _plan, _base) = (done, done.Plan, done.Runs[0]);
        var leftOut = new List<(Strategy Strategy, string Reason)>();
        foreach (var run in done.Runs)
        {
            if (WhyNot(run.Strategy) is { } reason)
            {
                leftOut.Add((run.Strategy, reason));
            }
        }

        LeftOut = leftOut;
        Shown = [.. done.Runs.Where(run => leftOut.TrueForAll(left => left.Strategy != run.Strategy))];
    }

    public IReadOnlyList<StrategyRun> Shown { get; }

    /// <summary>Strategies of which the trace, or who asks, does not say enough.</summary>
    public IReadOnlyList<(Strategy Strategy, string Reason)> LeftOut { get; }

    private bool KnowsRepeats => _done.Keyed > 0 || _done.RecordedHits > 0;

    private bool KnowsPrompts => _done.Blocked > 0 || _done.PromptCached > 0;

    private bool HasDays => _done.Days >= 1m;

    public void Show(IAnsiConsole console)
    {
        if (_done.Calls == 0)
        {
            console.WriteLine("The trace holds no call that can be replayed.");
            return;
        }

        console.WriteLine(HasDays
            ? string.Create(CultureInfo.InvariantCulture, $"{Amounts.Count(_done.Calls, "call")} on {_done.Days:0.0} days, {Instant(_done.First)} to {Instant(_done.Last)}")
            : $"{Amounts.Count(_done.Calls, "call")} in {Span(_done.Last!.Value - _done.First!.Value)}, from {Instant(_done.First)}");
        console.WriteLine();
        var table = new FittingTable().Words("strategy").Number(HasDays ? "asked/day" : "asked").Number("mean ms", 2).Number("p95 ms", 3)
            .Number("cost").Number("a month", 1).Number("change").Number("hits", 4).Number("refused", 1).Number("unpriced", 1);
        foreach (var run in Shown)
        {
            table.Row([.. Cells(run)]);
        }

        table.WriteTo(console);
        console.WriteLine();
        foreach (var sentence in Sentences())
        {
            console.WriteLine(Rendering.Shown.OneLine(sentence));
        }
    }

    public string Markdown()
    {
        var text = new StringBuilder();
        string[] names = ["strategy", HasDays ? "asked/day" : "asked", "mean ms", "p95 ms", "cost", "a month", "change", "hits", "refused", "unpriced"];
        text.Append("| ").AppendJoin(" | ", names).Append(" |\n|---|").Insert(text.Length, "---:|", names.Length - 1).Append('\n');
        foreach (var run in Shown)
        {
            text.Append("| ").AppendJoin(" | ", Cells(run).Select(ReportMarkdown.Escaped)).Append(" |\n");
        }

        foreach (var sentence in Sentences())
        {
            text.Append('\n').Append(ReportMarkdown.Escaped(sentence)).Append('\n');
        }

        return text.ToString();
    }

    public byte[] Csv()
    {
        var output = new ArrayBufferWriter<byte>();
        using var line = new CsvExportLine(output);
        line.Header(() => Write(line, _base));
        foreach (var run in Shown)
        {
            Write(line, run);
            line.End();
        }

        return output.WrittenSpan.ToArray();
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.WriteNumber("calls", _done.Calls);
        TotalJson.WriteInstant(json, "first_call", _done.First);
        TotalJson.WriteInstant(json, "last_call", _done.Last);
        json.WriteNumber("days", decimal.Round(_done.Days, 4));
        json.WriteNumber("keyed", _done.Keyed);
        json.WriteNumber("recorded_hits", _done.RecordedHits);
        json.WriteNumber("with_blocks", _done.Blocked);
        json.WriteNumber("prompt_cached", _done.PromptCached);
        json.WriteStartObject("not_replayed");
        json.WriteNumber("failed", _done.Failed);
        json.WriteNumber("refused_before", _done.RefusedBefore);
        json.WriteNumber("uncounted", _done.Uncounted);
        json.WriteEndObject();
        WriteAssumed(json);
        json.WriteStartArray("strategies");
        foreach (var run in Shown)
        {
            Write(json, run);
        }

        json.WriteEndArray();
        json.WriteStartArray("left_out");
        foreach (var (strategy, reason) in LeftOut)
        {
            json.WriteStartObject();
            json.WriteString("strategy", strategy.Name);
            json.WriteString("reason", reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("wrong_lines", _done.Wrong);
        json.WriteStartArray("rejections");
        foreach (var wrong in _done.WrongLines)
        {
            json.WriteStartObject();
            json.WriteString("file", wrong.File);
            json.WriteNumber("line", wrong.Line);
            json.WriteString("reason", wrong.Wrong);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteAssumed(Utf8JsonWriter json)
    {
        json.WriteStartObject("assumed");
        json.WriteString("model", _plan.Model);
        json.WriteString("provider", _plan.Provider);
        json.WriteString("cache", _plan.Caches ? "exact" : "off");
        json.WriteNumber("ttl_seconds", (long)_plan.TimeToLive.TotalSeconds);
        json.WriteNumber("max_entries", _plan.MaxEntries);
        json.WriteNumber("prompt_ttl_seconds", (long)_plan.PromptLifetime.TotalSeconds);
        json.WriteString("batch_tier", _plan.BatchTier);
        json.WriteNumber("batch_share", _plan.BatchShare);
        json.WriteString("cheaper_model", _plan.CheaperModel);
        json.WriteNumber("cheaper_share", _plan.CheaperShare);
        json.WriteNumber("hit_ms", LatencyModel.HitMs);
        json.WriteNumber("first_ms", _plan.Latency.FirstMs);
        json.WriteNumber("input_token_ms", _plan.Latency.InputMs);
        json.WriteNumber("output_token_ms", _plan.Latency.OutputMs);
        json.WriteStartArray("budgets");
        foreach (var budget in _plan.Budgets)
        {
            json.WriteStartObject();
            BudgetFields.Write(json, budget);
            json.WriteString("mode", BudgetText.Word(budget.Mode));
            BudgetFields.Write(json, "limit", budget.Amount, budget.Unit);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void Write(Utf8JsonWriter json, StrategyRun run)
    {
        json.WriteStartObject();
        json.WriteString("strategy", run.Strategy.Name);
        json.WriteNumber("asked", run.Asked);
        json.WriteNumber("hits", run.Hits);
        json.WriteNumber("refused", run.Refused);
        json.WriteNumber("batched", run.Batched);
        json.WriteNumber("not_batchable", run.NotBatchable);
        json.WriteNumber("cheapened", run.Cheapened);
        json.WriteNumber("evicted", run.Evicted);
        json.WriteNumber("unpriced", run.Unpriced);
        json.WriteString("reason", run.WhyUnpriced);
        WriteMoney(json, "cost", IsUnknown(run) ? null : run.Cost);
        WriteMoney(json, "month", MonthOf(run));
        WriteDecimal(json, "change_percent", ChangeOf(run));
        WriteDecimal(json, "asked_per_day", PerDay(run));
        WriteDecimal(json, "mean_ms", run.Latency.Mean);
        WriteDecimal(json, "p95_ms", run.Latency.Percentile(95));
        json.WriteNumber("input_tokens", run.InputTokens);
        json.WriteNumber("cached_input_tokens", run.CachedInputTokens);
        json.WriteNumber("cache_write_tokens", run.WrittenInputTokens);
        json.WriteNumber("output_tokens", run.OutputTokens);
        json.WriteEndObject();
    }

    private void Write(CsvExportLine line, StrategyRun run)
    {
        line.Text("strategy", run.Strategy.Name);
        line.Number("asked", run.Asked);
        line.Number("hits", run.Hits);
        line.Number("refused", run.Refused);
        line.Number("batched", run.Batched);
        line.Number("cheapened", run.Cheapened);
        line.Number("unpriced", run.Unpriced);
        line.Number("cost_nanos", IsUnknown(run) ? null : run.Cost.Nanos);
        line.Decimal("cost_usd", IsUnknown(run) ? null : run.Cost.Usd);
        line.Decimal("month_usd", MonthOf(run)?.Usd);
        line.Decimal("change_percent", ChangeOf(run));
        line.Decimal("asked_per_day", PerDay(run));
        line.Decimal("mean_ms", run.Latency.Mean);
        line.Number("p95_ms", run.Latency.Percentile(95));
        line.Number("input_tokens", run.InputTokens);
        line.Number("cached_input_tokens", run.CachedInputTokens);
        line.Number("cache_write_tokens", run.WrittenInputTokens);
        line.Number("output_tokens", run.OutputTokens);
    }

    private IEnumerable<string> Cells(StrategyRun run)
    {
        var least = run.Unpriced > 0 ? ">= " : "";
        yield return run.Strategy.Name;
        yield return PerDay(run) is { } perDay ? perDay.ToString("#,0.#", CultureInfo.InvariantCulture) : Amounts.Count(run.Asked);
        yield return run.Latency.Mean is { } mean ? mean.ToString("#,0", CultureInfo.InvariantCulture) : "-";
        yield return run.Latency.Percentile(95) is { } slow ? Amounts.Count(slow) : "-";
        yield return IsUnknown(run) ? "unknown" : least + Rounded(run.Cost);
        yield return !HasDays ? "" : MonthOf(run) is { } month ? least + Rounded(month) : "unknown";
        yield return run == _base ? "" : ChangeOf(run) is { } change ? change.ToString("+0.0'%';-0.0'%';0.0'%'", CultureInfo.InvariantCulture) : "-";
        yield return run.Strategy.Caches && KnowsRepeats ? Amounts.Count(run.Hits) : "";
        yield return _plan.Budgets.Count > 0 ? Amounts.Count(run.Refused) : "";
        yield return Shown.Any(shown => shown.Unpriced > 0) ? Amounts.Count(run.Unpriced) : "";
    }

    private IEnumerable<string> Sentences()
    {
        yield return "base: every call is asked, and every prompt read anew. Costs are by the price book; latencies are modelled"
            + string.Create(CultureInfo.InvariantCulture, $" ({_plan.Latency.FirstMs:0.##} ms, {_plan.Latency.InputMs:0.####} ms a token read anew, {_plan.Latency.OutputMs:0.####} ms a token written; a hit {LatencyModel.HitMs:0} ms).");
        if (_plan.Caches && KnowsRepeats)
        {
            yield return _done.Keyed > 0
                ? $"cached: the same request is bought once in {Span(_plan.TimeToLive)} and then free, with room for {Amounts.Count(_plan.MaxEntries, "answer")}. In production traces 0.3 to 1% of the requests are exact repeats; jobs that run again have more."
                : "cached: the hits are those that were recorded; whether other calls were repeats is not in the trace, so --ttl and --max-entries change nothing.";
            if (_done.Keyed > 0 && _done.Keyed < _done.Calls)
            {
                yield return $"{Amounts.Count(_done.Calls - _done.Keyed, "call")} of the trace name no request and are never a repeat here.";
            }
        }

        if (KnowsPrompts)
        {
            yield return _done.Blocked > 0
                ? $"prompt cache: the provider reads what it had of a prompt less than {Span(_plan.PromptLifetime)} ago, by its own rules and prices; for Claude each prompt is marked at its end, and what is new is written at the premium."
                : "prompt cache: what the provider read from its cache and wrote to it is what was recorded.";
        }

        if (Both() is var (alone, beside))
        {
            yield return $"What the exact cache saves is {Rounded(_base.Cost - alone)} gross, beside the provider's prompt cache {Rounded(beside)} net.";
        }

        if (Shown.FirstOrDefault(run => run.Strategy == Strategy.Batched) is { } batched)
        {
            yield return $"batched: what can wait ({Amounts.Count(batched.Batched, "call")}) goes to the {_plan.BatchTier} tier, one by one; no requests are packed into one. Nobody waits for it, so it is in no latency."
                + (batched.NotBatchable > 0 ? $" {Amounts.Count(batched.NotBatchable, "call")} stayed, because the model has no price there." : "");
        }

        if (_plan.CheaperModel is { } cheaper && Shown.FirstOrDefault(run => run.Strategy == Strategy.Cheaper) is { } run2)
        {
            yield return $"cheaper model: {cheaper} gets {Amounts.Count(run2.Cheapened, "call")} with the same token counts. Whether its answers are good enough, and how long they are, is not in a trace.";
        }

        if (_plan.Budgets.Count > 0)
        {
            yield return "A budget refuses here when the cost of the call does not fit. The product holds the most that a call can cost, so it refuses or shortens a little earlier.";
        }

        foreach (var (strategy, reason) in LeftOut.Where(left => left.Strategy == Strategy.Cached || left.Strategy == Strategy.PromptCache || left.Strategy == Strategy.Batched))
        {
            yield return $"Left out: {strategy.Name}, because {reason}."
                + (strategy == Strategy.Cached && _plan.Caches ? " In production traces 0.3 to 1% of the requests are exact repeats." : "");
        }

        if (_base.WhyUnpriced is { } why)
        {
            yield return $"{Amounts.Unpriced(_base.Unpriced)} ({why.TrimEnd('.')}): in no sum, and nothing is compared.";
        }

        if (!HasDays)
        {
            yield return "Less than a day of calls says nothing about a month.";
        }

        if (_done.Failed + _done.RefusedBefore + _done.Uncounted > 0)
        {
            yield return $"Not replayed: {Amounts.Count(_done.Failed)} failed and not billed, {Amounts.Count(_done.RefusedBefore)} refused when recorded, {Amounts.Count(_done.Uncounted)} without counts.";
        }
    }

    /// <summary>What an exact cache costs alone, and what it takes off beside the provider's; null unless both are known.</summary>
    private (Money Alone, Money Beside)? Both()
    {
        var (alone, prompt, both) = (Find(Strategy.Cached), Find(Strategy.PromptCache), Find(Strategy.CachedBesidePromptCache));
        return alone is null || prompt is null || both is null || _base.Unpriced + prompt.Unpriced > 0 ? null : (alone.Cost, prompt.Cost - both.Cost);
    }

    private StrategyRun? Find(Strategy strategy) => Shown.FirstOrDefault(run => run.Strategy == strategy);

    private string? WhyNot(Strategy strategy)
    {
        var cache = !_plan.Caches ? "--cache is off" : !KnowsRepeats ? "the trace does not say which requests are the same" : null;
        var prompt = !KnowsPrompts ? "the trace says nothing about the beginnings of prompts" : null;
        var batch = _done.Runs.Any(run => run.Batched + run.NotBatchable > 0) ? null : "nothing says which calls can wait (--batch-share, --batch-feature)";
        var cheaper = _plan.CheaperModel is null ? "no --cheaper-model is named" : null;
        return strategy == Strategy.Base ? null
            : strategy == Strategy.PromptCache ? prompt
            : strategy == Strategy.Cached ? cache
            : strategy == Strategy.CachedBesidePromptCache ? cache ?? prompt
            : strategy == Strategy.Batched ? batch
            : strategy == Strategy.Cheaper ? cheaper
            : batch is not null && cheaper is not null ? "there is nothing beside the caches"
            : new[] { cache, prompt, batch, cheaper }.Count(reason => reason is null) < 2 ? "there is only one of the others" : null;
    }

    /// <summary>A sum of nothing known is not zero.</summary>
    private static bool IsUnknown(StrategyRun run) => run.Unpriced > 0 && run.Unpriced == run.Asked;

    /// <summary>Null when it is not known, or is more than can be counted.</summary>
    private Money? MonthOf(StrategyRun run) =>
        !HasDays || IsUnknown(run) ? null : run.Cost.Usd / _done.Days * DaysOfMonth is var month && month < Money.MaxValue.Usd ? Money.FromUsd(month) : null;

    private decimal? PerDay(StrategyRun run) => HasDays ? decimal.Round(run.Asked / _done.Days, 1) : null;

    private decimal? ChangeOf(StrategyRun run) => _base.Unpriced + run.Unpriced > 0 || _base.Cost == Money.Zero ? null
        : decimal.Round(100m * (run.Cost - _base.Cost).Nanos / _base.Cost.Nanos, 2);

    private static string Rounded(Money amount) => Math.Abs(amount.Usd) >= 1 ? amount.ToString("#,0.00", CultureInfo.InvariantCulture) : Amounts.Text(amount);

    private static string Instant(DateTimeOffset? at) => at!.Value.UtcDateTime.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);

    private static string Span(TimeSpan span) => span.TotalDays >= 2 ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalDays:0.#} days")
        : span.TotalHours >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours:0.#} h")
        : span.TotalMinutes >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0.#} min")
        : string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.#} s");

    private static void WriteMoney(Utf8JsonWriter json, string name, Money? amount)
    {
        if (amount is { } known)
        {
            json.WriteString($"{name}_usd", Decimals.Text(known));
            json.WriteNumber($"{name}_nanos", known.Nanos);
        }
        else
        {
            json.WriteNull($"{name}_usd");
            json.WriteNull($"{name}_nanos");
        }
    }

    private static void WriteDecimal(Utf8JsonWriter json, string name, decimal? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
