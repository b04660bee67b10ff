using CsCheck;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class MissSearchTests
{
    private static readonly string[] s_texts = ["", "a", "b", "Why is the sky blue?", "Why is the sky red?", "é\0\n", "x {\"a\":1}"];
    private static readonly string[] s_roles = ["system", "user", "assistant", "tool"];

    private static readonly Gen<Request> s_request = Gen.Select(
        Gen.Select(Any(s_roles), Any(s_texts)).Array[1, 5],
        Gen.Select(Any("lookup", "search", "send"), Any(s_texts)).Array[0, 3].Select(tools => tools.DistinctBy(tool => tool.Item1).ToArray()),
        Gen.Select(Any<float?>(null, 0f, 0.7f), Any<int?>(null, 100), Any<long?>(null, 7L), Any<string?>(null, "Be brief.")),
        Any<string?>(null, "acme"),
        (messages, tools, options, tenant) => new Request(
            [.. messages.Select(message => (message.Item1, message.Item2))], [.. tools.Select(tool => (tool.Item1, tool.Item2))], options.Item1, options.Item2, options.Item3, options.Item4, tenant));

    [Fact]
    public void Exactly_the_part_that_was_changed_is_named() => Gen.Select(s_request, Gen.Int[0, 99]).Sample((request, choice) =>
    {
        var changes = request.Changes().ToArray();
        var (name, change, other) = changes[choice % changes.Length];

        var comparison = OutlineComparison.Of(other.Outline(), request.Outline(), new HashSet<string>());

        return comparison.Differences.SequenceEqual([new PartDifference(name, change)]);
    }, iter: TestSize.Cases / 10, print: pair => $"{pair.Item1} with change {pair.Item2}");

    [Fact]
    public void Equal_outlines_are_equal_keys() => Gen.Select(s_request, s_request, Gen.Int[0, 99]).Sample((left, other, choice) =>
    {
        var changes = left.Changes().ToArray();
        var right = choice < 30 ? left : choice < 60 ? other : changes[choice % changes.Length].Other;
        var comparison = OutlineComparison.Of(left.Outline(), right.Outline(), new HashSet<string>());
        return comparison.Differences.Count == 0 == left.Key().Equals(right.Key());
    }, iter: TestSize.Cases / 10);

    [Fact]
    public void Tools_in_another_order_are_named_as_moved()
    {
        var request = new Request([("user", "a")], [("lookup", ""), ("search", "")], null, null, null, null, null);

        var comparison = OutlineComparison.Of((request with { Tools = [("search", ""), ("lookup", "")] }).Outline(), request.Outline(), new HashSet<string>());

        Assert.Equal([new("tool search", PartChange.Moved), new PartDifference("tool lookup", PartChange.Moved)], comparison.Differences);
    }

    [Fact]
    public async Task The_nearest_entry_has_the_most_equal_parts_and_its_difference_is_named()
    {
        await using var cache = new CacheFixture(disk: true);
        var (asked, near, far) = (
            new ChatOptions { Temperature = 0.5f, Instructions = "Be brief." },
            new ChatOptions { Temperature = 0.7f, Instructions = "Be brief." },
            new ChatOptions { Temperature = 0.5f, Instructions = "Be thorough." });
        cache.Store("What is the capital of Italy?", far);
        cache.Store("What is the capital of France?", near);
        cache.Store("Another thing", new ChatOptions());

        var explanation = await cache.WhyMissAsync("What is the capital of France?", asked);

        Assert.Equal(MissVerdict.Different, explanation.Verdict);
        Assert.Equal([new("temperature", PartChange.Differs)], explanation.Differences);
        Assert.Equal(cache.Plan("What is the capital of France?", near).Key, explanation.Entry!.Key);
        Assert.Equal(3, explanation.Compared);
    }

    [Fact]
    public async Task Of_two_that_are_as_near_the_prompt_that_begins_alike_is_nearer_and_how_far_is_said()
    {
        await using var cache = new CacheFixture(disk: true);
        cache.Store("What is the capital of Italy?");
        cache.Store("Another thing");

        var explanation = await cache.WhyMissAsync("What is the capital of Ireland?");

        Assert.Equal([new("message 1 (user)", PartChange.Differs)], explanation.Differences);
        Assert.Equal("What is the capital of I".Length, explanation.CommonPrompt);
        Assert.DoesNotContain("capital", explanation.ToString() + explanation.Words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stored_question_would_be_a_hit()
    {
        await using var cache = new CacheFixture(disk: true);
        cache.Store("Hello");

        Assert.Equal((MissVerdict.Hit, "would be a hit"), ((await cache.WhyMissAsync("Hello")).Verdict, (await cache.WhyMissAsync("Hello")).Words));
    }

    [Fact]
    public async Task An_expired_entry_is_named_with_its_day()
    {
        await using var cache = new CacheFixture(disk: true);
        cache.Store("Hello");
        await cache.Cache.FlushAsync(CancellationToken.None);
        using var file = CacheFile.TryOpen(cache.Home!);

        var explanation = new MissSearch(file, AnswerSeal.None, cache.Time.GetUtcNow().AddHours(25)).Explain(cache.Plan("Hello"), CancellationToken.None);

        Assert.Equal((MissVerdict.Expired, "was stored but expired on 2026-09-02 12:00:00Z"), (explanation.Verdict, explanation.Words));
    }

    [Fact]
    public async Task An_entry_that_nobody_used_for_its_sliding_time_is_no_hit_and_one_in_use_is()
    {
        await using var cache = new CacheFixture(disk: true);
        var sliding = new ChatOptions().WithCache(c => c.SlidingExpiration(TimeSpan.FromHours(1)));
        cache.Store("Hello", sliding);
        cache.Time.Advance(TimeSpan.FromMinutes(50));
        cache.Cache.Used((await cache.FindAsync(cache.Plan("Hello", sliding)))!, Money.Zero);
        cache.Time.Advance(TimeSpan.FromMinutes(50));
        Assert.Equal(MissVerdict.Hit, (await cache.WhyMissAsync("Hello", sliding)).Verdict);
        cache.Time.Advance(TimeSpan.FromMinutes(10));

        var explanation = await cache.WhyMissAsync("Hello", sliding);

        Assert.Null(await cache.FindAsync(cache.Plan("Hello", sliding)));
        Assert.Equal((MissVerdict.Expired, "was stored but expired on 2026-09-01 13:50:00Z"), (explanation.Verdict, explanation.Words));
    }

    [Fact]
    public async Task A_question_that_cannot_be_keyed_says_why()
    {
        await using var cache = new CacheFixture(disk: true);

        Assert.Equal("would bypass the cache because ConversationId is set", (await cache.WhyMissAsync("Hello", new ChatOptions { ConversationId = "c" })).Words);
    }

    [Fact]
    public async Task Nothing_is_near_in_an_empty_cache_and_among_strangers()
    {
        await using var cache = new CacheFixture(disk: true);
        var empty = await cache.WhyMissAsync("Hello");
        cache.Store("Something else", new ChatOptions { Temperature = 1 });

        Assert.Equal(MissVerdict.NothingNear, empty.Verdict);
        Assert.Equal(MissVerdict.NothingNear, (await cache.WhyMissAsync("Hello")).Verdict);
    }

    [Fact]
    public async Task What_nobody_told_is_not_compared()
    {
        await using var cache = new CacheFixture(disk: true);
        cache.Store("Hello");
        await cache.Cache.FlushAsync(CancellationToken.None);
        using var file = CacheFile.TryOpen(cache.Home!);
        var elsewhere = cache.Plan("Hello", endpoint: new CacheEndpoint(null, null, "gpt-4o-mini"));

        var explanation = new MissSearch(file, AnswerSeal.None, cache.Time.GetUtcNow()) { Unknown = new HashSet<string> { "provider", "endpoint" } }.Explain(elsewhere, CancellationToken.None);

        Assert.Equal("would be a hit, provided that the same provider and endpoint are asked", explanation.Words);
    }

    [Fact]
    public async Task A_client_says_why_a_question_would_miss()
    {
        using var home = new TempHome();
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        using var client = new CostCachingChatClient(new FakeChatClient(), costs);
        await client.GetResponseAsync("Hello", new ChatOptions { Temperature = 0.5f });

        var same = await client.WhyMissAsync([new(ChatRole.User, "Hello")], new ChatOptions { Temperature = 0.5f });
        var other = await client.WhyMissAsync([new(ChatRole.User, "Hello")], new ChatOptions { Temperature = 0.6f });

        Assert.True(same.IsHit);
        Assert.False(other.IsHit);
        Assert.Equal(["temperature: not the same"], other.Differences);
        Assert.Equal(same.Key, other.Key);
        Assert.Equal("is not stored; the nearest entry differs in temperature", other.ToString());
    }

    private static Gen<T> Any<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private sealed record Request((string Role, string Text)[] Messages, (string Name, string Description)[] Tools, float? Temperature, int? MaxTokens, long? Seed, string? Instructions, string? Tenant)
    {
        private string Namespace { get; init; } = "";

        private string Model { get; init; } = "gpt-4o-mini";

        private string Provider { get; init; } = "openai";

        private string Endpoint { get; init; } = "https://api.openai.com/v1";

        private string? Property { get; init; }

        public RequestOutline Outline()
        {
            var outline = RequestOutline.Of(List(), Options(), Scope(), allowUriContent: false, out var whyNot);
            Assert.True(outline is not null, whyNot);
            return outline;
        }

        public CacheKey Key()
        {
            Assert.True(QuestionKeys.TryKey(List(), Options(), Scope().Endpoint, Namespace, null, Tenant, Model, false, out var key, out _));
            return key;
        }

        /// <summary>The request with one part changed, and how that part is called.</summary>
        public IEnumerable<(string Name, PartChange Change, Request Other)> Changes()
        {
            for (var i = 0; i < Messages.Length; i++)
            {
                var (role, text) = Messages[i];
                yield return ($"message {i + 1} ({role})", PartChange.Differs, With(i, (role, text + "!")));
                yield return ($"message {i + 1} (critic)", PartChange.Differs, With(i, ("critic", text)));
            }

            yield return ($"message {Messages.Length + 1} (user)", PartChange.OnlyAsked, this with { Messages = [.. Messages, ("user", "More?")] });
            for (var i = 0; i < Tools.Length; i++)
            {
                var tools = Tools.ToArray();
                tools[i].Description += "!";
                yield return ($"tool {tools[i].Name}", PartChange.Differs, this with { Tools = tools });
            }

            yield return ("tool another", PartChange.OnlyAsked, this with { Tools = [.. Tools, ("another", "")] });
            yield return ("temperature", Temperature is null ? PartChange.OnlyAsked : PartChange.Differs, this with { Temperature = 0.31f });
            yield return ("max output tokens", MaxTokens is null ? PartChange.OnlyAsked : PartChange.Differs, this with { MaxTokens = 31 });
            yield return ("seed", Seed is null ? PartChange.OnlyAsked : PartChange.Differs, this with { Seed = 31 });
            yield return ("instructions", Instructions is null ? PartChange.OnlyAsked : PartChange.Differs, this with { Instructions = "Be kind." });
            yield return ("tenant", Tenant is null ? PartChange.OnlyAsked : PartChange.Differs, this with { Tenant = "other" });
            yield return ("namespace", PartChange.OnlyAsked, this with { Namespace = "shop" });
            yield return ("model", PartChange.Differs, this with { Model = "gpt-4o" });
            yield return ("provider", PartChange.Differs, this with { Provider = "azure" });
            yield return ("endpoint", PartChange.Differs, this with { Endpoint = "https://example.com/" });
            yield return ("additional property user", PartChange.OnlyAsked, this with { Property = "u" });
            if (Temperature is not null)
                yield return ("temperature", PartChange.OnlyStored, this with { Temperature = null });
        }

        private Request With(int place, (string, string) message)
        {
            var messages = Messages.ToArray();
            messages[place] = message;
            return this with { Messages = messages };
        }

        private QuestionScope Scope() => new(new CacheEndpoint(Provider, new Uri(Endpoint), null), Namespace, null, Tenant, Model);

        private List<ChatMessage> List() => [.. Messages.Select(message => new ChatMessage(new ChatRole(message.Role), message.Text))];

        private ChatOptions Options() => new()
        {
            Temperature = Temperature,
            MaxOutputTokens = MaxTokens,
            Seed = Seed,
            Instructions = Instructions,
            Tools = [.. Tools.Select(tool => AIFunctionFactory.CreateDeclaration(tool.Name, tool.Description, System.Text.Json.JsonElement.Parse("{}")))],
            AdditionalProperties = Property is null ? null : new() { ["user"] = Property },
        };
    }
}
