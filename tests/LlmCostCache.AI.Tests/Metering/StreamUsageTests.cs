using CsCheck;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>How several reports of one stream become one usage.</summary>
public class StreamUsageTests
{
    [Fact]
    public void One_report_is_taken_as_it_is() => AssertMerged(100, 50, null, [(100, 50)]);

    [Fact]
    public void A_running_total_is_not_added_up() => AssertMerged(100, 3, null, [(100, 1), (100, 2), (100, 3)]);

    [Fact]
    public void The_same_report_twice_counts_once() => AssertMerged(100, 3, null, [(100, 3), (100, 3)]);

    [Fact]
    public void A_start_with_the_input_and_an_end_with_the_output_are_put_together() => AssertMerged(100, 50, null, [(100, null), (null, 50)]);

    [Fact]
    public void A_start_that_has_begun_to_count_the_output_is_not_added_to_the_end() => AssertMerged(25, 15, null, [(25, 1), (null, 15)]);

    [Fact]
    public void A_start_and_an_end_that_repeats_the_input_are_not_added_up() => AssertMerged(25, 15, null, [(25, 1), (25, 15)]);

    [Fact]
    public void Additions_whose_output_falls_are_added_up() => AssertMerged(100, 22, null, [(100, 10), (null, 5), (null, 7)]);

    [Fact]
    public void An_input_that_is_repeated_with_outputs_that_fall_counts_once() => AssertMerged(100, 22, UsageFlags.MergeAmbiguous, [(100, 10), (100, 5), (100, 7)]);

    [Fact]
    public void A_report_under_an_empty_id_is_of_the_answer_that_is_named_later()
    {
        var usage = new StreamUsage();
        usage.Add("", new UsageDetails { InputTokenCount = 100, OutputTokenCount = 1 });
        usage.Add("r1", new UsageDetails { InputTokenCount = 100, OutputTokenCount = 3 });

        var merged = usage.Merge("openai")!.Value.Usage;

        Assert.Equal((100, 3), (merged.TotalInputTokens, merged.TotalOutputTokens));
    }

    [Fact]
    public void The_largest_cost_that_was_reported_for_an_answer_is_its_cost_and_answers_are_added_up()
    {
        var usage = new StreamUsage();
        foreach (var (id, cost) in ((string, decimal?)[])[("r1", 0.1m), ("r1", 0.3m), ("r2", 0.5m)])
        {
            usage.Add(id, new UsageDetails { InputTokenCount = 1, OutputTokenCount = 1 }, new RawFacts { Cost = cost });
        }

        static NormalizedUsage Take(UsageDetails counts, RawFacts facts, object? raw) => UsageNormalizer.Normalize(counts, null) with { ProviderCost = facts.Cost };
        Assert.Equal(0.8m, usage.Merge(Take)?.ProviderCost);

        // One answer without a cost leaves the sum unknown.
        usage.Add("r3", new UsageDetails { InputTokenCount = 1, OutputTokenCount = 1 });
        Assert.Null(usage.Merge(Take)?.ProviderCost);
    }

    [Fact]
    public void Growing_outputs_are_additions_where_as_much_was_received() =>
        AssertMerged(100, 60, UsageFlags.MergeAmbiguous, [(100, 10), (null, 20), (null, 30)], outputBytes: 240);

    [Fact]
    public void Growing_outputs_are_a_running_total_where_less_was_received() =>
        AssertMerged(100, 30, UsageFlags.MergeAmbiguous, [(100, 10), (null, 20), (null, 30)], outputBytes: 120);

    [Fact]
    public void Counts_that_both_grow_are_flagged() => AssertMerged(200, 20, UsageFlags.MergeAmbiguous, [(100, 10), (200, 20)]);

    [Fact]
    public void Two_responses_in_one_stream_are_added_up()
    {
        var usage = new StreamUsage();
        usage.Add("r1", new UsageDetails { InputTokenCount = 100, OutputTokenCount = 50 });
        usage.Add("r2", new UsageDetails { InputTokenCount = 150, OutputTokenCount = 50 });
        Assert.Equal(new TokenUsage { UncachedInputTokens = 250, OutputTokens = 100, Requests = 2 }, usage.Merge("openai")?.Usage);
    }

    [Theory]
    [InlineData("r1", null)]
    [InlineData(null, "r1")]
    public void A_report_without_an_id_belongs_to_the_answer_that_the_others_name(string? first, string? second)
    {
        var usage = new StreamUsage();
        usage.Add(first, new UsageDetails { InputTokenCount = 100, OutputTokenCount = 1 });
        usage.Add(second, new UsageDetails { InputTokenCount = 100, OutputTokenCount = 50 });
        Assert.Equal(new TokenUsage { UncachedInputTokens = 100, OutputTokens = 50, Requests = 1 }, usage.Merge("openai")?.Usage);
    }

    [Fact]
    public void The_same_id_in_another_request_is_another_response()
    {
        var usage = new StreamUsage();
        usage.Add("chatcmpl-0", new UsageDetails { InputTokenCount = 100, OutputTokenCount = 50 });
        usage.NextRequest();
        usage.Add("chatcmpl-0", new UsageDetails { InputTokenCount = 100, OutputTokenCount = 50 });
        Assert.Equal(new TokenUsage { UncachedInputTokens = 200, OutputTokens = 100, Requests = 2 }, usage.Merge("openai")?.Usage);
    }

    [Fact]
    public void A_later_change_to_a_report_does_not_reach_the_sum()
    {
        var usage = new StreamUsage();
        var details = new UsageDetails { InputTokenCount = 100, OutputTokenCount = 50, AdditionalCounts = new() { ["WebSearchRequests"] = 1 } };
        usage.Add("r1", details);
        details.Add(new UsageDetails { InputTokenCount = 1_000_000, AdditionalCounts = new() { ["WebSearchRequests"] = 9 } });
        Assert.Equal(new TokenUsage { UncachedInputTokens = 100, OutputTokens = 50, WebSearches = 1, Requests = 1 }, usage.Merge("openai")?.Usage);
    }

    [Fact]
    public void Without_a_report_there_is_no_usage_and_not_a_usage_of_zero()
    {
        var usage = new StreamUsage();
        usage.Add("r1", new UsageDetails());
        Assert.Null(usage.Merge("openai"));
    }

    [Fact]
    public void Impossible_counts_do_not_count_and_do_not_throw()
    {
        var usage = new StreamUsage();
        for (var i = 0; i < 20; i++)
        {
            usage.Add($"r{i}", new UsageDetails { InputTokenCount = long.MaxValue, OutputTokenCount = long.MaxValue });
            usage.Add($"r{i}", new UsageDetails { InputTokenCount = 5, OutputTokenCount = 1, AdditionalCounts = new() { ["CacheReadInputTokens"] = long.MaxValue, ["ToolUsePromptTokenCount"] = long.MaxValue } });
        }

        Assert.True(usage.Merge("openai")!.Value.Usage.TotalTokens > 0);
    }

    [Fact]
    public void Any_running_total_merges_into_its_last_report() =>
        Gen.Select(Gen.Long[1, 200_000], Gen.Long[0, 500].Array[1, 12]).Sample((input, steps) =>
        {
            var total = 0L;
            var reports = steps.Select(step => ((long?)input, (long?)(total += step))).ToArray();
            var merged = Merge(reports, 0);
            Assert.Equal((input, total, null), (merged.Usage.TotalInputTokens, merged.Usage.TotalOutputTokens, merged.Flags));
        }, iter: TestSize.Cases);

    [Fact]
    public void Merged_counts_are_never_below_the_largest_report_nor_above_the_sum() =>
        Gen.Select(Gen.Long[0, 1_000], Gen.Long[0, 1_000], Gen.Bool).Array[1, 6].Select(Gen.Long[0, 4_000]).Sample((reports, bytes) =>
        {
            var given = reports.Select(report => (report.Item3 ? (long?)report.Item1 : null, (long?)report.Item2)).ToArray();
            var usage = Merge(given, bytes).Usage;
            Assert.InRange(usage.TotalInputTokens, given.Max(report => report.Item1 ?? 0), given.Sum(report => report.Item1 ?? 0));
            Assert.InRange(usage.TotalOutputTokens, given.Max(report => report.Item2 ?? 0), given.Sum(report => report.Item2 ?? 0));
        }, iter: TestSize.Cases);

    private static void AssertMerged(long input, long output, string? flags, (long?, long?)[] reports, long outputBytes = 0)
    {
        var merged = Merge(reports, outputBytes);
        Assert.Equal((new TokenUsage { UncachedInputTokens = input, OutputTokens = output, Requests = 1 }, flags), (merged.Usage, merged.Flags));
    }

    private static NormalizedUsage Merge((long? Input, long? Output)[] reports, long outputBytes)
    {
        var usage = new StreamUsage();
        foreach (var (input, output) in reports)
        {
            usage.Add("r1", new UsageDetails { InputTokenCount = input, OutputTokenCount = output });
        }

        return usage.Merge("openai", outputBytes)!.Value;
    }
}
