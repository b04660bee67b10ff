using System.Text.Json;

namespace LlmCostCache.AI.Cli.Tests;

public class BudgetCommandTests
{
    private static Task<SampleHome> Sample(Action<LlmCostsOptions>? configure = null) => SampleHome.CreateAsync(
        configure,
        SampleHome.Call("2026-11-22T10:00:00Z", 1.25m, user: "alice"),
        SampleHome.Call("2026-11-22T11:00:00Z", 0.75m, "gpt-4o-mini", user: "bob"));

    [Fact]
    public async Task A_limit_is_set_shown_and_held_by_the_application_that_opens_the_ledger_next()
    {
        using var home = await Sample();

        var set = await CliRun.Of("budget", "set", "--scope", "user=*", "--period", "day", "5", "--note", "each user", "--by", "carol", "--home", home.Path);
        var list = await CliRun.Of("budget", "list", "--home", home.Path, "--json");

        Assert.Equal((0, ""), (set.Code, set.Error));
        Assert.Equal(["Budget 'day user=*' allows $5.00 per day."], set.Lines);
        var budget = Assert.Single(list.Json.GetProperty("budgets").EnumerateArray());
        Assert.Equal(("budget-list/1", "user=*", "day", "usd", "5", "set", "carol", "each user"), (
            list.Json.GetProperty("schema").GetString(), Text(budget, "scope"), Text(budget, "period"), Text(budget, "unit"), Text(budget, "limit_usd"),
            Text(budget, "source"), Text(budget, "set_by"), Text(budget, "note")));
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        Assert.Equal(Budget.Daily(5m).ForEachUser(), Assert.Single(await costs.Limits.ListAsync()).Budget);
    }

    [Fact]
    public async Task A_home_without_a_ledger_gets_one_and_lists_no_budgets_before()
    {
        using var home = new TempHome();

        var before = await CliRun.Of("budget", "list", "--home", home.Path);
        var set = await CliRun.Of("budget", "set", "--period", "rolling", "--span", "24h", "--unit", "tokens", "2000000", "--scope", "team=search,user=*", "--home", home.Path);
        var after = await CliRun.Of("budget", "list", "--home", home.Path);

        Assert.Contains("no ledger", before.Output, StringComparison.Ordinal);
        Assert.Equal(["Budget 'rolling 24h tokens team=search,user=*' allows 2,000,000 tokens in any 24h."], set.Lines);
        Assert.Contains("2,000,000 tokens", after.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_set_over_one_in_code_says_both_and_removing_it_brings_the_other_back()
    {
        using var home = await Sample(o => o.Budgets.Add(Budget.Daily(10m)));

        var set = await CliRun.Of("budget", "set", "--period", "day", "3", "--home", home.Path);
        var show = await CliRun.Of("budget", "show", "--home", home.Path);
        var remove = await CliRun.Of("budget", "remove", "--period", "day", "--home", home.Path);
        var again = await CliRun.Of("budget", "remove", "--period", "day", "--home", home.Path);

        Assert.Equal(["Budget 'day' allows $3.00 per day, $10.00 before."], set.Lines);
        Assert.Equal("Budget 'day' allows $3.00 per day, strict.", show.Lines[0]);
        Assert.EndsWith("Code gives it $10.00.", show.Lines[1], StringComparison.Ordinal);
        Assert.Contains(show.Lines, line => line.Contains("$2.00", StringComparison.Ordinal) && line.Contains("$1.00", StringComparison.Ordinal));
        Assert.Equal(["Budget 'day' is removed; the $10.00 of the code hold again. What was spent under it is kept."], remove.Lines);
        Assert.Equal(2, again.Code);
        Assert.Contains("in code or configuration only", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_budget_that_no_application_gives_any_more_is_dated_and_can_be_forgotten()
    {
        using var home = await Sample(o => o.Budgets.Add(Budget.Daily(10m)));

        var list = await CliRun.Of("budget", "list", "--home", home.Path);
        var json = (await CliRun.Of("budget", "list", "--json", "--home", home.Path)).Json.GetProperty("budgets")[0];
        var show = await CliRun.Of("budget", "show", "--home", home.Path);
        var forget = await CliRun.Of("budget", "forget", "--period", "day", "--by", "carol", "--home", home.Path);
        var after = await CliRun.Of("budget", "list", "--home", home.Path);
        var history = await CliRun.Of("budget", "history", "--home", home.Path);
        var again = await CliRun.Of("budget", "forget", "--period", "day", "--home", home.Path);

        Assert.Contains("2026-11-22", list.Output, StringComparison.Ordinal);
        Assert.Equal(("2026-11-22T15:30:00Z", "2026-11-22T15:30:00Z"), (Text(json, "given_at"), Text(json, "last_given_at")));
        Assert.Contains("Code or configuration gives it since 2026-11-22 15:30 +00:00.", show.Lines);
        Assert.Contains("An application that gives it last started at 2026-11-22 15:30 +00:00.", show.Lines);
        Assert.Equal((0, ""), (forget.Code, forget.Error));
        Assert.Equal("The $10.00 of budget 'day' in code, which was last given at 2026-11-22 15:30 +00:00, are forgotten.", forget.Lines[0]);
        Assert.StartsWith("no budgets", after.Output, StringComparison.Ordinal);
        Assert.Matches("day +forget .*carol", history.Output);
        Assert.Equal(2, again.Code);
    }

    [Fact]
    public async Task A_budget_is_given_since_it_was_first_configured_however_often_its_application_starts()
    {
        using var home = await Sample(o => o.Budgets.Add(Budget.Daily(10m)));
        foreach (var (hours, limit) in ((int, decimal)[])[(1, 10m), (24, 12m)])
        {
            await using var again = LlmCosts.Open(o =>
            {
                (o.HomeDirectory, o.TimeProvider) = (home.Path, new Microsoft.Extensions.Time.Testing.FakeTimeProvider(CliRun.Now.AddHours(hours)));
                o.Budgets.Add(Budget.Daily(limit));
            });
            var standing = Assert.Single(await again.Limits.ListAsync());
            Assert.Equal((CliRun.Now, CliRun.Now.AddHours(hours)), (standing.GivenSince, standing.LastGivenAt));
        }

        await CliRun.Of("budget", "forget", "--home", home.Path);
        await using var later = LlmCosts.Open(o =>
        {
            (o.HomeDirectory, o.TimeProvider) = (home.Path, new Microsoft.Extensions.Time.Testing.FakeTimeProvider(CliRun.Now.AddHours(48)));
            o.Budgets.Add(Budget.Daily(10m));
        });
        Assert.Equal(CliRun.Now.AddHours(48), Assert.Single(await later.Limits.ListAsync()).GivenSince);
    }

    [Fact]
    public async Task A_forgotten_budget_is_back_with_all_that_was_spent_when_an_application_gives_it_again()
    {
        using var home = await Sample(o => o.Budgets.Add(Budget.Daily(10m)));
        await CliRun.Of("budget", "forget", "--home", home.Path);

        await using (var costs = LlmCosts.Open(o => (o.HomeDirectory, o.TimeProvider) = (home.Path, new Microsoft.Extensions.Time.Testing.FakeTimeProvider(CliRun.Now))))
        {
            Assert.Empty(await costs.Limits.ListAsync());
            await costs.RecordAsync(SampleHome.Call("2026-11-22T11:30:00Z", 0.50m));
        }

        await using var later = LlmCosts.Open(o =>
        {
            (o.HomeDirectory, o.TimeProvider) = (home.Path, new Microsoft.Extensions.Time.Testing.FakeTimeProvider(CliRun.Now.AddHours(1)));
            o.Budgets.Add(Budget.Daily(10m));
        });
        var standing = Assert.Single(await later.Limits.ListAsync());
        Assert.Equal((CliRun.Now.AddHours(1), 2.50m), (standing.LastGivenAt, Assert.Single(standing.Uses).Spent.Usd));
        Assert.Empty((await later.Store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task Forgetting_what_code_gives_leaves_what_was_set_at_run_time()
    {
        using var home = await Sample(o => o.Budgets.Add(Budget.Daily(10m)));
        await CliRun.Of("budget", "set", "--period", "day", "3", "--home", home.Path);

        var forget = await CliRun.Of("budget", "forget", "--json", "--home", home.Path);
        var remove = await CliRun.Of("budget", "remove", "--home", home.Path);

        Assert.Equal(("budget-forget/1", "10"), (Text(forget.Json, "schema"), Text(forget.Json, "old_limit_usd")));
        Assert.Equal(["Budget 'day' is removed. What was spent under it is kept."], remove.Lines);
        Assert.StartsWith("no budgets", (await CliRun.Of("budget", "list", "--home", home.Path)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_set_at_run_time_only_cannot_be_forgotten()
    {
        using var home = await Sample();
        await CliRun.Of("budget", "set", "--period", "day", "3", "--home", home.Path);

        var forget = await CliRun.Of("budget", "forget", "--home", home.Path);

        Assert.Equal(2, forget.Code);
        Assert.Contains("'llmcost budget remove' takes it away", forget.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_limit_leaves_mode_and_fallback_as_they_are()
    {
        using var home = await Sample(o => o.Budgets.Add(Budget.Daily(10m).Balanced().FallBackTo("gpt-4o-mini")));

        await CliRun.Of("budget", "set", "--period", "day", "3", "--home", home.Path);
        var kept = (await CliRun.Of("budget", "show", "--json", "--home", home.Path)).Json.GetProperty("budget");
        await CliRun.Of("budget", "set", "--period", "day", "3", "--mode", "warn", "--home", home.Path);
        var changed = (await CliRun.Of("budget", "show", "--json", "--home", home.Path)).Json.GetProperty("budget");

        Assert.Equal(("balanced", "gpt-4o-mini"), (Text(kept, "mode"), Text(kept, "fallback")));
        Assert.Equal(("warn", "gpt-4o-mini"), (Text(changed, "mode"), Text(changed, "fallback")));
    }

    [Fact]
    public async Task A_new_limit_keeps_the_whole_chain_of_fallbacks()
    {
        using var home = await Sample(o => o.Budgets.Add(Budget.Daily(10m).FallBackTo("gpt-4o", "gpt-4o-mini")));

        await CliRun.Of("budget", "set", "--period", "day", "3", "--home", home.Path);

        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        Assert.Equal(["gpt-4o", "gpt-4o-mini"], Assert.Single(await costs.Limits.ListAsync()).Budget.FallbackModels);
    }

    [Fact]
    public async Task A_chain_of_fallbacks_is_set_by_naming_several()
    {
        using var home = await Sample();

        var set = await CliRun.Of("budget", "set", "--period", "day", "3", "--fall-back-to", "gpt-4o", "--fall-back-to", "gpt-4o-mini", "--home", home.Path);
        var shown = (await CliRun.Of("budget", "show", "--json", "--home", home.Path)).Json.GetProperty("budget");

        Assert.Equal(0, set.Code);
        Assert.Equal(["gpt-4o", "gpt-4o-mini"], shown.GetProperty("fallbacks").EnumerateArray().Select(model => model.GetString()!));
        Assert.Equal("gpt-4o", Text(shown, "fallback"));
    }

    [Fact]
    public async Task Fallbacks_and_thresholds_are_listed_and_shown()
    {
        using var home = await Sample(o => o.Budgets.Add(Budget.Daily(10m).FallBackTo("gpt-4o", "gpt-4o-mini").NotifyAt(0.25m, 1.5m)));

        var list = await CliRun.Of("budget", "list", "--home", home.Path);
        var show = await CliRun.Of("budget", "show", "--home", home.Path);
        var json = (await CliRun.Of("budget", "list", "--json", "--home", home.Path)).Json.GetProperty("budgets")[0];

        Assert.EndsWith("gpt-4o, gpt-4o-mini  25, 150 %", list.Lines[^1].TrimEnd(), StringComparison.Ordinal);
        Assert.Equal("Budget 'day' allows $10.00 per day, strict, then asks gpt-4o, then gpt-4o-mini.", show.Lines[0]);
        Assert.Contains("Announced when 25, 150 % of it are spent.", show.Lines);
        Assert.Equal([0.25m, 1.5m], json.GetProperty("thresholds").EnumerateArray().Select(share => share.GetDecimal()));
    }

    [Fact]
    public async Task The_list_says_what_an_hour_takes_and_what_will_be_spent_at_the_end()
    {
        using var home = await Sample(o => o.Budgets.Add(Budget.Daily(10m)));

        var list = await CliRun.Of("budget", "list", "--home", home.Path);
        var window = (await CliRun.Of("budget", "list", "--json", "--home", home.Path)).Json.GetProperty("budgets")[0].GetProperty("windows")[0];

        Assert.Matches("an hour +projected", list.Lines[0]);
        var (rate, projected) = (window.GetProperty("hourly_rate_nanos").GetInt64(), window.GetProperty("projected_nanos").GetInt64());
        Assert.True(rate >= 0 && projected >= 2_000_000_000, $"{rate} an hour, {projected} in the end");
        Assert.Contains(Text(window, "projection_basis"), (string[])["last_hour", "last_day", "hour_of_week"]);
    }

    [Fact]
    public async Task Fallbacks_are_taken_away_and_thresholds_are_set()
    {
        using var home = await Sample(o => o.Budgets.Add(Budget.Daily(10m).FallBackTo("gpt-4o").NotifyAt(0.3m)));

        await CliRun.Of("budget", "set", "--period", "day", "5", "--tell-at", "25, 99.5%", "--home", home.Path);
        var told = await ShownAsync();
        await CliRun.Of("budget", "set", "--period", "day", "6", "--fall-back-to", "none", "--home", home.Path);
        var alone = await ShownAsync();
        await CliRun.Of("budget", "set", "--period", "day", "6", "--tell-at", "none", "--home", home.Path);
        var silent = await ShownAsync();

        Assert.Equal(("5", "gpt-4o"), (Text(told, "limit_usd"), Text(told, "fallback")));
        Assert.Equal([0.25m, 0.995m], Thresholds(told));
        Assert.Equal(("6", 0), (Text(alone, "limit_usd"), alone.GetProperty("fallbacks").GetArrayLength()));
        Assert.Equal([0.25m, 0.995m], Thresholds(alone));
        Assert.Empty(Thresholds(silent));

        async Task<JsonElement> ShownAsync() => (await CliRun.Of("budget", "show", "--json", "--home", home.Path)).Json.GetProperty("budget");

        static IEnumerable<decimal> Thresholds(JsonElement budget) => budget.GetProperty("thresholds").EnumerateArray().Select(share => share.GetDecimal());
    }

    [Fact]
    public async Task A_budget_of_each_call_has_one_word_and_the_old_one_is_understood()
    {
        using var home = await Sample(o => o.Budgets.Add(Budget.PerCall(1m)));

        var set = await CliRun.Of("budget", "set", "--period", "percall", "2", "--home", home.Path);
        var list = (await CliRun.Of("budget", "list", "--period", "call", "--json", "--home", home.Path)).Json.GetProperty("budgets");

        Assert.Equal(["Budget 'call' allows $2.00 per call, $1.00 before."], set.Lines);
        Assert.Equal(("call", "call", "2"), (Text(list[0], "name"), Text(list[0], "period"), Text(list[0], "limit_usd")));
    }

    [Theory]
    [InlineData(40)]
    [InlineData(60)]
    public async Task Budgets_fit_into_a_narrow_terminal(int width)
    {
        using var home = await Sample(o => o.Budgets.Add(Budget.Daily(10m).FallBackTo("gpt-4o", "gpt-4o-mini")));

        var list = await CliRun.AtWidth(width, "budget", "list", "--home", home.Path);

        Assert.All(list.Lines, line => Assert.InRange(line.TrimEnd().Length, 0, width));
        Assert.Contains("$10.00", list.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_amount_is_broken_in_a_narrow_terminal()
    {
        using var home = await SampleHome.CreateAsync(
            o => o.Budgets.Add(Budget.Daily(10m).ForEachUser().ForEachSession().Named("each user in each of the sessions")),
            SampleHome.Call("2026-11-22T15:30:00Z", 1.234567m) with { Attribution = Attribution.None with { User = "alice", Session = new string('5', 32) } });

        var overview = await CliRun.AtWidth(60, "--home", home.Path);
        var history = await CliRun.AtWidth(60, "budget", "history", "--home", home.Path);

        Assert.Contains(overview.Lines, line => line.Contains("$10.00", StringComparison.Ordinal) && line.Contains("$1.234567", StringComparison.Ordinal));
        Assert.Contains(history.Lines, line => line.Contains("+00:00 ", StringComparison.Ordinal) && line.Contains(" code ", StringComparison.Ordinal) && line.Contains("$10.00", StringComparison.Ordinal));
        Assert.All([.. overview.Lines, .. history.Lines], line => Assert.InRange(line.TrimEnd().Length, 0, 60));
    }

    [Fact]
    public async Task A_grant_is_given_for_a_while_and_taken_back()
    {
        using var home = await Sample(o =>
        {
            o.TimeZone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
            o.Budgets.Add(Budget.Monthly(10m));
        });

        var grant = await CliRun.Of("budget", "grant", "50", "--until", "2026-12-01", "--note", "launch", "--home", home.Path);
        var show = await CliRun.Of("budget", "show", "--home", home.Path, "--json");
        var revoke = await CliRun.Of("budget", "remove", "--grant", "1", "--home", home.Path);
        var again = await CliRun.Of("budget", "remove", "--grant", "1", "--home", home.Path);

        Assert.Equal(["Grant 1: $50.00 on top of budget 'month' until 2026-12-01 00:00 +01:00. 'llmcost budget remove --grant 1' takes it back."], grant.Lines);
        var budget = show.Json.GetProperty("budget");
        Assert.Equal(("60", "2"), (Text(budget.GetProperty("windows")[0], "limit_usd"), Text(budget.GetProperty("windows")[0], "spent_usd")));
        Assert.Equal("2026-11-30T23:00:00Z", Text(budget.GetProperty("grants")[0], "until"));
        Assert.Equal(0, revoke.Code);
        Assert.Equal(2, again.Code);
    }

    [Fact]
    public async Task History_lists_every_change_with_who_and_why()
    {
        using var home = await Sample();
        await CliRun.Of("budget", "set", "--period", "day", "5", "--by", "carol", "--home", home.Path);
        await CliRun.Of("budget", "set", "--period", "day", "3", "--by", "dave", "--note", "too dear", "--home", home.Path);
        await CliRun.Of("budget", "set", "--period", "week", "9", "--home", home.Path);

        var history = await CliRun.Of("budget", "history", "--period", "day", "--json", "--home", home.Path);
        var text = await CliRun.Of("budget", "history", "--home", home.Path);

        Assert.Equal(
            [("set", null, "5", "carol", null), ("set", "5", "3", "dave", "too dear")],
            history.Json.GetProperty("changes").EnumerateArray().Select(change => (Text(change, "action"), Text(change, "old_usd"), Text(change, "new_usd"), Text(change, "by"), Text(change, "note"))));
        Assert.Equal(4, text.Lines.Length);
    }

    [Theory]
    [InlineData("--period is missing", "set", "5")]
    [InlineData("not an amount of dollars", "set", "--period", "day", "five")]
    [InlineData("not a whole number of tokens", "set", "--period", "day", "--unit", "tokens", "1.5")]
    [InlineData("needs a --span", "set", "--period", "rolling", "5")]
    [InlineData("Only a rolling budget has a --span", "set", "--period", "day", "--span", "24h", "5")]
    [InlineData("not a span from 1s to 366d", "set", "--span", "400d", "5")]
    [InlineData("not a span from 1s to 366d", "set", "--span", "999999999d", "5")]
    [InlineData("is not a value of budget", "grant", "5", "--until", "2027-01-01", "--key", "user=*")]
    [InlineData("calls have no 'boss'", "set", "--period", "day", "--scope", "boss=x", "5")]
    [InlineData("not a name with a value", "set", "--period", "day", "--scope", "alice", "5")]
    [InlineData("a model has no budget for each", "set", "--period", "day", "--scope", "model=*", "5")]
    [InlineData("--scope names 'user' twice", "set", "--period", "day", "--scope", "user=alice", "--scope", "user=bob", "5")]
    [InlineData("--scope names 'user' twice", "set", "--period", "day", "--scope", "user=alice,user=*", "5")]
    [InlineData("more than can be counted", "set", "--period", "day", "99999999999999999999")]
    [InlineData("less than can be counted", "set", "--period", "day", "0.0000000001")]
    [InlineData("No budget is like that. There are: 'day'", "show", "--period", "week")]
    [InlineData("'*' is not a name", "set", "--period", "day", "--name", "*", "5")]
    [InlineData("'*' is not a name", "set", "--period", "day", "--fall-back-to", "*", "5")]
    [InlineData("is not a list of percentages", "set", "--period", "day", "--tell-at", "50,much", "5")]
    [InlineData("is not a list of percentages", "set", "--period", "day", "--tell-at", "0", "5")]
    [InlineData("each in one line", "set", "--period", "day", "--fall-back-to", "a\nb", "5")]
    [InlineData("'-5' is not an amount of dollars", "set", "--period", "day", "-5")]
    [InlineData("'-5' is not an amount of dollars", "grant", "-5", "--until", "2027-01-01")]
    [InlineData("Argument 'decade' not recognized. Must be one of: 'call', 'minute', 'hour', ", "set", "--period", "decade", "5")]
    [InlineData("LIMIT is missing: What is allowed in the period", "set", "--period", "day")]
    [InlineData("would never hold", "grant", "5", "--until", "2020-01-01")]
    [InlineData("is not a time", "grant", "5", "--until", "soon")]
    [InlineData("is not a value of budget", "grant", "5", "--until", "2027-01-01", "--key", "user=alice")]
    [InlineData("There is no grant 7", "remove", "--grant", "7")]
    public async Task What_is_wrong_is_said_and_nothing_is_changed(string expected, params string[] args)
    {
        using var home = await Sample(o => o.Budgets.Add(Budget.Daily(10m)));

        var run = await CliRun.Of(["budget", .. args, "--home", home.Path]);

        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        var budget = Assert.Single((await CliRun.Of("budget", "list", "--json", "--home", home.Path)).Json.GetProperty("budgets").EnumerateArray());
        Assert.Equal(("10", "code", 0), (Text(budget, "limit_usd"), Text(budget, "source"), budget.GetProperty("grants").GetArrayLength()));
    }

    [Fact]
    public async Task The_overview_shows_budgets_of_tokens_in_tokens()
    {
        using var home = await Sample();
        await CliRun.Of("budget", "set", "--period", "day", "--unit", "tokens", "5000", "--home", home.Path);

        var text = await CliRun.Of("--home", home.Path);
        var json = (await CliRun.Of("--home", home.Path, "--json")).Json.GetProperty("budgets")[0];

        Assert.Contains("5,000 tokens", text.Output, StringComparison.Ordinal);
        Assert.Equal(("tokens", 5_000, 2_120), (Text(json, "unit"), json.GetProperty("limit_tokens").GetInt64(), json.GetProperty("spent_tokens").GetInt64()));
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
