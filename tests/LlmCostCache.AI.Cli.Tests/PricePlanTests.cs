namespace LlmCostCache.AI.Cli.Tests;

/// <summary>Discounts, margins and steps by volume, as the command line shows them.</summary>
public class PricePlanTests
{
    private const string Plan = """
        {"provider":"acme","models":[{"id":"m","input":"1","output":"2","per_request":"0.05","volume":{"steps":[{"above_requests":10000,"per_request":"0.02"}]}},
        {"id":"plain","input":"1","output":"2"}]
        """;

    private static readonly Dictionary<string, string> s_plan = new() { ["LLMCOSTCACHE_PRICES"] = Plan + "}" };
    private static readonly Dictionary<string, string> s_adjusted = new() { ["LLMCOSTCACHE_PRICES"] = Plan + ""","adjustments":[{"provider":"acme","discount":"0.10","margin":"0.05"}]}""" };

    [Fact]
    public async Task The_first_10_000_requests_of_a_month_cost_0_05_and_the_10_001st_0_02()
    {
        var run = await CliRun.WithEnvironment(s_plan, """
            {"id":1,"provider":"acme","model":"m","requests_before":9999,"usage":{}}
            {"id":2,"provider":"acme","model":"m","requests_before":10000,"usage":{}}
            """, "price", "--jsonl");

        Assert.Equal([("known", "0.05"), ("known", "0.02")], run.JsonLines.Select(line => (line.GetProperty("certainty").GetString()!, line.GetProperty("cost_usd").GetString()!)));
    }

    [Fact]
    public async Task Without_the_number_of_requests_the_answer_is_bounded_and_says_why()
    {
        var run = await CliRun.WithEnvironment(s_plan, """{"id":"3","provider":"acme","model":"m","usage":{}}""", "price", "--jsonl");

        var revision = run.JsonLines[0].GetProperty("revision").GetString();
        Assert.Equal(
            """{"id":"3","certainty":"bounded","cost_usd":"0.05","cost_nanos":50000000,"currency":"USD","model":"m","revision":"R","effective_from":null,"known_from":null,"parts":{"request":"0.05"},"low_usd":"0.02","high_usd":"0.05","reason":"the price of 'm' has steps by the requests of a month, and how many went before is not known"}""",
            run.Lines[0].Replace(revision!, "R", StringComparison.Ordinal));
        Assert.Equal((0, ""), (run.Code, run.Error));
    }

    [Fact]
    public async Task The_steps_are_shown_and_a_bounded_cost_has_two_ends()
    {
        var run = await CliRun.WithEnvironment(s_plan, "", "price", "m", "--provider", "acme", "--input", "1000000");
        var known = await CliRun.WithEnvironment(s_plan, "", "price", "m", "--provider", "acme", "--input", "1000000", "--requests-before", "10000");

        Assert.Contains("standard requests > 10,000 a month", run.Lines.Select(Squeezed));
        Assert.Contains("each request 0.05 0.02", run.Lines.Select(Squeezed));
        Assert.Contains("at most 1.05", run.Lines.Select(Squeezed));
        Assert.Contains("at least 1.02", run.Lines.Select(Squeezed));
        Assert.Contains("Note: the price of 'm' has steps by the requests of a month, and how many went before is not known.", run.Lines);
        Assert.Contains("total 1.02", known.Lines.Select(Squeezed));
        Assert.DoesNotContain("Note:", known.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_price_discount_and_margin_stand_in_the_answer()
    {
        var run = await CliRun.WithEnvironment(s_adjusted, """{"id":1,"provider":"acme","model":"plain","usage":{"input_tokens":1000000,"output_tokens":1000000}}""", "price", "--jsonl");

        var answer = Assert.Single(run.JsonLines);
        Assert.Equal(("2.835", "3", "0.1", "0.05"), (answer.GetProperty("cost_usd").GetString(), answer.GetProperty("list_cost").GetString(), answer.GetProperty("discount").GetString(), answer.GetProperty("margin").GetString()));
        Assert.Equal(("0.945", "1.89"), (answer.GetProperty("parts").GetProperty("input").GetString(), answer.GetProperty("parts").GetProperty("output").GetString()));
        Assert.EndsWith(",discount=0.1,margin=0.05", answer.GetProperty("revision").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_price_discount_and_margin_are_shown_to_people()
    {
        var run = await CliRun.WithEnvironment(s_adjusted, "", "price", "plain", "--provider", "acme", "--input", "1000000");
        var json = (await CliRun.WithEnvironment(s_adjusted, "", "price", "plain", "--provider", "acme", "--json")).Json;

        Assert.Contains("These are list prices; what is paid is 10 % less, then 5 % more.", run.Lines);
        Assert.Contains("List price 1 USD, 10 % less, then 5 % more: 0.945 USD", run.Lines);
        Assert.Equal(("0.1", "0.05"), (json.GetProperty("discount").GetString(), json.GetProperty("margin").GetString()));
    }

    [Fact]
    public async Task Without_an_adjustment_nothing_is_said_of_one()
    {
        var run = await CliRun.WithEnvironment(s_plan, "", "price", "plain", "--provider", "acme", "--input", "1", "--json");

        Assert.DoesNotContain("discount", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("list_cost", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-1", "\"requests_before\" is negative")]
    [InlineData("\"many\"", "\"requests_before\" is not a number")]
    [InlineData("1.5", "\"requests_before\" is not a whole number")]
    public async Task A_bad_number_of_requests_is_a_wrong_line(string before, string error)
    {
        var run = await CliRun.WithEnvironment(s_plan, $$"""{"id":1,"provider":"acme","model":"m","usage":null,"requests_before":{{before}} }""", "price", "--jsonl");

        Assert.Contains(error, run.JsonLines[0].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(ExitCode.Found, run.Code);
    }

    [Fact]
    public async Task A_file_with_rates_is_seen_by_the_command_line_and_a_bad_one_is_refused()
    {
        using var home = new TempHome();
        var prices = new Dictionary<string, string> { ["LLMCOSTCACHE_PRICES"] = """{"currency":"EUR","models":[{"id":"m","input":"0.92","output":"1"}]}""" };
        await File.WriteAllTextAsync(Path.Combine(home.Path, "fx.json"), """{"EUR": {"2026-08-01": "0.92"}}""");
        var run = await CliRun.WithEnvironment(prices, "", "price", "m", "--input", "1000000", "--home", home.Path);
        await File.WriteAllTextAsync(Path.Combine(home.Path, "fx.json"), "{\"EUR\":\n 0}");
        var bad = await CliRun.WithEnvironment(prices, "", "price", "m", "--home", home.Path);

        Assert.Contains("0.92 EUR at 0.92 for a dollar (of 2026-08-01)", run.Lines);
        Assert.Contains($"{Path.Combine(home.Path, "fx.json")}, line 2: the rate of EUR is 0", bad.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, bad.Code);
    }

    private static string Squeezed(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
