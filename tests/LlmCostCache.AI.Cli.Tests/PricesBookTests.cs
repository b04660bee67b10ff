using System.Text;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary><c>prices list</c>, <c>show</c>, <c>diff</c> and <c>check</c>.</summary>
public sealed class PricesBookTests : IDisposable
{
    private readonly TempHome _home = new();

    private string PriceFile => Path.Combine(_home.Path, "prices.json");

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task The_list_ends_with_how_much_it_knows_and_of_which_day()
    {
        var run = await RunAsync("prices", "list");

        Assert.Equal(0, run.Code);
        Assert.Matches(@"^5,\d\d\d entries of 8\d providers, per million tokens; prices as of 2026-08-22$", run.Lines[^1]);
    }

    [Fact]
    public async Task The_list_shows_rates_and_where_they_are_from()
    {
        await File.WriteAllTextAsync(PriceFile, """{"models": [{"id": "gpt-4o", "provider": "openai", "input": "2", "output": "8"}]}""");
        var run = await RunAsync("prices", "list", "gpt-4o-mini", "--provider", "openai");
        var mine = await RunAsync("prices", "list", "gpt-4o", "--provider", "open_ai", "--json");

        Assert.Contains("openai gpt-4o-mini 0.15 0.075 0.6 USD 128,000 built-in 2026-08-22", run.Lines.Select(Squeezed));
        var model = mine.Json.GetProperty("models").EnumerateArray().Single(model => model.GetProperty("model").GetString() == "gpt-4o");
        Assert.Equal(("2", "file"), (model.GetProperty("input").GetString(), model.GetProperty("from").GetString()));
    }

    [Fact]
    public async Task What_is_to_be_known_about_a_price_is_shown()
    {
        await File.WriteAllTextAsync(PriceFile, """{"models": [{"id": "m", "provider": "acme", "input": "2", "output": "8", "note": "the vendor's page says 3", "regions": {"us": "1.1"}, "modes": {"fast": {"multiplier": "6"}}}]}""");
        var run = await RunAsync("prices", "show", "m", "--provider", "acme");
        var json = (await RunAsync("prices", "show", "m", "--provider", "acme", "--json")).Json;

        Assert.Contains("note the vendor's page says 3", run.Lines.Select(Squeezed));
        Assert.Contains("standard fast region us", run.Lines.Select(Squeezed));
        Assert.Contains("input 2 12 2.2", run.Lines.Select(Squeezed));
        Assert.Equal("the vendor's page says 3", json.GetProperty("note").GetString());
        Assert.Equal([("standard", "2"), ("fast", "12"), ("region us", "2.2")], json.GetProperty("rates").EnumerateArray().Select(card => (card.GetProperty("when").GetString()!, card.GetProperty("input").GetString()!)));
    }

    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    public async Task The_list_fits_the_terminal(int width)
    {
        var run = await CliRun.AtWidth(width, "prices", "list", "--provider", "fireworks");

        Assert.Equal(0, run.Code);
        Assert.All(run.Lines, line => Assert.InRange(line.TrimEnd().Length, 1, width));
    }

    [Fact]
    public async Task The_list_knows_what_was_known_then()
    {
        await File.WriteAllTextAsync(PriceFile, """{"models": [{"id": "gpt-4o", "provider": "openai", "prices": [{"effective_from": "2026-11-01", "known_from": "2026-11-10", "input": "2", "output": "8"}]}]}""");

        Assert.Equal("2", await InputAsync("--as-of", "2026-11-01"));
        Assert.Equal("2.5", await InputAsync("--as-of", "2026-10-31"));
        Assert.Equal("2.5", await InputAsync("--as-of", "2026-11-01", "--known-at", "2026-11-09"));

        async Task<string?> InputAsync(params string[] dates) =>
            (await RunAsync(["prices", "list", "gpt-4o", "--provider", "openai", "--json", .. dates])).Json.GetProperty("models").EnumerateArray()
            .Single(model => model.GetProperty("model").GetString() == "gpt-4o").GetProperty("input").GetString();
    }

    [Fact]
    public async Task A_list_of_nothing_says_so()
    {
        var run = await RunAsync("prices", "list", "no-such-model");

        Assert.Equal((ExitCode.Found, ""), (run.Code, run.Output));
        Assert.Contains("no model of the price book matches", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpt-4o", "exact id")]
    [InlineData("gpt-4o-mini-2031-01-01", "dated suffix left out: gpt-4o-mini")]
    [InlineData("openai/gpt-4o", "exact id, after leaving out a prefix: gpt-4o")]
    [InlineData("GPT-4O", "exact id")]
    public async Task A_model_shows_how_its_name_was_understood(string name, string how)
    {
        var run = await RunAsync("prices", "show", name, "--provider", "openai", "--json");

        Assert.Equal((0, how), (run.Code, run.Json.GetProperty("found_by").GetString()));
    }

    [Fact]
    public async Task A_model_shows_rates_names_and_history()
    {
        await File.WriteAllTextAsync(PriceFile, """
            {"models": [
              {"id": "m", "provider": "acme", "aliases": ["em"], "context_window": 1000, "prices": [{"input": "2", "output": "4"},
                {"effective_from": "2026-11-01", "known_from": "2026-11-02", "input": "1", "output": "3", "modes": {"batch": {"input": "0.5"}}}]}]}
            """);
        var run = await RunAsync("prices", "show", "em", "--provider", "acme");
        var lines = run.Lines.Select(Squeezed).ToArray();

        Assert.Equal(0, run.Code);
        Assert.Contains("input 1 0.5", lines);
        Assert.Contains("found by alias", lines);
        Assert.Contains($"comes from {PriceFile}, line 2", lines);
        Assert.Contains("context window 1,000 tokens", lines);
        Assert.Contains(lines, line => line.StartsWith("the start override 2 4 acme/m@", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("2026-11-01 2026-11-02 1 3 acme/m@2026-11-02#", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_unknown_name_brings_the_nearest()
    {
        var run = await RunAsync("prices", "show", "gtp-4o-mini", "--provider", "openai");

        Assert.Equal((ExitCode.Found, ""), (run.Code, run.Output));
        Assert.Contains("Did you mean: gpt-4o-mini", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_ambiguous_name_brings_the_candidates()
    {
        await File.WriteAllTextAsync(PriceFile, """{"models": [{"id": "shared", "provider": "groq", "input": "1", "output": "2"}, {"id": "shared", "provider": "together", "input": "3", "output": "4"}]}""");
        var run = await RunAsync("prices", "show", "shared");
        var json = await RunAsync("prices", "show", "shared", "--json");

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Contains("shared --provider together: input 3, output 4 USD", run.Error, StringComparison.Ordinal);
        Assert.Equal(["groq/shared", "together/shared"], json.Json.GetProperty("candidates").EnumerateArray().Select(name => name.GetString()));
    }

    [Fact]
    public async Task The_book_does_not_differ_from_itself()
    {
        var run = await RunAsync("prices", "diff", "built-in", "effective");

        Assert.Equal(0, run.Code);
        Assert.Matches(@"^0 new, 0 dearer, 0 cheaper, 0 mixed, 5,\d\d\d unchanged, 0 put aside, 0 in the book only\.$", run.Lines[^1]);
    }

    [Fact]
    public async Task Two_lists_in_two_forms_can_be_compared()
    {
        var (a, b) = (Path.Combine(_home.Path, "a.json"), Path.Combine(_home.Path, "b.json"));
        await File.WriteAllTextAsync(a, """{"provider": "openai", "models": [{"id": "x", "input": "1", "output": "2"}, {"id": "gone", "input": "1", "output": "2"}]}""");
        await File.WriteAllTextAsync(b, """{"openai": {"models": {"x": {"cost": {"input": 2, "output": 4}}, "y": {"cost": {"input": 2, "output": 4}}}}}""");
        var run = await RunAsync("prices", "diff", a, b);

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Contains("dearer openai/x 1 > 2 2 > 4 +100% 2026-11-22", run.Lines.Select(Squeezed));
        Assert.Contains("new openai/y 2 4", run.Lines.Select(Squeezed));
        Assert.Contains("In the book only: openai/gone. They stay as they are.", run.Lines);
    }

    [Fact]
    public async Task Nothing_wrong_is_said_too()
    {
        await File.WriteAllTextAsync(PriceFile, """{"models": [{"id": "gpt-4o", "provider": "openai", "input": "2", "output": "8"}]}""");
        var run = await RunAsync("prices", "check");

        Assert.Equal((0, "1 price checked, nothing wrong; the built-in prices are of 2026-08-22."), (run.Code, run.Lines[^1]));
    }

    [Theory]
    [InlineData("\n{\"id\": \"gpt-4o\", \"provider\": \"openai\", \"input\": \"0.0025\", \"output\": \"0.01\"}", "prices.json:2: openai/gpt-4o: input from 2.5 to 0.0025: about 1,000 times cheaper")]
    [InlineData("\n{\"id\": \"mine\", \"provider\": \"acme\", \"input\": \"2500\", \"output\": \"9000\"}", "prices.json:2: acme/mine: input is 2500 USD per million, dearer than any model")]
    [InlineData("\n\n{\"id\": \"mine\", \"provider\": \"opneai\", \"input\": \"1\", \"output\": \"2\"}", "prices.json:3: opneai/mine: the provider 'opneai' is not known; if you mean 'openai'")]
    [InlineData("\n{\"id\": \"mine\", \"currency\": \"EUR\", \"input\": \"1\", \"output\": \"2\"}", "prices.json:2: any/mine: no exchange rate for EUR")]
    [InlineData("\n{\"id\": \"mine\", \"input\": \"1\", \"cached_input\": \"2\", \"output\": \"2\"}", "prices.json:2: any/mine: cached input is 2, dearer than input (1)")]
    [InlineData("\n{\"id\": \"mine\", \"inptu\": \"1\", \"output\": \"2\"}", "prices.json, line 2: 'inptu' is not a property of a model")]
    [InlineData("\n{\"id\": \"mine\", \"input\": \"0\", \"output\": \"0\"}", "prices.json:2: any/mine: everything about it costs nothing")]
    public async Task A_finding_names_file_line_and_remedy(string model, string finding)
    {
        await File.WriteAllTextAsync(PriceFile, $$"""{"models": [{{model}}]}""");
        var run = await RunAsync("prices", "check");

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Contains(finding, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_price_that_a_stronger_source_hides_is_found()
    {
        await File.WriteAllTextAsync(PriceFile, """{"models": [{"id": "mine", "input": "1", "output": "2"}]}""");
        var environment = new Dictionary<string, string> { ["LLMCOSTCACHE_HOME"] = _home.Path, ["LLMCOSTCACHE_PRICES"] = """{"models": [{"id": "mine", "input": "3", "output": "4"}]}""" };
        var run = await CliRun.WithEnvironment(environment, "", "prices", "check");

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Contains("any/mine: it is never used, because LLMCOSTCACHE_PRICES has a price for it too", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fault_in_one_source_does_not_hide_those_in_others()
    {
        await File.WriteAllTextAsync(PriceFile, "nope");
        var environment = new Dictionary<string, string> { ["LLMCOSTCACHE_HOME"] = _home.Path, ["LLMCOSTCACHE_PRICES"] = "{}", ["LLMCOSTCACHE_FX"] = "7" };
        var run = await CliRun.WithEnvironment(environment, "", "prices", "check", "--json");

        Assert.Equal((ExitCode.Found, 3), (run.Code, run.Json.GetProperty("findings").GetArrayLength()));
    }

    [Fact]
    public async Task A_list_can_be_checked_before_it_is_imported()
    {
        var file = Path.Combine(_home.Path, "list.json");
        await File.WriteAllTextAsync(file, PriceLists.OfOne("\n \"input_cost_per_token\": 2.5e-03, \"output_cost_per_token\": 1e-02 "), Encoding.UTF8);
        var run = await RunAsync("prices", "check", file);

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Contains("openai/gpt-4o: input from 2.5 to 2500", run.Output, StringComparison.Ordinal);
    }

    private Task<CliRun> RunAsync(params string[] args) => CliRun.WithEnvironment(new() { ["LLMCOSTCACHE_HOME"] = _home.Path }, "", args);

    private static string Squeezed(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
