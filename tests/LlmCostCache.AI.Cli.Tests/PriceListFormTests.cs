namespace LlmCostCache.AI.Cli.Tests;

/// <summary>What becomes of each field of the published forms.</summary>
public class PriceListFormTests
{
    [Fact]
    public async Task LiteLLMs_rates_per_token_are_exact_per_million()
    {
        var rates = await RatesAsync(PriceLists.LiteLlm, "new-model");

        Assert.Equal(
            [
                "cache_write_1h (standard) 0.3", "cache_write_1h (input > 200,000) 0.6", "cache_write_5m (standard) 0.1875", "cached_input (standard) 0.015",
                "input (standard) 0.15", "input (input > 200,000) 0.3", "input_audio (standard) 1", "output (standard) 0.7", "output (input > 200,000) 1.4", "web_search_call (standard) 0.01",
            ],
            rates);
    }

    [Fact]
    public async Task LiteLLMs_service_tiers_are_modes()
    {
        var rates = await RatesAsync(PriceLists.LiteLlm, "gpt-4o");

        Assert.Contains("input (batch) 1", rates);
        Assert.Contains("output (batch) 4", rates);
        Assert.Contains("input (priority) 3.5", rates);
    }

    [Fact]
    public async Task LiteLLMs_ranges_are_tiers() =>
        Assert.Equal(
            ["input (standard) 0.4", "input (input > 32,000) 0.7", "output (standard) 1.2", "output (input > 32,000) 2.8"],
            await RatesAsync(PriceLists.LiteLlm, "gemini-new"));

    [Theory]
    [InlineData("new-ear", "audio_second (standard) 0.0001")]
    [InlineData("new-voice", "characters (standard) 15")]
    [InlineData("new-painter", "image (standard) 0.04")]
    public async Task LiteLLMs_prices_by_the_piece_are_taken_over(string model, string rate) => Assert.Equal([rate], await RatesAsync(PriceLists.LiteLlm, model));

    [Fact]
    public async Task What_is_not_understood_is_counted_and_not_guessed()
    {
        var json = (await ImportAsync(PriceLists.LiteLlm)).Json;

        Assert.Equal((1, 1), (json.GetProperty("without_price").GetInt32(), json.GetProperty("in_other_units").GetInt32()));
        Assert.Equal(
            ["code_interpreter_cost_per_session", "input_cost_per_pixel", "output_cost_per_pixel", "output_cost_per_second"],
            json.GetProperty("unknown_fields").EnumerateArray().Select(field => field.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task GenAIPrices_has_tiers_fees_per_thousand_and_dates()
    {
        var run = await ImportAsync(PriceLists.GenAiPrices);
        var rates = await RatesAsync(PriceLists.GenAiPrices, "claude-new");

        Assert.Equal("genai-prices", run.Json.GetProperty("form").GetString());
        Assert.Equal(["input (standard) 3", "output (standard) 15"], rates);
    }

    [Fact]
    public async Task The_history_of_a_new_model_comes_along()
    {
        using var home = new TempHome();
        var environment = new Dictionary<string, string> { ["LLMCOSTCACHE_HOME"] = home.Path };
        await CliRun.WithEnvironment(environment, PriceLists.GenAiPrices, "prices", "import", "-", "--apply");
        var before = await CliRun.WithEnvironment(environment, "", "price", "claude-new", "--provider", "anthropic", "--as-of", "2026-03-12", "--input", "200001", "--web-searches", "1", "--json");
        var after = await CliRun.WithEnvironment(environment, "", "price", "claude-new", "--provider", "anthropic", "--as-of", "2026-03-13", "--input", "200001", "--json");

        // 200,001 at 6 per million, a search for a cent and the request for half a cent; from the 13th on 3 per million and no fees.
        Assert.Equal("1.215006", before.Json.GetProperty("cost").GetProperty("cost_usd").GetString());
        Assert.Equal("0.600003", after.Json.GetProperty("cost").GetProperty("cost_usd").GetString());
    }

    [Fact]
    public async Task GenAIPrices_times_of_day_are_windows()
    {
        using var home = new TempHome();
        var environment = new Dictionary<string, string> { ["LLMCOSTCACHE_HOME"] = home.Path };
        await CliRun.WithEnvironment(environment, PriceLists.GenAiPrices, "prices", "import", "-", "--apply");
        var night = await CliRun.WithEnvironment(environment, "", "price", "claude-night", "--provider", "anthropic", "--as-of", "2026-11-22T00:30:00Z", "--input", "1000000", "--json");
        var day = await CliRun.WithEnvironment(environment, "", "price", "claude-night", "--provider", "anthropic", "--as-of", "2026-11-22T16:30:00Z", "--input", "1000000", "--json");

        Assert.Equal(("1", "2"), (night.Json.GetProperty("cost").GetProperty("cost_usd").GetString(), day.Json.GetProperty("cost").GetProperty("cost_usd").GetString()));
    }

    [Fact]
    public async Task ModelsDev_has_long_context_and_caches()
    {
        var run = await ImportAsync(PriceLists.ModelsDev);

        Assert.Equal("models.dev", run.Json.GetProperty("form").GetString());
        Assert.Equal((1, 1), (run.Json.GetProperty("unchanged").GetInt32(), run.Json.GetProperty("without_price").GetInt32()));
        Assert.Equal("cost.moon_phase", run.Json.GetProperty("unknown_fields")[0].GetProperty("name").GetString());
        Assert.Equal(
            [
                "cache_write_5m (standard) 1.5", "cached_input (standard) 0.125", "input (standard) 1.25", "input (input > 200,000) 2.5", "input_audio (standard) 3",
                "output (standard) 10", "output (input > 200,000) 15", "output_audio (standard) 20", "reasoning (standard) 12",
            ],
            await RatesAsync(PriceLists.ModelsDev, "new-model"));
    }

    [Fact]
    public async Task Our_own_form_says_everything_it_means()
    {
        var run = await ImportAsync("""{"provider": "openai", "models": [{"id": "gpt-4o", "input": "2.5", "output": "10"}]}""");
        var change = run.Json.GetProperty("changes")[0];

        Assert.Equal(("llmcost", "mixed"), (run.Json.GetProperty("form").GetString(), change.GetProperty("change").GetString()));
        Assert.Contains("cached_input", change.GetProperty("rates").EnumerateArray().Select(rate => rate.GetProperty("rate").GetString()));
    }

    [Fact]
    public async Task The_form_can_be_named()
    {
        var run = await CliRun.WithInput("""{"m": {"input_cost": 3}}""", "prices", "import", "-", "--from", "litellm", "--json");

        Assert.Equal(("litellm", 0), (run.Json.GetProperty("form").GetString(), run.Code));
    }

    private static Task<CliRun> ImportAsync(string list) => CliRun.WithInput(list, "prices", "import", "-", "--json");

    private static async Task<string[]> RatesAsync(string list, string model)
    {
        var change = (await ImportAsync(list)).Json.GetProperty("changes").EnumerateArray().Single(change => change.GetProperty("model").GetString() == model);
        return [.. change.GetProperty("rates").EnumerateArray().Select(rate => $"{rate.GetProperty("rate").GetString()} ({rate.GetProperty("when").GetString()}) {rate.GetProperty("new").GetString()}").OrderBy(text => text.Split(' ')[0], StringComparer.Ordinal)];
    }
}
