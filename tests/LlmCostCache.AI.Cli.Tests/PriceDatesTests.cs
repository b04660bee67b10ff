namespace LlmCostCache.AI.Cli.Tests;

/// <summary><c>--as-of</c> and <c>--known-at</c>: prices as they were, and as they were known.</summary>
public class PriceDatesTests
{
    /// <summary>A dollar until June, then two; on 22 August it turned out to have been three.</summary>
    private const string Prices = """
        {"provider":"acme","known_from":"2026-01-15","models":[{"id":"m","prices":[
          {"effective_from":"2026-01-01","input":"1","output":"1"},
          {"effective_from":"2026-06-01","known_from":"2026-05-20","input":"2","output":"2"},
          {"effective_from":"2026-06-01","known_from":"2026-08-22","input":"3","output":"3"}]}]}
        """;

    [Theory]
    [InlineData("1", "--as-of", "2026-05-31T23:59:59Z")]
    [InlineData("3", "--as-of", "2026-06-01")]
    [InlineData("1", "--as-of", "2026-06-01T01:59:59+02:00")]
    [InlineData("1", "--at", "2026-05-31")]
    [InlineData("3")]
    [InlineData("2", "--known-at", "2026-08-21T23:59:59Z")]
    [InlineData("3", "--known-at", "2026-08-22")]
    [InlineData("2", "--as-of", "2026-06-01", "--known-at", "2026-05-20")]
    [InlineData("1", "--as-of", "2026-06-01", "--known-at", "2026-05-19")]
    public async Task The_price_is_the_one_in_effect_then_and_known_then(string cost, params string[] dates)
    {
        var one = await Run("", ["price", "m", "--input", "1000000", "--json", .. dates]);
        var lines = await Run("""{"model":"m","usage":{"input_tokens":1000000}}""", ["price", "--jsonl", .. dates]);

        Assert.Equal(cost, one.Json.GetProperty("cost").GetProperty("cost_usd").GetString());
        Assert.Equal(cost, Assert.Single(lines.JsonLines).GetProperty("cost_usd").GetString());
    }

    [Fact]
    public async Task What_a_line_says_wins_over_the_options()
    {
        var run = await Run(
            """
            {"id":1,"model":"m","at":"2026-02-01","usage":{"input_tokens":1000000}}
            {"id":2,"model":"m","known_at":"2026-08-22","usage":{"input_tokens":1000000}}
            {"id":3,"model":"m","at":null,"known_at":null,"usage":{"input_tokens":1000000}}
            """,
            "price", "--jsonl", "--as-of", "2026-07-01", "--known-at", "2026-08-21");

        Assert.Equal(["1", "3", "2"], run.JsonLines.Select(line => line.GetProperty("cost_usd").GetString()));
    }

    [Fact]
    public async Task The_answer_names_the_days_of_the_price()
    {
        var run = await Run("", "price", "m", "--input", "1", "--as-of", "2026-06-15", "--known-at", "2026-07-01", "--json");
        var cost = run.Json.GetProperty("cost");

        Assert.Equal(("2026-06-15T00:00:00Z", "2026-07-01T00:00:00Z"), (run.Json.GetProperty("at").GetString(), run.Json.GetProperty("known_at").GetString()));
        Assert.Equal(("2026-06-01", "2026-05-20"), (run.Json.GetProperty("effective_from").GetString(), run.Json.GetProperty("known_from").GetString()));
        Assert.Equal(("2026-06-01", "2026-05-20"), (cost.GetProperty("effective_from").GetString(), cost.GetProperty("known_from").GetString()));
        Assert.StartsWith("acme/m@2026-05-20#", cost.GetProperty("revision").GetString(), StringComparison.Ordinal);
        Assert.Contains(", in effect since 2026-06-01, known since 2026-08-22", (await Run("", "price", "m")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_not_known_then_is_unknown_and_the_reason_says_since_when_it_is()
    {
        var one = await Run("", "price", "m", "--known-at", "2026-01-14", "--as-of", "2026-01-14");
        var line = Assert.Single((await Run("""{"model":"m","usage":{"input_tokens":1}}""", "price", "--jsonl", "--as-of", "2025-12-31")).JsonLines);

        Assert.Equal((ExitCode.Found, "llmcost: no price for 'm' was known on 2026-01-14; the book learned of it on 2026-01-15"), (one.Code, one.Error.Trim()));
        Assert.Equal(("unknown", "no price for 'm' before 2026-01-01"), (line.GetProperty("certainty").GetString(), line.GetProperty("reason").GetString()));
        Assert.Null(line.GetProperty("revision").GetString());
    }

    [Theory]
    [InlineData("--as-of")]
    [InlineData("--at")]
    [InlineData("--known-at")]
    public async Task A_time_that_is_none_is_wrong_usage_that_names_the_option(string option)
    {
        var run = await Run("", "price", "m", option, "yesterday");

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains($"{option} 'yesterday' is not a time like 2026-08-20", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_with_a_wrong_known_at_is_no_question()
    {
        var run = await Run("""{"model":"m","known_at":"soon","usage":{}}""", "price", "--jsonl");

        Assert.Equal("line 1: \"known_at\" is not a time like 2026-08-20T00:00:00Z", Assert.Single(run.JsonLines).GetProperty("error").GetString());
    }

    private static Task<CliRun> Run(string input, params string[] args) => CliRun.WithEnvironment(new() { ["LLMCOSTCACHE_PRICES"] = Prices }, input, args);
}
