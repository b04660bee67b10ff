namespace LlmCostCache.AI.Cli.Tests;

public class PriceCommandTests
{
    private const string Dated = """{"schema":"llmcostcache-prices/1","provider":"example","models":[{"id":"m","input":"1","cached_input":"0.25","output":"2","modes":{"batch":{"input":"0.5"}}}]}""";

    private static readonly Dictionary<string, string> s_prices = new() { ["LLMCOSTCACHE_PRICES"] = Dated };

    [Fact]
    public async Task A_model_shows_its_rates_and_where_they_are_from()
    {
        var run = await CliRun.WithEnvironment(s_prices, "", "price", "m", "--provider", "example");

        Assert.Equal(0, run.Code);
        Assert.Equal(["m (example), USD per million tokens", "standard  batch", "input 1 0.5", "cached input 0.25", "output 2"], run.Lines[..5].Select((line, i) => i == 1 ? line.Trim() : Squeezed(line)));
        Assert.StartsWith("Price example/m@", run.Lines[5], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Counts_show_what_the_call_costs()
    {
        var run = await CliRun.WithEnvironment(s_prices, "", "price", "m", "--provider", "example", "--input", "1000", "--cached", "400", "--output", "10");

        Assert.Contains("total 0.00072", run.Lines.Select(Squeezed));
        Assert.Contains("input 0.0006", run.Lines.Select(Squeezed));
    }

    [Fact]
    public async Task Json_has_a_schema_the_rates_and_the_cost()
    {
        var run = await CliRun.WithEnvironment(s_prices, "", "price", "m", "--provider", "example", "--input", "1000", "--service-tier", "batch", "--json");

        Assert.Equal("price/1", run.Json.GetProperty("schema").GetString());
        Assert.Equal("0.5", run.Json.GetProperty("rates")[1].GetProperty("input").GetString());
        Assert.Equal("0.0005", run.Json.GetProperty("cost").GetProperty("cost_usd").GetString());
    }

    [Fact]
    public async Task A_model_without_a_price_is_found_out_by_the_exit_code()
    {
        var run = await CliRun.Of("price", "no-such-model");
        var json = await CliRun.Of("price", "no-such-model", "--json");

        Assert.Equal((ExitCode.Found, "", "llmcost: no price for 'no-such-model'"), (run.Code, run.Output, run.Error.Split(Environment.NewLine)[0]));
        Assert.Equal((ExitCode.Found, "unknown"), (json.Code, json.Json.GetProperty("certainty").GetString()));
    }

    [Theory]
    [InlineData("gpt-4o-minii", "Did you mean: gpt-4o-mini")]
    [InlineData("never-heard-of-it", "'llmcost prices list' shows the names that have one")]
    public async Task What_to_do_about_a_model_without_a_price_is_said(string model, string advice)
    {
        Assert.Contains(advice, (await CliRun.Of("price", model, "--input", "3")).Error, StringComparison.Ordinal);
        Assert.Contains(advice, (await CliRun.Of("prices", "show", model)).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("price")]
    [InlineData("price", "m", "--input", "-1")]
    [InlineData("price", "m", "--input", "many")]
    [InlineData("price", "m", "--at", "yesterday")]
    [InlineData("price", "m", "--jsonl")]
    [InlineData("price", "--jsonl", "--json")]
    [InlineData("price", "--jsonl", "--input", "3")]
    [InlineData("price", "m", "--home", "")]
    [InlineData("nonsense")]
    [InlineData("version", "--nonsense")]
    public async Task Wrong_usage_says_what_to_write_on_standard_error(params string[] args)
    {
        var run = await CliRun.Of(args);

        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
        Assert.Contains("--help'", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Escape_sequences_in_a_name_do_not_reach_the_terminal()
    {
        var run = await CliRun.Of("price", "\u001b[31mred\u009b\u202e");

        Assert.Contains(@"\u001b[31mred\u009b\u202e", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', run.Error);
    }

    [Theory]
    [InlineData("version")]
    [InlineData("--version")]
    public async Task The_version_is_one_line(string command)
    {
        var run = await CliRun.Of(command);

        Assert.Matches(@"^llmcost \d+\.\d+\.\d+\S*\n$", run.Output);
        Assert.Equal(0, run.Code);
    }

    [Fact]
    public async Task The_version_is_json_on_request()
    {
        var run = await CliRun.Of("version", "--json");

        Assert.Equal("version/1", run.Json.GetProperty("schema").GetString());
        Assert.Matches(@"^\d+\.\d+\.\d+", run.Json.GetProperty("version").GetString());
    }

    private static string Squeezed(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
