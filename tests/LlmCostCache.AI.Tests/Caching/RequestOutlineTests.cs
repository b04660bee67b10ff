using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class RequestOutlineTests
{
    private static readonly QuestionScope s_scope = new(CacheFixture.Endpoint, "app", "call", "acme", "gpt-4o-mini");

    private static RequestOutline Of(IList<ChatMessage> messages, ChatOptions? options = null, QuestionScope? scope = null)
    {
        var outline = RequestOutline.Of(messages, options, scope ?? s_scope, false, out var whyNot);
        Assert.Null(whyNot);
        return outline!;
    }

    private static string[] Names(RequestOutline outline) => [.. outline.Parts.Select(p => p.Name)];

    /// <summary>The names of the parts of one that the other does not have like that.</summary>
    private static string[] Difference(RequestOutline left, RequestOutline right) => [.. left.Parts.Except(right.Parts).Select(p => p.Name)];

    [Fact]
    public void Parts_are_named_as_a_reader_of_the_request_would()
    {
        var outline = Of(
            [new(ChatRole.System, "You know the weather."), new(ChatRole.User, "In Rome?"), new(ChatRole.Assistant, "Sunny."), new(ChatRole.User, "In Oslo?")],
            new ChatOptions
            {
                Instructions = "Be brief.",
                Temperature = 0,
                Seed = 1,
                Tools = [AIFunctionFactory.Create((string city) => city, "get_weather"), new HostedWebSearchTool()],
                ToolMode = ChatToolMode.Auto,
                StopSequences = ["END"],
                AdditionalProperties = new() { ["x"] = 1, ["llmcostcache.call"] = "ours" },
            });

        Assert.Equal(
            [
                "form of the key", "namespace", "call namespace", "tenant", "provider", "endpoint", "model", "message 1 (system)", "message 2 (user)",
                "message 3 (assistant)", "message 4 (user)", "instructions", "temperature", "seed", "stop sequences", "tool mode", "tool get_weather", "tool web_search",
                "additional property x",
            ],
            Names(outline));
        Assert.Equal("In Oslo?", outline.Prompt);
    }

    [Fact]
    public void What_differs_is_named_and_nothing_else()
    {
        var tool = AIFunctionFactory.Create((string city) => city, "get_weather");
        var changed = AIFunctionFactory.Create((string city, int days) => city, "get_weather");
        ChatOptions Options() => new() { Temperature = 0.5f, Tools = [tool], AdditionalProperties = new() { ["a"] = 1, ["b"] = 2 } };
        var one = Of(CacheFixture.Ask("Q"), Options());

        var warmer = Options();
        warmer.Temperature = 0.6f;
        var tooled = Options();
        tooled.Tools = [changed];
        var more = Options();
        more.AdditionalProperties!["c"] = 3;
        var instructed = Options();
        instructed.Instructions = "Be brief.";

        Assert.Empty(Difference(one, Of(CacheFixture.Ask("Q"), Options())));
        Assert.Equal(["temperature"], Difference(one, Of(CacheFixture.Ask("Q"), warmer)));
        Assert.Equal(["tool get_weather"], Difference(one, Of(CacheFixture.Ask("Q"), tooled)));
        Assert.Equal(["additional property c"], Difference(Of(CacheFixture.Ask("Q"), more), one));
        Assert.Equal(["instructions"], Difference(Of(CacheFixture.Ask("Q"), instructed), one));
        Assert.Equal(["message 1 (user)"], Difference(one, Of(CacheFixture.Ask("R"), Options())));
        Assert.Equal(["tenant"], Difference(one, Of(CacheFixture.Ask("Q"), Options(), s_scope with { Tenant = "other" })));
        Assert.Equal(["model"], Difference(one, Of(CacheFixture.Ask("Q"), Options(), s_scope with { Model = "gpt-4o" })));
    }

    [Fact]
    public void A_question_without_a_key_has_no_outline_but_a_reason()
    {
        Assert.Null(RequestOutline.Of(CacheFixture.Ask("Q"), new ChatOptions { ConversationId = "c" }, s_scope, false, out var whyNot));
        Assert.Equal("ConversationId is set", whyNot);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(100_000)]
    public async Task What_the_caller_changes_after_it_asked_is_in_neither_key_nor_outline(int length)
    {
        await using var fixture = new CacheFixture();
        var expected = fixture.Plan(new string('a', length));
        var messages = CacheFixture.Ask(new string('a', length));
        var plan = fixture.Plan(messages);

        messages[0].Contents = [new TextContent("something else")];
        messages.Add(new ChatMessage(ChatRole.User, "more"));
        Assert.Null(await fixture.FindAsync(plan));

        Assert.Equal(expected.Key, plan.Key);
        Assert.Equal(expected.Outline!.Parts, plan.Outline!.Parts);
        Assert.Equal(new string('a', Math.Min(length, 256)), plan.Outline.Prompt);
    }

    [Fact]
    public async Task A_plan_knows_whose_question_it_is_and_how_its_instructions_begin()
    {
        await using var fixture = new CacheFixture(o => o.CacheNamespace = "app");
        var plan = fixture.Plan([new(ChatRole.System, "You are a pirate."), new(ChatRole.User, "Q")], tenant: "acme");
        var called = fixture.Plan("Q", new ChatOptions { Instructions = new string('i', 255) + "😀" }.WithCache(c => c.Namespace("call")));

        Assert.Equal(("app", "acme", "You are a pirate."), (plan.Namespace, plan.Tenant, plan.SystemPrompt));
        Assert.Equal(("call", null, new string('i', 255)), (called.Namespace, called.Tenant, called.SystemPrompt));
    }

    [Fact]
    public async Task Without_excerpts_no_text_of_the_question_is_kept()
    {
        await using var fixture = new CacheFixture(o => o.CacheExcerpts = false);
        var plan = fixture.Plan([new(ChatRole.System, "You are a pirate."), new(ChatRole.User, "Q")]);

        Assert.Null(plan.SystemPrompt);
        Assert.Null(plan.Outline!.Prompt);
        Assert.NotEmpty(plan.Outline.Parts);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(100_000)]
    public async Task With_a_secret_nobody_can_check_a_guess_against_the_parts_of_a_question(int length)
    {
        await using var plain = new CacheFixture();
        await using var secret = new CacheFixture(o => o.CacheSecret = new CacheSecret("a secret of sixteen or more bytes"));
        await using var other = new CacheFixture(o => o.CacheSecret = new CacheSecret("another secret of sixteen bytes"));

        var parts = new[] { plain, secret, other }.Select(fixture => fixture.Plan(new string('a', length)).Outline!.Parts).ToList();

        Assert.Equal(parts[0].Select(part => part.Name), parts[1].Select(part => part.Name));
        Assert.Empty(parts[1].Select(part => part.Digest).Intersect(parts[0].Concat(parts[2]).Select(part => part.Digest)));
    }

    [Fact]
    public async Task With_a_secret_it_is_still_known_why_a_question_misses()
    {
        await using var fixture = new CacheFixture(o => o.CacheSecret = new CacheSecret("a secret of sixteen or more bytes"), disk: true);
        fixture.Cache.Store(fixture.Plan("Q", new ChatOptions { Temperature = 0.1f }), CacheFixture.Answer(), CacheFixture.Cost);

        var why = await fixture.Cache.WhyMissAsync(fixture.Plan("Q", new ChatOptions { Temperature = 0.2f }), CancellationToken.None);

        Assert.Equal((MissVerdict.Different, "temperature"), (why.Verdict, Assert.Single(why.Differences).Name));
    }
}
