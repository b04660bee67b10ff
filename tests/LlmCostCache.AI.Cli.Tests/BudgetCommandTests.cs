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
            SampleHome.Call("2026-11-22T12:00:00Z", 1.234567m) with { Attribution = Attribution.None with { User = "alice", Session = new string('5', 32) } });

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
    [InlineData("calls have no 'boss'", "set", "--period", "day", "--scope", "boss=x", "5")]
    [InlineData("not a name with a value", "set", "--period", "day", "--scope", "alice", "5")]
    [InlineData("a model has no budget for each", "set", "--period", "day", "--scope", "model=*", "5")]
    [InlineData("more than can be counted", "set", "--period", "day", "99999999999999999999")]
    [InlineData("No budget is like that. There are: 'day'", "show", "--period", "week")]
    [InlineData("'*' is not a name", "set", "--period", "day", "--name", "*", "5")]
    [InlineData("'*' is not a name", "set", "--period", "day", "--fall-back-to", "*", "5")]
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
