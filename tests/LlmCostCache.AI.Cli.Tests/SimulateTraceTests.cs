using System.Globalization;
using CsCheck;
using LlmCostCache.AI.Cli.Simulation;
using LlmCostCache.AI.Cli.Traces;

namespace LlmCostCache.AI.Cli.Tests;

public sealed class SimulateTraceTests : IDisposable
{
    private static readonly DateTimeOffset s_monday = new(2026, 10, 5, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] s_models = ["gpt-4o-mini", "gpt-4.1", "claude-sonnet-4-5"];

    private static readonly Gen<TraceCall> s_call =
        Gen.Select(Gen.Int[0, 200_000], Gen.Int[0, 2], Gen.Int[0, 8], Gen.Int[1, 12], Gen.Int[0, 2_000], Gen.Int[0, 3], Gen.Bool).Select(static parts =>
        {
            var (at, model, key, blocks, output, user, canWait) = parts;
            return new TraceCall
            {
                At = s_monday.AddSeconds(at),
                Model = s_models[model],
                Key = $"{key}/{blocks}",
                Usage = new() { UncachedInputTokens = (blocks * TraceCall.BlockTokens) - key, OutputTokens = output, Requests = 1 },
                Blocks = [.. Enumerable.Range(0, blocks).Select(block => ((long)key << 32) + block)],
                CanWait = canWait,
                Attribution = Attribution.None with { User = $"user-{user}" },
            };
        });

    private static readonly Gen<TraceCall[]> s_trace = s_call.Array[0, 40].Select(static calls => calls.OrderBy(call => call.At).ToArray());

    private readonly TempHome _home = new();

    private static long Cases => TestSize.Cases / 20;

    public void Dispose() => _home.Dispose();

    [Fact]
    public void Every_call_is_asked_a_hit_or_refused_under_every_strategy() => Gen.Select(s_trace, Gen.Int[0, 3], Gen.Int[1, 20]).Sample(
        (trace, budget, entries) =>
        {
            Budget[] budgets = [Budget.Daily(0.02m).ForEachUser(), Budget.Total(0.05m), Budget.Rolling(BudgetAmount.Requests(3), TimeSpan.FromHours(1)), Budget.Hourly(0.01m).Warn()];
            var replay = Replayed(trace, new() { Budgets = [budgets[budget]], MaxEntries = entries, CheaperModel = "gpt-4.1-nano", CheaperShare = 0.4m, BatchShare = 0.2m });
            return replay.Runs.All(run => run.Asked + run.Hits + run.Refused == trace.Length) && replay.Calls == trace.Length;
        },
        iter: Cases);

    [Fact]
    public void The_base_costs_what_its_calls_cost_one_by_one() => s_trace.Sample(
        trace => Replayed(trace, new()).Runs[0].Cost == trace.Aggregate(Money.Zero, static (sum, call) => sum + CostOf(call)),
        iter: Cases);

    [Fact]
    public void Free_hits_and_cheaper_tiers_never_make_it_dearer() => Gen.Select(s_trace, Gen.Int[1, 20]).Sample(
        (trace, entries) =>
        {
            var replay = Replayed(trace, new() { MaxEntries = entries });
            return Of(replay, Strategy.Cached).Cost <= Of(replay, Strategy.Base).Cost && Of(replay, Strategy.Batched).Cost <= Of(replay, Strategy.Base).Cost;
        },
        iter: Cases);

    [Fact]
    public void A_hard_limit_is_not_exceeded_by_any_strategy() => s_trace.Sample(
        trace => Replayed(trace, new() { Budgets = [Budget.Total(0.03m)] }).Runs.All(static run => run.Cost.Usd <= 0.03m),
        iter: Cases);

    [Fact]
    public void What_is_read_written_and_read_anew_is_the_whole_input() => s_trace.Sample(
        trace =>
        {
            var run = Of(Replayed(trace, new()), Strategy.PromptCache);
            return run.InputTokens == trace.Sum(call => call.Usage.TotalInputTokens) && run.CachedInputTokens + run.WrittenInputTokens <= run.InputTokens;
        },
        iter: Cases);

    [Fact]
    public async Task A_replay_that_is_cancelled_ends_at_once()
    {
        using var stop = new CancellationTokenSource();
        var rows = new TraceGenerator { Seed = 1, First = new(2026, 10, 5), Days = 2, CallsPerDay = 100 }.Calls().Select(call => new TraceRow(1, call, null)).ToAsyncEnumerable();
        var replay = new TraceReplay(new(), PriceBook.BuiltIn);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => replay.ReadAsync(rows, done => { if (done == 3) { stop.Cancel(); } }, stop.Token));

        Assert.Equal(3, replay.Calls);
    }

    [Fact]
    public void The_longer_life_of_a_marked_prompt_is_written_at_the_higher_premium()
    {
        TraceCall[] trace = [new() { At = s_monday, Model = "claude-sonnet-4-5", Usage = new() { UncachedInputTokens = 2_048, Requests = 1 }, Blocks = [1, 2, 3, 4] }];

        // $3.75 for five minutes and $6 for an hour, per million.
        Assert.Equal(2_048 * 3_750, Of(Replayed(trace, new()), Strategy.PromptCache).Cost.Nanos);
        Assert.Equal(2_048 * 6_000, Of(Replayed(trace, new() { PromptLifetime = TimeSpan.FromHours(1) }), Strategy.PromptCache).Cost.Nanos);
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_trace_byte_for_byte()
    {
        var (first, again, other) = (await Trace("--seed", "5"), await Trace("--seed", "5"), await Trace("--seed", "6"));

        Assert.Equal(first, again);
        Assert.NotEqual(first, other);

        // Written down once: a trace that somebody cites must not change.
        Assert.Equal(
            "eb69c239", Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(first)))[..8]);
    }

    [Fact]
    public async Task More_days_begin_with_the_same_days() =>
        Assert.StartsWith(await Trace("--days", "3"), await Trace("--days", "5"), StringComparison.Ordinal);

    [Fact]
    public async Task A_trace_without_a_start_ends_now()
    {
        var run = await CliRun.Of("simulate", "trace", "--days", "3");

        Assert.All(run.JsonLines, line => Assert.True(line.GetProperty("at").GetDateTimeOffset() < CliRun.Now));
        Assert.Equal(CliRun.Now.Date, run.JsonLines[^1].GetProperty("at").GetDateTimeOffset().Date);
    }

    [Fact]
    public void The_weeks_have_nights_weekends_repeats_sessions_and_work_that_can_wait()
    {
        var calls = new TraceGenerator { Seed = 1, First = new(2026, 10, 5), Days = 14, CallsPerDay = 500 }.Calls().ToList();

        var people = calls.Where(call => !call.CanWait).ToList();
        Assert.True(people.Count(call => call.At.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday) * 5 < people.Count);
        Assert.True(people.Count(call => call.At.Hour is >= 8 and < 18) * 4 > people.Count * 3);
        Assert.Equal(["assistant", "ci-review", "docs", "extraction", "refactor"], calls.Select(call => call.Attribution.Feature).Distinct().Order());
        Assert.All(calls.Where(call => call.Attribution.Feature is "extraction" or "docs"), call => Assert.True(call.CanWait));
        Assert.InRange(calls.GroupBy(call => call.Key).Count(group => group.Count() > 1), 300, 1_200);
        Assert.Contains(calls, call => call.Status == CallStatus.Failed);
        var session = calls.Where(call => call.Attribution.Agent == "refactorer").GroupBy(call => call.Attribution.Session).First().Where(call => call.Status == CallStatus.Ok).ToList();
        Assert.All(session.Zip(session.Skip(1)), pair => Assert.True(pair.First.Usage.TotalInputTokens <= pair.Second.Usage.TotalInputTokens));
        Assert.Equal(calls.Select(call => call.At).Order(), calls.Select(call => call.At));
    }

    [Fact]
    public void Every_model_of_the_made_up_trace_has_a_price_also_in_batches()
    {
        var models = new TraceGenerator { Seed = 1, First = new(2026, 10, 5), Days = 7, CallsPerDay = 500 }.Calls().Select(call => (call.Provider, call.Model)).Distinct().ToList();

        Assert.Equal(4, models.Count);
        Assert.All(models, model => Assert.NotNull(PriceBook.BuiltIn.Price(
            new() { Provider = model.Provider, Model = model.Model, At = s_monday, ServiceTier = "batch", Usage = new() { UncachedInputTokens = 1, CachedInputTokens = 1, OutputTokens = 1, Requests = 1 } }).Cost.Amount));
    }

    [Fact]
    public async Task A_ledger_made_of_a_trace_holds_to_the_nano_dollar_what_the_table_says()
    {
        var file = Path.Combine(_home.Path, "trace.jsonl");
        var home = Path.Combine(_home.Path, "home");
        await CliRun.Of("simulate", "trace", "--start", "2026-10-05", "--days", "1", "--calls-per-day", "120", "-o", file);

        var ledger = (await CliRun.Of("simulate", "ledger", file, "--into", home, "--json")).Json;
        var table = (await CliRun.Of("simulate", file, "--json")).Json.GetProperty("strategies").EnumerateArray().Single(row => row.GetProperty("strategy").GetString() == "cached + prompt cache");

        Assert.Equal(table.GetProperty("cost_nanos").GetInt64(), ledger.GetProperty("ledger").GetProperty("spent_nanos").GetInt64());
        Assert.Equal(table.GetProperty("asked").GetInt32(), ledger.GetProperty("asked").GetInt32());
        Assert.Equal(0, ledger.GetProperty("ledger").GetProperty("unpriced").GetInt32());
        Assert.Equal(0, (await CliRun.Of("ledger", "verify", "--home", home)).Code);
        var days = (await CliRun.Of("report", "daily", "--home", home, "--since", "2026-10-05", "--json")).Json.GetProperty("groups").EnumerateArray().Select(group => group.GetProperty("key").GetString());
        Assert.Equal("2026-10-05", days.First());
    }

    [Fact]
    public async Task Budgets_refuse_in_a_made_up_ledger_as_they_do_in_a_real_one()
    {
        var home = Path.Combine(_home.Path, "home");

        var json = (await CliRun.Of("simulate", "ledger", "--into", home, "--start", "2026-10-05", "--days", "1", "--calls-per-day", "60", "--budget", "0.20 --period day", "--json")).Json;

        var ledger = json.GetProperty("ledger");
        Assert.True(json.GetProperty("refused").GetInt32() > 0);
        Assert.Equal(json.GetProperty("refused").GetInt32(), ledger.GetProperty("blocked").GetInt32());
        Assert.InRange(ledger.GetProperty("spent_nanos").GetInt64(), 1, 200_000_000);

        // The application has started with the first call of the trace, not in 1970.
        var budget = Assert.Single((await CliRun.Of("budget", "list", "--home", home, "--json")).Json.GetProperty("budgets").EnumerateArray());
        Assert.StartsWith("2026-10-05T", budget.GetProperty("given_at").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("2026-10-05T", budget.GetProperty("last_given_at").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ledger_with_real_calls_is_never_written_to()
    {
        using var real = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T10:00:00Z", 1.25m));
        var before = (await CliRun.Of("export", "--home", real.Path)).Output;

        var run = await CliRun.Of("simulate", "ledger", "--into", real.Path, "--days", "1");

        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains("holds 1 call that simulate did not make", run.Error, StringComparison.Ordinal);
        Assert.Equal(before, (await CliRun.Of("export", "--home", real.Path)).Output);
    }

    [Fact]
    public async Task A_made_up_ledger_can_be_added_to()
    {
        var home = Path.Combine(_home.Path, "home");
        string[] line = ["simulate", "ledger", "--into", home, "--days", "1", "--calls-per-day", "20", "--json"];

        var first = (await CliRun.Of([.. line, "--start", "2026-10-05"])).Json.GetProperty("ledger").GetProperty("calls").GetInt64();
        var second = (await CliRun.Of([.. line, "--start", "2026-10-06"])).Json.GetProperty("ledger").GetProperty("calls").GetInt64();

        Assert.True(second > first);
    }

    [Fact]
    public async Task Made_up_calls_need_a_directory_of_their_own()
    {
        var run = await CliRun.Of("simulate", "ledger");

        Assert.Equal(2, run.Code);
        Assert.Contains("needs --into DIR", run.Error, StringComparison.Ordinal);
    }

    private static TraceReplay Replayed(TraceCall[] trace, SimulationPlan plan)
    {
        var replay = new TraceReplay(plan, PriceBook.BuiltIn);
        foreach (var call in trace)
        {
            replay.Take(call);
        }

        return replay;
    }

    private static StrategyRun Of(TraceReplay replay, Strategy strategy) => replay.Runs.Single(run => run.Strategy == strategy);

    private static Money CostOf(TraceCall call) => PriceBook.BuiltIn.Price(new() { Model = call.Model, At = call.At, Usage = call.Usage }).Cost.Amount!.Value;

    private static async Task<string> Trace(params string[] options)
    {
        var run = await CliRun.Of(["simulate", "trace", "--start", "2026-10-05", .. options.Contains("--days") ? [] : (string[])["--days", "4"], "--calls-per-day", "100", .. options]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        return run.Output;
    }
}
