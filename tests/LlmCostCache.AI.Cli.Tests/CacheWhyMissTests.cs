using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Cli.Tests;

public class CacheWhyMissTests
{
    private static readonly string[] s_who = ["--provider", "openai", "--endpoint", "https://api.openai.com/v1"];

    private static readonly ChatMessage[] s_messages =
    [
        new(ChatRole.System, "Be brief."),
        new(ChatRole.User, "How is the weather in Paris?"),
        new(ChatRole.Assistant, [new FunctionCallContent("call_1", "get_weather", new Dictionary<string, object?> { ["city"] = JsonElement.Parse("\"Paris\"") })]),
        new(ChatRole.Tool, [new FunctionResultContent("call_1", JsonElement.Parse("""{"sky":"clear"}"""))]),
    ];

    private static readonly ChatOptions s_options = new()
    {
        Temperature = 0.2f,
        MaxOutputTokens = 100,
        StopSequences = ["END"],
        ToolMode = ChatToolMode.Auto,
        Tools = [AIFunctionFactory.CreateDeclaration("get_weather", "The weather", JsonElement.Parse("""{"type":"object"}"""))],
    };

    private const string Request = """
        {
          "model": "gpt-4o-mini", "temperature": 0.2, "max_tokens": 100, "stop": "END", "tool_choice": "auto", "stream": true,
          "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How is the weather in Paris?"},
            {"role": "assistant", "tool_calls": [{"id": "call_9", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\":\"Paris\"}"}}]},
            {"role": "tool", "tool_call_id": "call_9", "content": "{\"sky\":\"clear\"}"}
          ],
          "tools": [{"type": "function", "function": {"name": "get_weather", "description": "The weather", "parameters": {"type":"object"}}}]
        }
        """;

    private static Task<CacheHome> Sample() => CacheHome.CreateAsync(client => client.GetResponseAsync(s_messages, s_options));

    [Fact]
    public async Task A_request_in_the_form_of_the_chat_endpoint_is_the_question_that_was_stored()
    {
        using var home = await Sample();

        var run = await CliRun.WithInput(Request, ["cache", "why-miss", "-", "--home", home.Path, .. s_who]);

        Assert.Equal((0, "", "This request would be a hit."), (run.Code, run.Error, run.Lines[0]));
    }

    [Theory]
    [InlineData("\"temperature\": 0.2", "\"temperature\": 0.3", "temperature: not the same")]
    [InlineData("\"temperature\": 0.2,", "", "temperature: only in the stored request")]
    [InlineData("in Paris?", "in Rome?", "message 2 (user): not the same")]
    [InlineData("\"The weather\"", "\"Weather\"", "tool get_weather: not the same")]
    [InlineData("\"stop\": \"END\"", "\"stop\": [\"END\"], \"seed\": 1", "seed: only in this request")]
    [InlineData("gpt-4o-mini", "gpt-4o", "model: not the same")]
    [InlineData("\\\"Paris\\\"", "\\\"Rome\\\"", "message 3 (assistant): not the same")]
    public async Task Exactly_what_differs_is_named(string old, string changed, string difference)
    {
        using var home = await Sample();

        var run = await CliRun.WithInput(Request.Replace(old, changed, StringComparison.Ordinal), ["cache", "why-miss", "-", "--home", home.Path, .. s_who]);

        Assert.Equal((1, ""), (run.Code, run.Error));
        Assert.Equal([$"  {difference}"], run.Lines.Where(line => line.StartsWith("  ", StringComparison.Ordinal)));
        Assert.DoesNotContain("Paris", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("provider", "--provider", "azure", "--endpoint", "https://api.openai.com/v1")]
    [InlineData("endpoint", "--provider", "openai", "--endpoint", "https://example.com/v1")]
    [InlineData("tenant", "--provider", "openai", "--endpoint", "https://api.openai.com/v1", "--tenant", "acme")]
    [InlineData("namespace", "--provider", "openai", "--endpoint", "https://api.openai.com/v1", "--namespace", "shop")]
    [InlineData("call namespace", "--provider", "openai", "--endpoint", "https://api.openai.com/v1", "--call-namespace", "shop")]
    public async Task Who_is_asked_and_for_whom_counts(string part, params string[] who)
    {
        using var home = await Sample();

        var json = (await CliRun.WithInput(Request, ["cache", "why-miss", "-", "--home", home.Path, "--json", .. who])).Json;

        Assert.Equal(("cache-why-miss/1", "different"), (json.GetProperty("schema").GetString(), json.GetProperty("verdict").GetString()));
        Assert.Equal([part], json.GetProperty("differences").EnumerateArray().Select(difference => difference.GetProperty("part").GetString()));
    }

    [Fact]
    public async Task Without_provider_and_endpoint_everything_else_is_compared()
    {
        using var home = await Sample();

        var run = await CliRun.WithInput(Request, "cache", "why-miss", "-", "--home", home.Path);

        Assert.Equal((0, "This request would be a hit, provided that the same provider and endpoint are asked."), (run.Code, run.Lines[0]));
        Assert.Contains("Not compared: provider, endpoint; give --provider and --endpoint.", run.Lines);
    }

    [Fact]
    public async Task Messages_and_options_as_the_library_writes_them_are_read_as_well()
    {
        using var home = await Sample();
        var messages = JsonSerializer.Serialize(s_messages, AIJsonUtilities.DefaultOptions);
        var options = JsonSerializer.Serialize(s_options, AIJsonUtilities.DefaultOptions);
        var request = $$$"""{"messages":{{{messages}}},"options":{{{options}}},"tools":[{"name":"get_weather","description":"The weather","jsonSchema":{"type":"object"}}]}""";

        var run = await CliRun.WithInput(request, ["cache", "why-miss", "-", "--home", home.Path, "--model", "gpt-4o-mini", .. s_who]);

        Assert.Equal((0, "This request would be a hit."), (run.Code, run.Lines[0]));
    }

    [Fact]
    public async Task The_beginning_of_the_nearest_prompt_is_shown_on_request_only()
    {
        using var home = await Sample();
        var request = Request.Replace("in Paris?", "in Rome?", StringComparison.Ordinal);

        var silent = await CliRun.WithInput(request, ["cache", "why-miss", "-", "--home", home.Path, .. s_who]);
        var shown = await CliRun.WithInput(request, ["cache", "why-miss", "-", "--home", home.Path, "--show-content", .. s_who]);

        Assert.Contains("The last messages of the user are the same in their first 22 characters.", silent.Lines);
        Assert.DoesNotContain("weather in", silent.Output, StringComparison.Ordinal);
        Assert.Contains("How is the weather in Paris?", shown.Lines);
    }

    [Fact]
    public async Task What_bypasses_the_cache_says_why()
    {
        using var home = await Sample();
        const string Image = """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]}""";

        var run = await CliRun.WithInput(Image, "cache", "why-miss", "-", "--home", home.Path);
        var allowed = await CliRun.WithInput(Image, "cache", "why-miss", "-", "--home", home.Path, "--allow-uri-content");

        Assert.Equal((1, "This request would bypass the cache because media is named by its address, and what is there may change."), (run.Code, run.Lines[0]));
        Assert.Equal("This request is not stored, and no entry is near.", allowed.Lines[0]);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("{}")]
    [InlineData("""{"messages":[]}""")]
    [InlineData("""{"messages":[{"content":"x"}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"temperature":"hot"}""")]
    [InlineData("""{"messages":[{"role":"user","contents":[{"$type":"nonsense"}]}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"\ud800"}]}""")]
    [InlineData("""{"messages":[{"role":"","content":"x"}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"tools":[{"function":{"name":""}}]}""")]
    public async Task What_is_no_request_is_wrong_usage(string input)
    {
        using var home = new TempHome();

        var run = await CliRun.WithInput(input, "cache", "why-miss", "-", "--home", home.Path);

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains("is no chat request", run.Error, StringComparison.Ordinal);
    }
}
