using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Tests;

public sealed class PricesImportTests : IDisposable
{
    private const string Cheaper = """ "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06 """;

    private readonly TempHome _home = new();

    private string PriceFile => Path.Combine(_home.Path, "prices.json");

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task A_dry_run_shows_what_would_change_and_writes_nothing()
    {
        var run = await ImportAsync(PriceLists.OfOne(Cheaper));

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("cheaper openai/gpt-4o 2.5 > 2 10 > 8 -20% 2026-11-22", run.Lines.Select(Squeezed));
        Assert.Contains("Nothing was written; --apply", run.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(PriceFile));
    }

    [Fact]
    public async Task Yesterdays_call_keeps_yesterdays_price()
    {
        await ImportAsync(PriceLists.OfOne(Cheaper), "--apply");

        Assert.Equal("2", await InputRateAsync("gpt-4o", "2026-11-22"));
        Assert.Equal("2.5", await InputRateAsync("gpt-4o", "2026-11-21"));
        Assert.Equal("2.5", await InputRateAsync("gpt-4o", "2026-11-22", "--known-at", "2026-11-21"));
    }

    [Fact]
    public async Task The_second_import_of_a_list_changes_nothing()
    {
        await ImportAsync(PriceLists.LiteLlm, "--apply");
        var before = await File.ReadAllTextAsync(PriceFile);

        var again = await ImportAsync(PriceLists.LiteLlm, "--apply", "--json");

        Assert.Equal((0, false, 0), (again.Json.GetProperty("written").GetInt32(), again.Json.GetProperty("applied").GetBoolean(), again.Json.GetProperty("changes").GetArrayLength()));
        Assert.Equal(before, await File.ReadAllTextAsync(PriceFile));
    }

    [Fact]
    public async Task Two_changes_on_one_day_leave_the_last()
    {
        await ImportAsync(PriceLists.OfOne(Cheaper), "--apply");
        await ImportAsync(PriceLists.OfOne(""" "input_cost_per_token": 1.5e-06, "output_cost_per_token": 8e-06 """), "--apply");

        Assert.Equal("1.5", await InputRateAsync("gpt-4o", "2026-11-22"));
        Assert.Equal("2.5", await InputRateAsync("gpt-4o", "2026-11-21"));
    }

    [Fact]
    public async Task A_change_of_a_family_does_not_move_its_dated_models()
    {
        var before = await InputRateAsync("gpt-4o-2024-05-13", "2026-11-22");
        await ImportAsync(PriceLists.OfOne(Cheaper), "--apply");

        Assert.Equal("5", before);
        Assert.Equal(before, await InputRateAsync("gpt-4o-2024-05-13", "2026-11-22"));
    }

    [Fact]
    public async Task Rates_that_the_list_is_silent_about_stay()
    {
        var before = await RatesAsync("gpt-4o");
        await ImportAsync(PriceLists.OfOne(Cheaper), "--apply");
        var after = await RatesAsync("gpt-4o");

        Assert.Equal("1.25", before["standard cached_input"]);
        Assert.Equal("2", after["standard input"]);
        Assert.Equal(before.Where(rate => rate.Key is not ("standard input" or "standard output")), after.Where(rate => rate.Key is not ("standard input" or "standard output")));
    }

    [Fact]
    public async Task What_the_user_wrote_stays_as_it_is_written()
    {
        const string Mine = """
            {
              // our gateway
              "provider": "acme", "models": [
                {"id": "mine", "input": "1", "output": "2", "note": "agreed by phone"}, // the first
                {"id": "gpt-4o", "provider": "openai", "input": "2.2", "output": "9", "note": "our contract"},
              ],
            }
            """;
        await File.WriteAllTextAsync(PriceFile, Mine);
        await ImportAsync(PriceLists.OfOne(Cheaper), "--apply");
        var text = await File.ReadAllTextAsync(PriceFile);

        Assert.Contains("// our gateway", text, StringComparison.Ordinal);
        Assert.Contains("""{"id": "mine", "input": "1", "output": "2", "note": "agreed by phone"}, // the first""", text, StringComparison.Ordinal);
        Assert.Contains("our contract", text, StringComparison.Ordinal);
        Assert.Equal("2", await InputRateAsync("gpt-4o", "2026-11-22"));
        Assert.Equal("2.2", await InputRateAsync("gpt-4o", "2026-11-21"));
        Assert.Equal(Mine, await File.ReadAllTextAsync(PriceFile + ".bak"));
    }

    [Theory]
    [InlineData(""" "volume": {"steps": [{"above_requests": 1000, "input": "1.1", "per_request": "0.002"}]} """, "requests > 1,000 a month")]
    [InlineData(""" "regions": {"us": "1.1"} """, "region us")]
    [InlineData(""" "modes": {"fast": {"multiplier": "6"}} """, "fast")]
    [InlineData(""" "windows": [{"from": "16:30", "until": "00:30", "input": "1.1"}] """, "16:30-00:30 UTC")]
    public async Task What_no_list_can_say_stays_beside_the_new_rates(string part, string condition)
    {
        await File.WriteAllTextAsync(PriceFile, $$"""{"models": [{"id": "gpt-4o", "provider": "openai", "input": "2.2", "output": "9", {{part}} }]}""");
        await ImportAsync(PriceLists.OfOne(Cheaper), "--apply");
        var rates = (await CliRun.WithEnvironment(Environment(), "", "price", "gpt-4o", "--provider", "openai", "--json")).Json.GetProperty("rates");

        Assert.Equal("2", rates[0].GetProperty("input").GetString());
        Assert.Contains(condition, rates.EnumerateArray().Select(card => card.GetProperty("when").GetString()));
    }

    [Theory]
    [InlineData("0.5", "1", "1", "4")]
    [InlineData("6", "10", "10", "48")]
    public async Task What_a_list_says_of_a_mode_is_not_multiplied_once_more(string multiplier, string named, string input, string output)
    {
        await File.WriteAllTextAsync(PriceFile, $$$"""{"models": [{"id": "gpt-4o", "provider": "openai", "input": "2.2", "output": "9", "modes": {"batch": {"multiplier": "{{{multiplier}}}" } } }]}""");
        var list = PriceLists.OfOne(Cheaper + $", \"input_cost_per_token_batches\": {named}e-06 ");
        await ImportAsync(list, "--allow", "openai/gpt-4o", "--apply");
        var again = await ImportAsync(list, "--json");
        var batch = (await CliRun.WithEnvironment(Environment(), """{"id":1,"provider":"openai","model":"gpt-4o","service_tier":"batch","usage":{"input_tokens":1000000,"output_tokens":1000000}}""", "price", "--jsonl")).JsonLines[0];

        Assert.Equal((input, output), (batch.GetProperty("parts").GetProperty("input").GetString(), batch.GetProperty("parts").GetProperty("output").GetString()));
        Assert.Equal(0, again.Json.GetProperty("changes").GetArrayLength());
    }

    [Fact]
    public async Task A_price_that_was_announced_still_comes()
    {
        var list = """{"gemini-3.6-flash": {"litellm_provider": "gemini", "mode": "chat", "input_cost_per_token": 7e-07, "output_cost_per_token": 3.5e-06}}""";
        await ImportAsync(list, "--apply");

        Assert.Equal(("0.7", "1.5"), (await RateOnAsync("2026-11-22"), await RateOnAsync("2027-01-01")));
        Assert.Equal("0.75", await RateOnAsync("2026-11-21"));

        async Task<string?> RateOnAsync(string day) => (await CliRun.WithEnvironment(Environment(), "", "price", "gemini-3.6-flash", "--provider", "google", "--as-of", day, "--json"))
            .Json.GetProperty("rates")[0].GetProperty("input").GetString();
    }

    [Fact]
    public async Task Discounts_and_margins_of_the_file_stay_as_they_are_written()
    {
        const string Mine = """{"adjustments": [{"provider": "openai", "discount": "0.10"}]}""";
        await File.WriteAllTextAsync(PriceFile, Mine);
        var run = await ImportAsync(PriceLists.OfOne(Cheaper), "--apply");

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains(Mine[1..], await File.ReadAllTextAsync(PriceFile), StringComparison.Ordinal);
        Assert.Equal("2", await InputRateAsync("gpt-4o", "2026-11-22"));
    }

    [Fact]
    public async Task A_change_on_the_day_of_the_header_replaces_what_was_learned_that_day()
    {
        await File.WriteAllTextAsync(PriceFile, """{"known_from": "2026-11-22", "models": [{"id": "gpt-4o", "provider": "openai", "prices": [{"effective_from": "2026-11-22", "input": "2.2", "output": "9"}]}]}""");
        var run = await ImportAsync(PriceLists.OfOne(Cheaper), "--apply");

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal("2", await InputRateAsync("gpt-4o", "2026-11-22"));
    }

    [Fact]
    public async Task Notes_of_a_list_of_our_own_come_along()
    {
        await ImportAsync("""{"models": [{"id": "new", "provider": "openai", "input": "1", "output": "2", "note": "by phone", "checked": "2026-11-20"}]}""", "--apply");
        var shown = (await CliRun.WithEnvironment(Environment(), "", "prices", "show", "new", "--provider", "openai", "--json")).Json;

        Assert.Equal(("by phone", "2026-11-20"), (shown.GetProperty("note").GetString(), shown.GetProperty("checked").GetString()));
    }

    [Fact]
    public async Task Only_its_owner_may_read_the_file()
    {
        await ImportAsync(PriceLists.OfOne(Cheaper), "--apply");

        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(PriceFile) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.Equal([PriceFile], Directory.GetFiles(_home.Path));
    }

    [Theory]
    [InlineData(""" "input_cost_per_token": 2.5e-03, "output_cost_per_token": 1e-02 """, "1,000 times dearer")]
    [InlineData(""" "input_cost_per_token": 2.5, "output_cost_per_token": 10 """, "1,000,000 times dearer")]
    [InlineData(""" "input_cost_per_token": 2.5e-09, "output_cost_per_token": 1e-08 """, "1,000 times cheaper")]
    [InlineData(""" "input_cost_per_token": 1.3e-05, "output_cost_per_token": 5.2e-05 """, "more than 5 times dearer")]
    [InlineData(""" "input_cost_per_token": 4e-07, "output_cost_per_token": 1.9e-06 """, "more than 5 times cheaper")]
    [InlineData(""" "input_cost_per_token": 0, "output_cost_per_token": 0 """, "it would be free")]
    [InlineData(""" "input_cost_per_token": -2.5e-06, "output_cost_per_token": 1e-05 """, "cannot be negative")]
    [InlineData(""" "input_cost_per_token": "NaN", "output_cost_per_token": 1e-05 """, "is the text 'NaN'")]
    [InlineData(""" "input_cost_per_token": "2.5e-06", "output_cost_per_token": 1e-05 """, "and not a number")]
    [InlineData(""" "input_cost_per_token": 1e-60, "output_cost_per_token": 1e-05 """, "too small to be counted")]
    [InlineData(""" "input_cost_per_token": 1e400, "output_cost_per_token": 1e-05 """, "too large or too small")]
    [InlineData(""" "input_cost_per_token": true, "output_cost_per_token": 1e-05 """, "is true and not a number")]
    [InlineData(""" "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 2.6e-06 """, "dearer than input")]
    [InlineData(""" "input_cost_per_token": 1e-05, "output_cost_per_token": 2.5e-06 """, "less than half of input")]
    public async Task What_cannot_be_meant_is_put_aside_and_the_last_good_price_stays(string fields, string reason)
    {
        var run = await ImportAsync(PriceLists.OfOne(fields), "--apply");

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Contains("openai/gpt-4o, line 1:", run.Output, StringComparison.Ordinal);
        Assert.Contains(reason, run.Output, StringComparison.Ordinal);
        Assert.Equal("2.5", await InputRateAsync("gpt-4o", "2026-11-22"));
    }

    // Quotes of public lists that were found to be wrong by the unit, with the price that holds.
    [Theory]
    [InlineData("gpt-oss-120b", "wandb", "0.015", "0.06", "dearer than any model")]
    [InlineData("mistral-large-latest", "mistral", "0.002", "0.006", "times dearer")]
    [InlineData("core42/jais-13b-chat", "watsonx", "0.0005", "0.002", "dearer than any model")]
    [InlineData("Qwen/Qwen3-235B-A22B-Instruct-2507", "wandb", "0.01", "0.01", "times dearer")]
    public async Task The_slips_of_public_lists_are_put_aside(string id, string provider, string input, string output, string reason)
    {
        var run = await ImportAsync($$$"""{"{{{id}}}": {"litellm_provider": "{{{provider}}}", "mode": "chat", "input_cost_per_token": {{{input}}}, "output_cost_per_token": {{{output}}} }}""", "--apply");

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Contains(reason, run.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(PriceFile));
    }

    [Fact]
    public async Task The_rest_of_the_list_is_taken_over_beside_what_was_put_aside()
    {
        var list = PriceLists.OfOne(Cheaper)[..^1] + """, "gpt-4o-mini": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1.5e-04, "output_cost_per_token": 6e-04}}""";
        var run = await ImportAsync(list, "--apply");

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Equal(("2", "0.15"), (await InputRateAsync("gpt-4o", "2026-11-22"), await InputRateAsync("gpt-4o-mini", "2026-11-22")));
    }

    [Fact]
    public async Task A_person_can_take_over_what_was_put_aside()
    {
        var list = PriceLists.OfOne(""" "input_cost_per_token": 1.3e-05, "output_cost_per_token": 5.2e-05 """);
        var run = await ImportAsync(list, "--allow", "openai/gpt-4o", "--apply");

        Assert.Equal((0, "13"), (run.Code, await InputRateAsync("gpt-4o", "2026-11-22")));
    }

    [Fact]
    public async Task A_number_that_is_none_cannot_be_taken_over()
    {
        var run = await ImportAsync(PriceLists.OfOne(""" "input_cost_per_token": -1e-06, "output_cost_per_token": 1e-05 """), "--allow", "openai/gpt-4o", "--apply");

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.False(File.Exists(PriceFile));
    }

    [Fact]
    public async Task To_allow_what_was_not_put_aside_is_told()
    {
        var run = await ImportAsync(PriceLists.OfOne(Cheaper), "--allow", "openai/gpt-4");

        Assert.Contains("--allow openai/gpt-4: no price of that name was put aside", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_is_there_twice_with_two_prices_is_put_aside()
    {
        var run = await ImportAsync("""
            {"new-a": {"litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
             "openai/new-a": {"litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_token": 3e-06},
             "new-b": {"litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
             "openai/new-b": {"litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}}
            """);

        Assert.Contains("openai/new-a, line 1: it is there twice with two prices, in lines 1 and 2", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("new-b, line", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Providers_and_models_can_be_chosen()
    {
        var run = await ImportAsync(PriceLists.LiteLlm, "--provider", "gemini", "--json");
        var glob = await ImportAsync(PriceLists.LiteLlm, "--model", "new-e*", "--json");

        Assert.Equal(["gemini-new"], run.Json.GetProperty("changes").EnumerateArray().Select(change => change.GetProperty("model").GetString()));
        Assert.Equal(["new-ear"], glob.Json.GetProperty("changes").EnumerateArray().Select(change => change.GetProperty("model").GetString()));
    }

    [Fact]
    public async Task A_change_can_be_announced_for_a_later_day()
    {
        await ImportAsync(PriceLists.OfOne(Cheaper), "--effective-from", "2026-12-01", "--apply");

        Assert.Equal("2.5", await InputRateAsync("gpt-4o", "2026-11-30"));
        Assert.Equal("2", await InputRateAsync("gpt-4o", "2026-12-01"));
    }

    [Theory]
    [InlineData("{\"a\": {\"litellm_provider\": \"openai\",\n \"input_cost_per_token\": NaN}}", "line 2: not readable as JSON")]
    [InlineData("{\"openai\":\n {\"models\": {\"m\": {\"cost\":\n 7}}}}", "line 3: the cost of 'm' must be a JSON object")]
    [InlineData("[{\"id\": \"a\", \"models\": [\n{\"id\": \"m\", \"prices\": 3}]}]", "line 2: the prices of a model must be a JSON object")]
    [InlineData("[\n3]", "line 2: a JSON object was expected here")]
    [InlineData("{\"gpt-4o\": {\"litellm_provider\": \"openai\"},\n\"gpt-5\": []}", "line 2: the model 'gpt-5' must be a JSON object")]
    [InlineData("{\"models\": [\n{\"id\": \"m\", \"input\": \"1\"}]}", "line 2: a price needs the rate 'output'")]
    [InlineData("{\"a\": 1}", "--from")]
    [InlineData("7", "--from")]
    public async Task A_damaged_list_is_an_error_that_names_the_line(string list, string what)
    {
        var run = await ImportAsync(list, "--apply");

        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
        Assert.Contains("standard input", run.Error, StringComparison.Ordinal);
        Assert.Contains(what, run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(PriceFile));
    }

    [Fact]
    public async Task A_list_nested_a_million_levels_deep_is_an_error()
    {
        var run = await ImportAsync(new string('[', 1_000_000));

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains("line 1: not readable as JSON", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_that_never_ends_is_an_error()
    {
        using var endless = new Endless();
        var run = await CliRun.WithStream(endless, Environment(), "prices", "import", "-");

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains("larger than 64 MB", run.Error, StringComparison.Ordinal);
        Assert.Contains("8 MB of standard input read", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whatever_is_damaged_the_answer_is_a_sentence_and_the_file_stays()
    {
        await ImportAsync(PriceLists.OfOne(Cheaper), "--apply");
        var before = await File.ReadAllBytesAsync(PriceFile);
        var random = new Random(7);
        foreach (var list in (string[])[PriceLists.LiteLlm, PriceLists.GenAiPrices, PriceLists.ModelsDev])
        {
            for (var i = 0; i < 60; i++)
            {
                var damaged = Encoding.UTF8.GetBytes(list);
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                var run = await CliRun.WithInput(damaged, Environment(), "prices", "import", "-");

                Assert.True(run.Code is ExitCode.Done or ExitCode.Found or ExitCode.WrongUsage, run.Error);
            }
        }

        Assert.Equal(before, await File.ReadAllBytesAsync(PriceFile));
    }

    [Fact]
    public async Task A_price_file_that_cannot_be_read_is_not_written_over()
    {
        await File.WriteAllTextAsync(PriceFile, "{\"models\": oops}");
        var run = await ImportAsync(PriceLists.OfOne(Cheaper), "--apply");

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Equal("{\"models\": oops}", await File.ReadAllTextAsync(PriceFile));
    }

    [Fact]
    public async Task Escape_sequences_in_a_list_do_not_reach_the_terminal()
    {
        var run = await ImportAsync("{\"\\u001b[31mred\": {\"litellm_provider\": \"\\u202eopenai\", \"input_cost_per_token\": 1e-06, \"output_cost_per_token\": 9, \"\\u001bcost\": 3}}");

        Assert.DoesNotContain('\u001b', run.Output + run.Error);
        Assert.DoesNotContain('\u202e', run.Output + run.Error);
        Assert.Contains(@"\u001b[31mred", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("prices", "import")]
    [InlineData("prices", "import", "-", "--apply", "--dry-run")]
    [InlineData("prices", "import", "-", "--from", "yaml")]
    [InlineData("prices", "import", "-", "--effective-from", "tomorrow")]
    public async Task Wrong_usage_says_what_to_write(params string[] args)
    {
        var run = await CliRun.WithEnvironment(Environment(), "{}", args);

        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
        Assert.Contains("--help'", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_that_is_not_there_is_an_error_that_names_it()
    {
        var run = await CliRun.WithEnvironment(Environment(), "", "prices", "import", "no-such-list.json");

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains("no-such-list.json: the price list cannot be read", run.Error, StringComparison.Ordinal);
    }

    private Dictionary<string, string> Environment() => new() { ["LLMCOSTCACHE_HOME"] = _home.Path };

    private Task<CliRun> ImportAsync(string list, params string[] args) => CliRun.WithEnvironment(Environment(), list, ["prices", "import", "-", .. args]);

    private async Task<string?> InputRateAsync(string model, string asOf, params string[] args) =>
        (await CliRun.WithEnvironment(Environment(), "", ["price", model, "--provider", "openai", "--as-of", asOf, "--json", .. args])).Json.GetProperty("rates")[0].GetProperty("input").GetString();

    private async Task<Dictionary<string, string>> RatesAsync(string model)
    {
        var run = await CliRun.WithEnvironment(Environment(), "", "price", model, "--provider", "openai", "--json");
        return run.Json.GetProperty("rates").EnumerateArray()
            .SelectMany(card => card.EnumerateObject().Where(rate => rate.Name != "when"), (card, rate) => (Key: $"{card.GetProperty("when").GetString()} {rate.Name}", Rate: rate.Value.GetString()!))
            .ToDictionary(pair => pair.Key, pair => pair.Rate);
    }

    private static string Squeezed(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private sealed class Endless : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            buffer.AsSpan(offset, count).Fill((byte)'[');
            return count;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
