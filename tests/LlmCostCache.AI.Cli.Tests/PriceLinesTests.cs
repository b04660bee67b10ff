using System.Globalization;
using System.Text;
using System.Text.Json;
using CsCheck;
using LlmCostCache.AI.Cli.Pricing;

namespace LlmCostCache.AI.Cli.Tests;

public class PriceLinesTests
{
    private const string Contract = """
        {"id":"1","provider":"openai","model":"gpt-4o-2024-08-06","at":"2026-08-20T00:00:00Z","service_tier":"standard","usage":{"input_tokens":2006,"cached_input_tokens":1920,"cache_write_5m_tokens":0,"cache_write_1h_tokens":0,"output_tokens":300,"reasoning_tokens":0,"input_audio_tokens":0,"cached_audio_tokens":0,"output_audio_tokens":0,"input_image_tokens":0,"output_image_tokens":0,"web_searches":0,"requests":1}}
        """;

    [Fact]
    public async Task The_example_of_the_contract_is_answered_to_the_letter()
    {
        var run = await CliRun.WithInput(Contract, "price", "--jsonl");

        var revision = run.JsonLines[0].GetProperty("revision").GetString();
        Assert.StartsWith("openai/gpt-4o-2024-08-06@", revision, StringComparison.Ordinal);
        Assert.Equal(
            """{"id":"1","certainty":"known","cost_usd":"0.005615","cost_nanos":5615000,"currency":"USD","model":"gpt-4o-2024-08-06","revision":"R","effective_from":null,"known_from":"2026-08-22","parts":{"input":"0.000215","cached_input":"0.0024","output":"0.003"}}""",
            run.Lines[0].Replace(revision!, "R", StringComparison.Ordinal));
        Assert.Equal((0, ""), (run.Code, run.Error));
    }

    [Fact]
    public async Task A_model_without_a_price_is_unknown_and_never_zero()
    {
        var run = await CliRun.WithInput("""{"id":"2","model":"no-such-model","usage":{"input_tokens":1}}""", "price", "--jsonl");

        Assert.Equal("""{"id":"2","certainty":"unknown","cost_usd":null,"cost_nanos":null,"reason":"no price for 'no-such-model'"}""", Assert.Single(run.Lines));
        Assert.Equal(0, run.Code);
    }

    [Fact]
    public async Task Another_currency_shows_its_amount_and_the_rate_of_its_day()
    {
        var environment = new Dictionary<string, string>
        {
            ["LLMCOSTCACHE_PRICES"] = """{"schema":"llmcostcache-prices/1","provider":"example","currency":"CNY","models":[{"id":"yuan-1","input":"7.2","output":"7.2"}]}""",
            ["LLMCOSTCACHE_FX"] = """{"CNY":"7.1","date":"2026-08-22"}""",
        };
        var run = await CliRun.WithEnvironment(environment, """{"id":"4","provider":"example","model":"yuan-1","usage":{"input_tokens":100000}}""", "price", "--jsonl");

        var answer = Assert.Single(run.JsonLines);
        Assert.Equal("CNY", answer.GetProperty("currency").GetString());
        Assert.Equal("0.72", answer.GetProperty("native_cost").GetString());
        Assert.Equal("7.1", answer.GetProperty("fx_rate").GetString());
        Assert.Equal("2026-08-22", answer.GetProperty("fx_date").GetString());
        Assert.Equal("0.101408451", answer.GetProperty("cost_usd").GetString());
    }

    [Fact]
    public async Task A_bounded_cost_shows_both_ends_and_books_the_upper_one()
    {
        using var bytes = new MemoryStream();
        await using (var json = new Utf8JsonWriter(bytes))
        {
            var cost = CallCost.Between(Money.FromUsd(0.20m), Money.FromUsd(0.31m), "estimated");
            json.WriteStartObject();
            PriceAnswer.WriteFields(json, new PricedUsage { Cost = cost, Model = "m" }, isClamped: false, []);
            json.WriteEndObject();
        }

        Assert.Equal(
            """{"certainty":"bounded","cost_usd":"0.31","cost_nanos":310000000,"currency":"USD","model":"m","revision":null,"parts":{},"low_usd":"0.2","high_usd":"0.31","reason":"estimated"}""",
            Encoding.UTF8.GetString(bytes.ToArray()));
    }

    [Fact]
    public async Task An_assumed_exchange_rate_has_no_day()
    {
        var run = await CliRun.WithInput("""{"provider":"deepseek-cn","model":"deepseek-chat","usage":{"input_tokens":100000}}""", "price", "--jsonl");

        var answer = Assert.Single(run.JsonLines);
        Assert.Equal("7.2", answer.GetProperty("fx_rate").GetString());
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("fx_date").ValueKind);
    }

    [Theory]
    [InlineData("\"a b\\u00e9\"")]
    [InlineData("17")]
    [InlineData("1.50e3")]
    [InlineData("true")]
    [InlineData("false")]
    [InlineData("null")]
    [InlineData("\"\\ud800\"")]
    public async Task An_id_comes_back_as_it_was_sent(string id)
    {
        var run = await CliRun.WithInput($$"""{"model":"gpt-4o","usage":{},"id": {{id}} }""", "price", "--jsonl");

        Assert.StartsWith($$"""{"id":{{id}},"certainty":"known",""", Assert.Single(run.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense", "null", "is not JSON (byte 2)")]
    [InlineData("[1]", "null", "is not a JSON object")]
    [InlineData("""{"id":1,"id":2,"model":"gpt-4o","usage":{}}""", "null", "names a field twice")]
    [InlineData("""{"id":1,"model":"gpt-4o","usage":{"input_tokens":1,"input_tokens":1}}""", "1", "names a field twice")]
    [InlineData("""{"id":1,"model":"gpt-4o","usage":{"input_tokens":1,"in\u0070ut_tokens":1}}""", "1", "names a field twice")]
    [InlineData("""{"id":1,"model":7,"usage":{}}""", "1", "\"model\" is not a string")]
    [InlineData("""{"id":1,"model":"gpt-4o","provider":[],"usage":{}}""", "1", "\"provider\" is not a string")]
    [InlineData("""{"id":1,"model":"gpt-4o"}""", "1", "has no \"usage\"")]
    [InlineData("""{"id":1,"model":"gpt-4o","usage":3}""", "1", "\"usage\" is not an object")]
    [InlineData("""{"id":1,"model":"gpt-4o","usage":{"input_tokens":"3"}}""", "1", "\"input_tokens\" is not a number")]
    [InlineData("""{"id":1,"model":"gpt-4o","usage":{"input_tokens":-1}}""", "1", "\"input_tokens\" is negative")]
    [InlineData("""{"id":1,"model":"gpt-4o","usage":{"input_tokens":1.5}}""", "1", "\"input_tokens\" is not a whole number")]
    [InlineData("""{"id":1,"model":"gpt-4o","usage":{"requests":9223372036854775808}}""", "1", "\"requests\" is larger than 9223372036854775807")]
    [InlineData("""{"id":1,"model":"gpt-4o","at":"yesterday","usage":{}}""", "1", "\"at\" is not a time like 2026-08-20T00:00:00Z")]
    [InlineData("""{"id":{},"model":"gpt-4o","usage":{}}""", "null", "\"id\" is not a string, a number, true, false or null")]
    [InlineData("""{"id":1,"model":"\ud800","usage":{}}""", "1", "contains text that is not Unicode")]
    public async Task A_line_that_is_no_question_says_so_and_the_run_goes_on(string line, string id, string error)
    {
        var run = await CliRun.WithInput($"{Contract.Trim()}\n{line}\n{Contract.Trim()}\n", "price", "--jsonl");

        Assert.Equal(3, run.Lines.Length);
        Assert.Equal($$"""{"id":{{id}},"error":{{JsonSerializer.Serialize($"line 2: {error}", Relaxed)}}}""", run.Lines[1]);
        Assert.Equal(run.Lines[0], run.Lines[2]);
        Assert.Equal(ExitCode.Found, run.Code);
    }

    [Fact]
    public async Task Bytes_that_are_not_utf8_are_an_error_of_their_line()
    {
        var run = await CliRun.WithInput([.. "{\"id\":\""u8, 0xff, .. "\",\"usage\":{}}\n"u8], null, "price", "--jsonl");

        Assert.Equal("""{"id":null,"error":"line 1: is not UTF-8"}""", Assert.Single(run.Lines));
    }

    [Fact]
    public async Task A_line_that_never_ends_is_passed_over_in_constant_memory()
    {
        var endless = new string('x', (4 * LineReader.MaxLength) + 17);
        var run = await CliRun.WithInput($"{endless}\n{Contract.Trim()}", "price", "--jsonl");

        Assert.Equal("""{"id":null,"error":"line 1: is longer than 1048576 bytes"}""", run.Lines[0]);
        Assert.Contains("0.005615", run.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Blank_lines_a_byte_order_mark_and_windows_line_ends_do_not_matter()
    {
        var run = await CliRun.WithInput($"\uFEFF{Contract.Trim()}\r\n\r\n  \n{Contract.Trim()}\r\nx\r\n", "price", "--jsonl");

        Assert.Equal(3, run.Lines.Length);
        Assert.Equal(run.Lines[0], run.Lines[1]);
        Assert.Contains("line 5:", run.Lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_in_is_nothing_out()
    {
        var run = await CliRun.Of("price", "--jsonl");

        Assert.Equal(new CliRun(0, "", ""), run);
    }

    [Fact]
    public async Task Answers_keep_the_order_of_many_questions()
    {
        var questions = Enumerable.Range(0, 5_000).Select(i => $$$"""{"id":{{{i}}},"model":"gpt-4o-mini","usage":{"input_tokens":{{{i}}}}}""");
        var run = await CliRun.WithInput(string.Join('\n', questions), "price", "--jsonl");

        Assert.Equal(Enumerable.Range(0, 5_000), run.JsonLines.Select(answer => answer.GetProperty("id").GetInt32()));
        Assert.All(run.JsonLines, (answer, i) => Assert.Equal(150L * i, answer.GetProperty("cost_nanos").GetInt64()));
    }

    [Fact]
    public async Task A_count_that_is_not_known_is_named_and_not_silently_dropped()
    {
        var run = await CliRun.WithInput("""{"id":1,"model":"gpt-4o","usage":{"input_tokens":1,"cached_tokens":5,"total_tokens":6,"odd":0}}""", "price", "--jsonl");

        var answer = Assert.Single(run.JsonLines);
        Assert.Equal("""["unknown_count"]""", answer.GetProperty("flags").GetRawText());
        Assert.Equal("not priced, because the count is not known: cached_tokens", answer.GetProperty("reason").GetString());
    }

    [Fact]
    public async Task More_cached_than_input_is_cut_and_flagged()
    {
        var run = await CliRun.WithInput("""{"id":1,"model":"gpt-4o","usage":{"input_tokens":1000,"cached_input_tokens":4000}}""", "price", "--jsonl");

        var answer = Assert.Single(run.JsonLines);
        Assert.Equal(("known", "0.00125"), (answer.GetProperty("certainty").GetString(), answer.GetProperty("cost_usd").GetString()));
        Assert.Equal("""["clamped"]""", answer.GetProperty("flags").GetRawText());
    }

    [Fact]
    public async Task Cached_audio_is_inside_both_cached_and_audio_input()
    {
        var prices = """{"schema":"llmcostcache-prices/1","provider":"example","models":[{"id":"ear","input":"10","cached_input":"1","input_audio":"50","cached_audio":"4","output":"20"}]}""";
        var run = await CliRun.WithEnvironment(
            new() { ["LLMCOSTCACHE_PRICES"] = prices },
            """{"provider":"example","model":"ear","usage":{"input_tokens":1000000,"cached_input_tokens":500000,"input_audio_tokens":400000,"cached_audio_tokens":300000}}""",
            "price", "--jsonl");

        // 400,000 text, 200,000 cached text, 100,000 audio and 300,000 cached audio make a million.
        Assert.Equal("""{"input":"4","cached_input":"0.2","input_audio":"5","cached_audio":"1.2"}""", Assert.Single(run.JsonLines).GetProperty("parts").GetRawText());
    }

    [Fact]
    public async Task Every_unit_has_a_count_and_a_part()
    {
        var prices = """{"schema":"llmcostcache-prices/1","provider":"example","models":[{"id":"studio","input":"10","input_image":"20","cached_image":"2","input_video":"30","citation":"5","output":"40","output_video":"50","image":"0.04","audio_second":"0.0001","video_second":"0.1","compute_second":"0.00005","characters":"15","storage_gb_day":"0.1","regions":{"us":"1.5"}}]}""";
        var run = await CliRun.WithEnvironment(
            new() { ["LLMCOSTCACHE_PRICES"] = prices },
            """{"provider":"example","model":"studio","usage":{"input_tokens":1000000,"cached_input_tokens":100000,"input_image_tokens":300000,"cached_image_tokens":100000,"input_video_tokens":200000,"citation_tokens":100000,"output_tokens":100000,"output_video_tokens":50000,"images":2,"audio_seconds":1.5,"video_seconds":8,"compute_seconds":0.25,"characters":1000,"storage_gb_days":0.5}}"""
                + "\n" + """{"provider":"example","model":"studio","region":"us","usage":{"input_tokens":1000000,"storage_gb_days":1}}""",
            "price", "--jsonl");

        Assert.Equal(
            """{"input":"4","input_image":"4","cached_image":"0.2","input_video":"6","citation":"0.5","output":"2","output_video":"2.5","image":"0.08","audio_second":"0.00015","video_second":"0.8","compute_second":"0.0000125","characters":"0.015","storage_gb_day":"0.05"}""",
            run.JsonLines[0].GetProperty("parts").GetRawText());
        Assert.Equal("""{"input":"15","storage_gb_day":"0.1"}""", run.JsonLines[1].GetProperty("parts").GetRawText());
    }

    [Theory]
    [InlineData("\"audio_seconds\":-0.5", "\"audio_seconds\" is negative")]
    [InlineData("\"video_seconds\":\"8\"", "\"video_seconds\" is not a number")]
    [InlineData("\"storage_gb_days\":1e12", "\"storage_gb_days\" is too large")]
    [InlineData("\"images\":0.5", "\"images\" is not a whole number")]
    public async Task A_unit_that_cannot_be_counted_is_an_error_of_its_line(string count, string why)
    {
        var run = await CliRun.WithInput($$$"""{"id":1,"model":"gpt-4o","usage":{{{{count}}}}}""", "price", "--jsonl");

        Assert.Contains(why, Assert.Single(run.JsonLines).GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Buckets_add_up_to_input_and_output_whatever_is_claimed()
    {
        var count = Gen.OneOf(Gen.Long[0, 12], Gen.Long[0, long.MaxValue], Gen.Const(long.MaxValue));
        Gen.Select(count.Array[11], count).Sample(
            (counts, requests) =>
            {
                var usage = new InclusiveUsage
                {
                    Input = counts[0],
                    CachedInput = counts[1],
                    CacheWrite5m = counts[2],
                    CacheWrite1h = counts[3],
                    Output = counts[4],
                    Reasoning = counts[5],
                    InputAudio = counts[6],
                    CachedAudio = counts[7],
                    OutputAudio = counts[8],
                    InputImage = counts[9],
                    OutputImage = counts[10],
                    Requests = requests,
                };
                var buckets = usage.ToBuckets(out var clamped);
                Assert.Equal((usage.Input, usage.Output), (buckets.TotalInputTokens, buckets.TotalOutputTokens));
                Assert.All(
                    new[] { buckets.UncachedInputTokens, buckets.CachedInputTokens, buckets.CachedAudioTokens, buckets.InputAudioTokens, buckets.OutputTokens },
                    bucket => Assert.True(bucket >= 0));
                Assert.Equal(
                    !clamped,
                    (buckets.CachedInputTokens + buckets.CachedAudioTokens, buckets.InputAudioTokens + buckets.CachedAudioTokens, buckets.CachedAudioTokens) == (counts[1], counts[6], counts[7])
                    && (buckets.CacheWrite5mTokens, buckets.CacheWrite1hTokens, buckets.InputImageTokens) == (counts[2], counts[3], counts[9])
                    && (buckets.ReasoningTokens, buckets.OutputAudioTokens, buckets.OutputImageTokens) == (counts[5], counts[8], counts[10]));
            },
            iter: TestSize.Cases,
            threads: 1);
    }

    [Fact]
    public async Task Parts_round_to_the_cost()
    {
        var questions = Enumerable.Range(1, 300).Select(i =>
            $$$"""{"id":{{{i}}},"provider":"deepseek-cn","model":"deepseek-chat","usage":{"input_tokens":{{{i * 7919}}},"cached_input_tokens":{{{i * 31}}},"output_tokens":{{{i * 13}}}}}""");
        var run = await CliRun.WithInput(string.Join('\n', questions), "price", "--jsonl");

        Assert.All(run.JsonLines, answer =>
        {
            var parts = answer.GetProperty("parts").EnumerateObject().Sum(part => decimal.Parse(part.Value.GetString()!, CultureInfo.InvariantCulture));
            Assert.Equal(answer.GetProperty("cost_nanos").GetInt64(), Money.FromUsd(parts).Nanos);
            Assert.Equal(answer.GetProperty("cost_nanos").GetInt64(), decimal.Parse(answer.GetProperty("cost_usd").GetString()!, CultureInfo.InvariantCulture) * 1_000_000_000m);
        });
    }

    [Theory]
    [InlineData("2026-01-31T23:00:00Z", "1")]
    [InlineData("2026-02-01T00:00:00Z", "2")]
    [InlineData("2026-02-01", "2")]
    [InlineData("2026-02-01T01:30:00+02:00", "1")]
    [InlineData("2026-02-01T00:00:00", "2")]
    [InlineData("2026-02-01T00:00:00.123456789Z", "2")]
    public async Task The_price_of_the_day_of_the_call_holds_and_a_time_without_offset_is_utc(string at, string cost)
    {
        var prices = """{"schema":"llmcostcache-prices/1","provider":"example","models":[{"id":"m","prices":[{"effective_from":"2026-01-01","input":"1","output":"2"},{"effective_from":"2026-02-01","input":"2","output":"2"}]}]}""";
        var run = await CliRun.WithEnvironment(
            new() { ["LLMCOSTCACHE_PRICES"] = prices }, $$$"""{"provider":"example","model":"m","at":"{{{at}}}","usage":{"input_tokens":1000000}}""", "price", "--jsonl");

        Assert.Equal(cost, Assert.Single(run.JsonLines).GetProperty("cost_usd").GetString());
    }

    [Fact]
    public async Task Prices_of_the_home_directory_count()
    {
        using var home = new TempHome();
        await File.WriteAllTextAsync(Path.Combine(home.Path, "prices.json"), """{"schema":"llmcostcache-prices/1","provider":"example","models":[{"id":"house","input":"3","output":"4"}]}""");

        var question = """{"id":1,"provider":"example","model":"house","usage":{"input_tokens":1000000}}""";
        var byOption = await CliRun.WithInput(question, "price", "--jsonl", "--home", home.Path);
        var byVariable = await CliRun.WithEnvironment(new() { ["LLMCOSTCACHE_HOME"] = home.Path }, question, "price", "--jsonl");

        Assert.Equal("3", Assert.Single(byOption.JsonLines).GetProperty("cost_usd").GetString());
        Assert.Equal(byOption, byVariable);
    }

    [Fact]
    public async Task A_price_file_that_cannot_be_read_ends_with_its_line()
    {
        using var home = new TempHome();
        await File.WriteAllTextAsync(Path.Combine(home.Path, "prices.json"), "{\n \"models\": 3 }");

        var run = await CliRun.WithInput(Contract, "price", "--jsonl", "--home", home.Path);

        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
        Assert.Contains("prices.json", run.Error, StringComparison.Ordinal);
    }

    private static JsonSerializerOptions Relaxed { get; } = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
