using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Raw answers of SDKs that are not referenced here: types with the members of theirs.</summary>
public class RawAnswerTests
{
    [Fact]
    public void Googles_counts_are_read_by_modality_and_add_up_to_its_total()
    {
        var raw = new GenerateContentResponse(new UsageMetadata
        {
            PromptTokenCount = 1_000,
            CandidatesTokenCount = 100,
            ThoughtsTokenCount = 30,
            CachedContentTokenCount = 200,
            ToolUsePromptTokenCount = 10,
            TotalTokenCount = 1_140,
            PromptTokensDetails = [new(Modality.TEXT, 600), new(Modality.AUDIO, 300), new(Modality.IMAGE, 60), new(Modality.VIDEO, 40)],
            CacheTokensDetails = [new(Modality.TEXT, 150), new(Modality.AUDIO, 50)],
            CandidatesTokensDetails = [new(Modality.TEXT, 60), new(Modality.IMAGE, 40)],
        });
        foreach (var provider in (string?[])["gcp.gen_ai", "gemini", null])
        {
            var usage = UsageNormalizer.Normalize(RawAnswer.Read(raw).Usage!, provider);
            Assert.Equal(
                new TokenUsage
                {
                    UncachedInputTokens = 460,
                    CachedInputTokens = 150,
                    InputAudioTokens = 250,
                    CachedAudioTokens = 50,
                    InputImageTokens = 60,
                    InputVideoTokens = 40,
                    OutputTokens = 60,
                    ReasoningTokens = 30,
                    OutputImageTokens = 40,
                    Requests = 1,
                },
                usage.Usage);
            Assert.Null(usage.Flags);
            Assert.Equal(1_140, usage.Usage.TotalTokens);
        }
    }

    [Fact]
    public void The_official_adapters_usage_gets_the_modalities_it_leaves_out()
    {
        var facts = RawAnswer.Read(new GenerateContentResponse(new UsageMetadata { PromptTokenCount = 100, CandidatesTokenCount = 20, TotalTokenCount = 150, ThoughtsTokenCount = 30, PromptTokensDetails = [new(Modality.AUDIO, 40)] }));
        var adapters = new UsageDetails { InputTokenCount = 100, OutputTokenCount = 20, TotalTokenCount = 150, ReasoningTokenCount = 30 };
        Assert.Equal(
            new TokenUsage { UncachedInputTokens = 60, InputAudioTokens = 40, OutputTokens = 20, ReasoningTokens = 30, Requests = 1 },
            UsageNormalizer.Normalize(RawUsage.Completed(adapters, facts), "gcp.gen_ai").Usage);
        Assert.Null(adapters.AdditionalCounts);
    }

    [Fact]
    public async Task A_stream_of_Gemini_whose_adapter_reports_no_usage_is_priced_exactly()
    {
        var provider = new FakeChatClient("gemini-2.5-flash", "gemini", "https://generativelanguage.googleapis.com/");
        provider.Stream = (_, _, _) => Pieces(
            Piece("one ", null, new UsageMetadata { PromptTokenCount = 100, CandidatesTokenCount = 5, TotalTokenCount = 105 }),
            Piece("two", ChatFinishReason.Stop, new UsageMetadata { PromptTokenCount = 100, CandidatesTokenCount = 20, ThoughtsTokenCount = 30, TotalTokenCount = 150 }));
        await using var pipeline = new Pipeline(provider: provider);
        await pipeline.Client.GetStreamingResponseAsync("Hi").ToListAsync();

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal((CostCertainty.Known, CallStatus.Ok, "provider"), (row.Cost.Certainty, row.Status, row.UsageSource));
        Assert.Equal(new TokenUsage { UncachedInputTokens = 100, OutputTokens = 20, ReasoningTokens = 30, Requests = 1 }, row.Cost.Usage);
    }

    [Fact]
    public async Task A_stream_of_Gemini_that_is_left_early_has_the_input_it_was_told()
    {
        var provider = new FakeChatClient("gemini-2.0-flash", "gemini", "https://generativelanguage.googleapis.com/");
        provider.Stream = (_, _, _) => Pieces(
            Piece("one ", null, new UsageMetadata { PromptTokenCount = 100, CandidatesTokenCount = 5, TotalTokenCount = 105 }),
            Piece("two", ChatFinishReason.Stop, new UsageMetadata { PromptTokenCount = 100, CandidatesTokenCount = 20, TotalTokenCount = 120 }));
        await using var pipeline = new Pipeline(provider: provider);
        await foreach (var _ in pipeline.Client.GetStreamingResponseAsync("Hi"))
        {
            break;
        }

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal((CostCertainty.Bounded, CallStatus.Incomplete, 100L), (row.Cost.Certainty, row.Status, row.Cost.Usage.TotalInputTokens));
    }

    [Fact]
    public void Bedrock_lists_writes_by_their_lifetime_and_wraps_its_tier()
    {
        var facts = RawAnswer.Read(new ConverseResponse(
            new Bedrock { InputTokens = 25, OutputTokens = 15, TotalTokens = 40, CacheReadInputTokens = 1_000, CacheWriteInputTokens = 100, CacheDetails = [new(new("5m"), 40), new(new("1h"), 60)] },
            new Wrapped("priority")));
        Assert.Equal("priority", facts.ServiceTier);
        var adapters = new UsageDetails { InputTokenCount = 25, OutputTokenCount = 15, TotalTokenCount = 40, AdditionalCounts = new() { ["CacheReadInputTokens"] = 1_000, ["CacheWriteInputTokens"] = 100 } };
        Assert.Equal(
            new TokenUsage { UncachedInputTokens = 25, CachedInputTokens = 1_000, CacheWrite5mTokens = 40, CacheWrite1hTokens = 60, OutputTokens = 15, Requests = 1 },
            UsageNormalizer.Normalize(RawUsage.Completed(adapters, facts), "aws.bedrock").Usage);
    }

    [Fact]
    public void The_community_SDK_of_Anthropic_tells_writes_for_an_hour()
    {
        var facts = RawAnswer.Read(new MessageResponse(new CommunityUsage(25, 15, 1_000, 100, new CacheCreation(40, 60), "batch")));
        var adapters = new UsageDetails { InputTokenCount = 25, OutputTokenCount = 15, AdditionalCounts = new() { ["CacheReadInputTokens"] = 1_000, ["CacheCreationInputTokens"] = 100 } };
        Assert.Equal("batch", facts.ServiceTier);
        Assert.Equal(
            new TokenUsage { UncachedInputTokens = 25, CachedInputTokens = 1_000, CacheWrite5mTokens = 40, CacheWrite1hTokens = 60, OutputTokens = 15, Requests = 1 },
            UsageNormalizer.Normalize(RawUsage.Completed(adapters, facts), "AnthropicClient").Usage);
    }

    [Fact]
    public void A_raw_answer_that_throws_breaks_nothing()
    {
        Assert.Null(RawAnswer.Read(new Throwing()).Usage);
        Assert.Same(RawFacts.None, RawAnswer.Read(null));
        Assert.Same(RawFacts.None, RawAnswer.Read("text"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Writes_whose_lifetime_nobody_can_read_cost_between_the_two_rates(bool streamed)
    {
        var provider = new FakeChatClient("claude-sonnet-4-5", "anthropic", "https://api.anthropic.com/")
        {
            Usage = new UsageDetails { InputTokenCount = 1_025, OutputTokenCount = 15, CachedInputTokenCount = 0, AdditionalCounts = new() { ["CacheCreationInputTokens"] = 1_000 } },
        };
        await using var pipeline = new Pipeline(provider: provider);
        var response = streamed ? await pipeline.Client.GetStreamingResponseAsync("Hi").ToChatResponseAsync() : await pipeline.Client.GetResponseAsync("Hi");

        // $3 in, $3.75 and $6 written, $15 out.
        var cost = response.GetCost();
        Assert.Equal((CostCertainty.Bounded, Money.FromUsd(0.00405m), Money.FromUsd(0.0063m)), (cost.Certainty, cost.Low, cost.High));
        Assert.Equal(UsageFlags.RawUnread, Assert.Single(await pipeline.RowsAsync()).Flags);
    }

    [Fact]
    public async Task A_tier_that_cannot_be_read_costs_between_standard_and_priority()
    {
        var provider = new FakeChatClient("gpt-4o");
        provider.Answer = (_, options, _) =>
        {
            var response = provider.DefaultAnswer(options, "Hello");
            response.RawRepresentation = new Anthropic.SDK.Unreadable();
            return Task.FromResult(response);
        };
        await using var pipeline = new Pipeline(provider: provider);
        var cost = (await pipeline.Client.GetResponseAsync("Hi")).GetCost();
        var standard = Money.FromUsd(0.0075m);

        Assert.Equal((CostCertainty.Bounded, standard), (cost.Certainty, cost.Low));
        Assert.True(cost.High > standard);

        // Whoever asked for a tier knows which one to expect.
        var asked = (await pipeline.Client.GetResponseAsync("Hi again", new ChatOptions { AdditionalProperties = new() { ["service_tier"] = "default" } })).GetCost();
        Assert.Equal((CostCertainty.Known, standard), (asked.Certainty, asked.Amount));
    }

    private static ChatResponseUpdate Piece(string text, ChatFinishReason? finish, UsageMetadata usage) =>
        new(ChatRole.Assistant, text) { ResponseId = "r1", MessageId = "m1", FinishReason = finish, RawRepresentation = new GenerateContentResponse(usage) };

    private static async IAsyncEnumerable<ChatResponseUpdate> Pieces(params ChatResponseUpdate[] pieces)
    {
        foreach (var piece in pieces)
        {
            await Task.Yield();
            yield return piece;
        }
    }

    private enum Modality
    {
        TEXT,
        AUDIO,
        IMAGE,
        VIDEO,
    }

    private sealed record ModalityTokenCount(Modality Modality, int? TokenCount);

    private sealed record UsageMetadata
    {
        public int? PromptTokenCount { get; init; }

        public int? CandidatesTokenCount { get; init; }

        public int? ThoughtsTokenCount { get; init; }

        public int? CachedContentTokenCount { get; init; }

        public int? ToolUsePromptTokenCount { get; init; }

        public int? TotalTokenCount { get; init; }

        public List<ModalityTokenCount>? PromptTokensDetails { get; init; }

        public List<ModalityTokenCount>? CacheTokensDetails { get; init; }

        public List<ModalityTokenCount>? CandidatesTokensDetails { get; init; }
    }

    private sealed record GenerateContentResponse(UsageMetadata UsageMetadata);

    private sealed record Ttl(string Value);

    private sealed record CacheDetail(Ttl Ttl, int InputTokens);

    private sealed record Wrapped(string Type);

    private sealed record Bedrock
    {
        public int InputTokens { get; init; }

        public int OutputTokens { get; init; }

        public int TotalTokens { get; init; }

        public int CacheReadInputTokens { get; init; }

        public int CacheWriteInputTokens { get; init; }

        public List<CacheDetail>? CacheDetails { get; init; }
    }

    private sealed record ConverseResponse(Bedrock Usage, Wrapped ServiceTier);

    private sealed record CacheCreation(int Ephemeral5mInputTokens, int Ephemeral1hInputTokens);

    private sealed record CommunityUsage(int InputTokens, int OutputTokens, int CacheReadInputTokens, int CacheCreationInputTokens, CacheCreation CacheCreation, string ServiceTier);

    private sealed record MessageResponse(CommunityUsage Usage);

    private sealed class Throwing
    {
        public object Usage => throw new InvalidOperationException();

        public object UsageMetadata => throw new InvalidOperationException();
    }
}
