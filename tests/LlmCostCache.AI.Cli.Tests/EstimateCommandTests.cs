using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Tests;

public class EstimateCommandTests
{
    private const string Prices = """
        {"schema":"llmcostcache-prices/1","provider":"example","models":[
          {"id":"exact","encoding":"o200k_base","context_window":1000,"max_output_tokens":600,"input":"1","cached_input":"0.25","output":"2","modes":{"batch":{"input":"0.5","output":"1"}}},
          {"id":"secret","input":"1","output":"2"},
          {"id":"vectors","mode":"embedding","encoding":"o200k_base","input":"1"},
          {"id":"nothing","free":true,"input":"0","output":"0"}]}
        """;

    private const string Chat = """
        {"model":"exact","max_tokens":600,"n":2,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Hello"}]}]}
        """;

    private static readonly Dictionary<string, string> s_prices = new() { ["LLMCOSTCACHE_PRICES"] = Prices };

    [Fact]
    public async Task Several_models_stand_side_by_side_the_cheapest_first()
    {
        var run = await Run("Hello, how are you today?", "-m", "secret", "-m", "exact", "-m", "no-such-model", "-m", "nothing", "--expected-output", "100", "--requests", "1000");

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal(
            [
                "model provider input output likely at least at most 1,000 calls certainty",
                "nothing example ~14 100 $0.00 $0.00 $0.00 $0.00 known",
                "secret example ~14 100 $0.000214 $0.000201 $0.000353 $0.214 bounded",
                "exact example ~14 100 $0.000214 $0.000207 $0.000335 $0.214 bounded",
                "no-such-model - - - unknown - - unknown unknown",
                "secret: the model's tokenizer is not public, so the input is bounded by its bytes.",
                "exact: the input was counted with o200k_base; what the provider adds around it is bounded.",
                "no-such-model: no price for 'no-such-model'.",
            ],
            run.Lines.Select(Squeezed));
    }

    [Fact]
    public async Task Json_has_every_number_and_both_ends()
    {
        var run = await Run("Hello, how are you today?", "-m", "exact", "--expected-output", "100", "--max-output", "200", "--requests", "3", "--as-of", "2026-08-22", "--json");

        Assert.Equal(
            """
            {
              "schema": "estimate/1",
              "at": "2026-08-22T00:00:00Z",
              "known_at": null,
              "service_tier": null,
              "input_bytes": 25,
              "messages": 1,
              "requests": 3,
              "estimates": [
                {
                  "model": "exact",
                  "provider": "example",
                  "priced_as": "exact",
                  "revision": "REVISION",
                  "certainty": "bounded",
                  "counted_by": "o200k_base",
                  "input_tokens": 14,
                  "least_input_tokens": 7,
                  "most_input_tokens": 135,
                  "cached_input_tokens": 0,
                  "output_tokens": 100,
                  "most_output_tokens": 200,
                  "likely_usd": "0.000214",
                  "likely_nanos": 214000,
                  "low_usd": "0.000207",
                  "low_nanos": 207000,
                  "high_usd": "0.000535",
                  "high_nanos": 535000,
                  "all_requests_usd": "0.000642",
                  "all_requests_nanos": 642000,
                  "context_window": 1000,
                  "warnings": [],
                  "reason": "the input was counted with o200k_base; what the provider adds around it is bounded; the answer may be as long as its limit"
                }
              ]
            }

            """,
            run.Output.Replace(run.Json.GetProperty("estimates")[0].GetProperty("revision").GetString()!, "REVISION", StringComparison.Ordinal),
            ignoreLineEndingDifferences: true);
    }

    [Fact]
    public async Task A_chat_request_names_its_model_its_limit_and_how_many_answers_it_wants()
    {
        var estimate = One(await Run(Chat, "--expected-output", "100", "--json"));

        // 3 and 1 tokens of text; two messages and the answer are framed by 4 + 4 + 3.
        Assert.Equal((15, 200, 1200), (Number(estimate, "input_tokens"), Number(estimate, "output_tokens"), Number(estimate, "most_output_tokens")));
        Assert.Equal("exact", estimate.GetProperty("model").GetString());
    }

    [Fact]
    public async Task Any_other_json_is_text()
    {
        const string Other = """{"text":"no messages here"}""";
        var run = await Run(Other, "-m", "exact", "--json");

        Assert.Equal((1, Other.Length), (Number(run.Json, "messages"), Number(run.Json, "input_bytes")));
    }

    [Fact]
    public async Task Several_files_are_one_request()
    {
        using var home = new TempHome();
        var (first, second) = (Path.Combine(home.Path, "a.txt"), Path.Combine(home.Path, "b.txt"));
        await File.WriteAllTextAsync(first, "Hello");
        await File.WriteAllTextAsync(second, "Hello", new UTF8Encoding(true));

        var run = await Run("", first, second, "-m", "exact", "--json");

        Assert.Equal((2, 10), (Number(run.Json, "messages"), Number(run.Json, "input_bytes")));
        Assert.Equal(2 + 4 + 4 + 3, Number(One(run), "input_tokens"));
    }

    [Theory]
    [InlineData("--cached", "4")]
    [InlineData("--cached-share", "0.5")]
    public async Task What_the_provider_has_cached_is_cheaper(params string[] cached)
    {
        var estimate = One(await Run("Hello", [.. cached, "-m", "exact", "--expected-output", "0", "--json"]));

        Assert.Equal((8, 4, 5000), (Number(estimate, "input_tokens"), Number(estimate, "cached_input_tokens"), Number(estimate, "likely_nanos")));
    }

    [Fact]
    public async Task The_service_tier_changes_the_price()
    {
        var estimate = One(await Run("Hello", "-m", "exact", "--expected-output", "100", "--service-tier", "batch", "--json"));
        Assert.Equal(104_000, Number(estimate, "likely_nanos"));
    }

    [Fact]
    public async Task What_does_not_fit_the_context_window_is_said()
    {
        var run = await Run(string.Concat(Enumerable.Repeat("word ", 2_000)), "-m", "exact", "--max-output", "700");

        Assert.Contains("output tokens do not fit the context window of 1,000.", run.Output, StringComparison.Ordinal);
        Assert.Contains("exact: the model answers with at most 600 tokens.", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_embedding_has_no_answer_and_no_frame()
    {
        var estimate = One(await Run("Hello", "-m", "vectors", "--json"));
        Assert.Equal((1, 0, "known"), (Number(estimate, "input_tokens"), Number(estimate, "output_tokens"), estimate.GetProperty("certainty").GetString()));
    }

    [Fact]
    public async Task Only_models_without_a_price_are_found_out_by_the_exit_code()
    {
        var run = await Run("Hello", "-m", "no-such-model", "--json");

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Equal(JsonValueKind.Null, One(run).GetProperty("likely_usd").ValueKind);
        Assert.Equal("no price for 'no-such-model'", One(run).GetProperty("reason").GetString());
    }

    [Fact]
    public async Task An_image_is_bounded_and_sound_is_not()
    {
        const string Image = """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/x.png"}}]}]}""";
        const string Sound = """{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]}""";

        Assert.InRange(Number(One(await Run(Image, "-m", "secret", "--json")), "most_input_tokens"), 48_169, 49_000);
        Assert.Equal(765 + 4 + 3, Number(One(await Run(Image, "-m", "secret", "--json")), "input_tokens"));
        Assert.Equal(1_000, Number(One(await Run(Sound, "-m", "exact", "--json")), "most_input_tokens"));
        Assert.Contains("cannot be bounded", One(await Run(Sound, "-m", "secret", "--json")).GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_one_of_several_requests_cannot_bound_none_of_them_bounds()
    {
        using var files = new TempHome();
        var sound = ExchangeHomes.Write(files, "sound.json", """{"n":3,"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]}""");
        var text = ExchangeHomes.Write(files, "text.json", """{"messages":[{"role":"user","content":"Hello"}]}""");

        var (first, last) = ((await Run("", sound, text, "-m", "exact", "--json")).Json, (await Run("", text, sound, "-m", "exact", "--json")).Json);

        Assert.Equal(last.GetProperty("estimates")[0].ToString(), first.GetProperty("estimates")[0].ToString());
    }

    [Fact]
    public async Task What_looks_like_a_control_token_is_text()
    {
        var run = await Run("What does <|endoftext|> mean?", "-m", "exact");
        Assert.Equal((0, ""), (run.Code, run.Error));
    }

    [Fact]
    public async Task Long_text_is_counted_in_pieces_that_change_next_to_nothing()
    {
        var text = string.Concat(Enumerable.Range(0, 120_000).Select(i => $"word {i % 997} and "));
        var estimate = One(await Run(text, "-m", "exact", "--json"));

        var whole = SharpToken.GptEncoding.GetEncoding("o200k_base").CountTokens(text);
        Assert.InRange(whole, Number(estimate, "least_input_tokens"), Number(estimate, "most_input_tokens"));
        Assert.InRange(Number(estimate, "input_tokens"), whole - 20, whole + 20);
    }

    [Theory]
    [InlineData("zero", new byte[] { (byte)'a', 0, (byte)'b' }, "a zero byte at 1")]
    [InlineData("not UTF-8", new byte[] { 0xff, 0xfe, 0x41, 0x00 }, "not UTF-8")]
    public async Task What_is_no_text_is_refused_with_the_reason(string what, byte[] input, string why)
    {
        var run = await CliRun.WithInput(input, s_prices, "estimate", "-m", "exact");

        Assert.Equal((ExitCode.WrongUsage, "", what), (run.Code, run.Output, what));
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"\ud800"}]}""")]
    [InlineData("""{"messages":[{"role":"","content":"x"}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"x","tool_calls":[1]}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"tools":[{"function":{"name":"","parameters":{}}}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"tools":[{"function":{"name":"f","parameters":5}}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"response_format":{"json_schema":{"name":"f","schema":5}}}""")]
    public async Task A_chat_request_that_is_odd_is_refused_or_read_and_never_a_fault(string request)
    {
        var said = await Run(request, "-m", "exact", "--format", "chat");
        var guessed = await Run(request, "-m", "exact");

        Assert.True(said.Code is 0 or 2, said.Error);
        Assert.True(guessed.Code is 0, guessed.Error);
        Assert.True(said.Code == 0 || said.Error.Contains("is no chat request", StringComparison.Ordinal), said.Error);
    }

    /// <summary>Anthropic's instructions are a text or a list of texts.</summary>
    [Fact]
    public async Task Instructions_in_parts_are_counted_as_those_in_one()
    {
        var one = One(await Run("""{"system":"Be brief and kind.","messages":[{"role":"user","content":"Hello"}]}""", "-m", "exact", "--json"));
        var parts = One(await Run("""{"system":[{"type":"text","text":"Be brief and kind."}],"messages":[{"role":"user","content":"Hello"}]}""", "-m", "exact", "--json"));

        Assert.Equal(Number(one, "input_tokens"), Number(parts, "input_tokens"));
        Assert.True(Number(one, "input_tokens") > Number(One(await Run("""{"messages":[{"role":"user","content":"Hello"}]}""", "-m", "exact", "--json")), "input_tokens"));
    }

    [Theory]
    [InlineData("needs a --model", "")]
    [InlineData("cannot be read", "no-such-file.txt", "-m", "exact")]
    [InlineData("no chat request", "--format", "chat", "-m", "exact")]
    [InlineData("'yaml' is not a format", "--format", "yaml", "-m", "exact")]
    [InlineData("from 0 to 1", "--cached-share", "1.5", "-m", "exact")]
    [InlineData("say the same", "--cached-share", "0.5", "--cached", "3", "-m", "exact")]
    [InlineData("--expected-output is -1", "--expected-output", "-1", "-m", "exact")]
    [InlineData("--requests is 0", "--requests", "0", "-m", "exact")]
    [InlineData("--model is empty", "-m", " ")]
    public async Task Wrong_usage_says_what_is_wrong(string why, params string[] args)
    {
        var run = await Run("Hello", [.. args.Where(arg => arg.Length > 0)]);

        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }

    private static Task<CliRun> Run(string input, params string[] args) => CliRun.WithEnvironment(s_prices, input, ["estimate", "--provider", "example", .. args]);

    private static JsonElement One(CliRun run) => run.Json.GetProperty("estimates")[0];

    private static long Number(JsonElement json, string name) => json.GetProperty(name).GetInt64();

    private static string Squeezed(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
