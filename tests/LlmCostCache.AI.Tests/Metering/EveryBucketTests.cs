using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>A bucket that is added to <see cref="TokenUsage"/> must pass every place that lists buckets.</summary>
[Collection(TelemetryListeners.Name)]
public class EveryBucketTests
{
    private static readonly CallCost s_cost = CallCost.Between(Money.FromNanos(15), Money.FromNanos(20), "a; reason") with
    {
        Usage = UsageMembers.Different,
        PriceRevision = "rev",
    };

    // What the version with fifteen buckets wrote: the first 1, the next 2, and so on.
    private static readonly CallCost s_first = s_cost with
    {
        Usage = new TokenUsage
        {
            UncachedInputTokens = 1,
            CachedInputTokens = 2,
            CacheWrite5mTokens = 3,
            CacheWrite1hTokens = 4,
            InputAudioTokens = 5,
            CachedAudioTokens = 6,
            InputImageTokens = 7,
            OutputTokens = 8,
            ReasoningTokens = 9,
            OutputAudioTokens = 10,
            OutputImageTokens = 11,
            Requests = 12,
            WebSearches = 13,
            Milliseconds = 14,
            Characters = 15,
        },
    };

    public static TheoryData<string> Members => [.. UsageMembers.All.Select(member => member.Name)];

    public static TheoryData<string> TokenMembers => [.. UsageMembers.All.Select(member => member.Name).Where(name => name.EndsWith("Tokens", StringComparison.Ordinal))];

    [Fact]
    public void The_row_of_numbers_holds_every_bucket()
    {
        Span<long> row = stackalloc long[TokenBuckets.Count];
        TokenBuckets.Write(UsageMembers.Different, row);

        Assert.Equal(TokenBuckets.Count, UsageMembers.All.Count);
        Assert.Equal(UsageMembers.Different, TokenBuckets.Read(row));
        Assert.Equal(row.Length, row.ToArray().Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Members))]
    public void A_sum_of_usages_contains_every_bucket(string member) =>
        Assert.Equal(UsageMembers.Only(member, 5), UsageMembers.Only(member, 2) + UsageMembers.Only(member, 3));

    [Theory]
    [MemberData(nameof(TokenMembers))]
    public void Every_token_is_either_input_or_output(string member)
    {
        var usage = UsageMembers.Only(member, 7);

        Assert.Equal(7, usage.TotalTokens);
        Assert.Equal(member.Contains("Output", StringComparison.Ordinal) || member.Contains("Reasoning", StringComparison.Ordinal) ? 7 : 0, usage.TotalOutputTokens);
    }

    [Fact]
    public void Units_other_than_tokens_are_no_tokens() =>
        Assert.Equal(0, UsageMembers.Of((member, _) => member.Name.EndsWith("Tokens", StringComparison.Ordinal) ? 0 : 1).TotalTokens);

    [Fact]
    public void A_cost_that_travels_with_an_answer_keeps_every_bucket() => Assert.Equal(s_cost, CostCarrier.Read(CostCarrier.Write(s_cost)));

    [Fact]
    public void A_cost_in_a_conversation_that_was_stored_by_the_first_version_is_still_read() =>
        Assert.Equal(s_first, CostCarrier.Read("1;1;15;20;0;0;rev;a%3B reason;1;2;3;4;5;6;7;8;9;10;11;12;13;14;15"));

    [Theory]
    [InlineData("1;1;15;20;0;0;rev;;1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16")]
    [InlineData("2;1;15;20;0;0;rev;;1;2;3;4;5;6;7;8;9;10;11;12;13;14;15")]
    [InlineData("3;1;15;20;0;0;rev;;1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23")]
    public void A_cost_of_another_form_is_none(string text) => Assert.Null(CostCarrier.Read(text));

    [Fact]
    public void A_stored_answer_keeps_every_bucket()
    {
        Assert.True(AnswerFrame.TryDecode(default, AnswerFrame.Encode(default, Answer(s_cost)), out var read));
        Assert.Equal(s_cost, read.Original);
    }

    [Fact]
    public void An_answer_that_was_stored_by_the_first_version_is_still_a_hit()
    {
        var frame = Convert.FromBase64String(
            "TENBAQEFAAAAAAAAAACgbOREAN8IAGDWDg4B3wgBBgAAAGdwdC00bwEAAAABAQAAAHQBAQAAAHIBEQAAAGdwdC00by0yMDI0LTA4LTA2AQQAAABzdG9wAAAAAAABARQAAAAAAAAADwAAAAAAAAAUAAAA"
            + "AAAAAAAAAAAAAAAAAQMAAAByZXYBCQAAAGE7IHJlYXNvbgEAAAAAAAAAAgAAAAAAAAADAAAAAAAAAAQAAAAAAAAABQAAAAAAAAAGAAAAAAAAAAcAAAAAAAAACAAAAAAAAAAJAAAAAAAAAAoAAAAA"
            + "AAAACwAAAAAAAAAMAAAAAAAAAA0AAAAAAAAADgAAAAAAAAAPAAAAAAAAAAAAAADW4SFs8PWAe2iW1yzgtV3w");

        Assert.True(AnswerFrame.TryDecode(default, frame, out var read));
        Assert.Equal(s_first, read.Original);
        Assert.Equal("gpt-4o", read.Model);
    }

    [Fact]
    public void A_row_that_waits_in_a_file_keeps_every_bucket_and_the_region()
    {
        var row = new UsageRecord { Id = "a", At = LedgerHome.Noon, Cost = s_cost, Region = "us" };

        var read = UsageRecordJson.TryDeserialize(UsageRecordJson.Serialize(row));

        Assert.Equal((s_cost, "us"), (read!.Cost, read.Region));
    }

    [Fact]
    public void A_row_that_the_first_version_left_in_a_file_is_still_read()
    {
        const string Line = """
            {"Id":"a","Attempt":1,"At":"2026-08-22T12:00:00+00:00","Operation":"chat","Provider":"openai","RequestedModel":"gpt-4o-mini","Model":"gpt-4o-mini","Status":0,"Cost":{"Amount":20,"Certainty":1,"Low":15,"High":20,"Saved":0,"CacheLayer":0,"Usage":{"UncachedInputTokens":1,"CachedInputTokens":2,"CacheWrite5mTokens":3,"CacheWrite1hTokens":4,"InputAudioTokens":5,"CachedAudioTokens":6,"InputImageTokens":7,"OutputTokens":8,"ReasoningTokens":9,"OutputAudioTokens":10,"OutputImageTokens":11,"Requests":12,"WebSearches":13,"Milliseconds":14,"Characters":15},"PriceRevision":"rev","Reason":"a; reason"},"Currency":"USD","UsageSource":"provider","Latency":"00:00:00","Streamed":false,"Attribution":{"Tags":[]}}
            """;

        Assert.Equal(s_first, UsageRecordJson.TryDeserialize(Line)!.Cost);
    }

    [Fact]
    public async Task The_ledger_keeps_every_bucket_and_the_region()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("a", 20) with { Cost = s_cost, Region = "us" });

        var row = Assert.Single(await ReadAsync(store));

        Assert.Equal((UsageMembers.Different, "us"), (row.Cost.Usage, row.Region));
        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(LedgerDimension.Session)]
    public async Task Totals_hold_every_bucket_from_the_roll_up_and_from_the_rows(LedgerDimension? by)
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("a", 20) with { Cost = s_cost });
        await store.AppendAsync(home.Row("b", 20) with { Cost = s_cost });

        var total = Assert.Single(await store.TotalsAsync(by, null, LedgerFilter.All));

        Assert.Equal(UsageMembers.Different + UsageMembers.Different, total.Usage);
    }

    [Theory]
    [MemberData(nameof(Members))]
    public async Task An_adjustment_corrects_every_bucket(string member)
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        await store.AppendAsync(home.Row("a", 20) with { Cost = s_cost });
        await store.AdjustAsync("a", s_cost with { Usage = UsageMembers.Only(member, 3) }, "tokenizer");

        Assert.Equal(UsageMembers.Only(member, 3), Assert.Single(await ReadAsync(store)).Cost.Usage);
        Assert.Equal(UsageMembers.Only(member, 3), Assert.Single(await store.TotalsAsync(null, null, LedgerFilter.All)).Usage);
        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Theory]
    [MemberData(nameof(Members))]
    public async Task An_export_says_every_bucket(string member)
    {
        var usage = UsageMembers.Only(member, 77);

        var json = JsonElement.Parse(await ExportAsync(usage, LedgerExportFormat.Jsonl));
        var csv = await ExportAsync(usage, LedgerExportFormat.Csv);

        Assert.Contains(json.EnumerateObject(), field => field.Value.ValueKind == JsonValueKind.Number && field.Value.GetInt64() == 77);
        Assert.Contains(",77", csv, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Members))]
    public void A_negative_count_in_any_bucket_is_refused(string member)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            PriceBook.BuiltIn.Price(new() { Model = "gpt-4o", Provider = "openai", At = LedgerHome.Noon, Usage = UsageMembers.Only(member, -1) }));
        Assert.Throws<ArgumentException>(() => TokenBuckets.RequirePossible(UsageMembers.Only(member, -1), "usage"));
    }

    [Theory]
    [MemberData(nameof(TokenMembers))]
    public void Telemetry_counts_every_kind_of_token_that_the_stock_client_lacks(string member)
    {
        using var factory = new TestMeterFactory();
        using var telemetry = new CostTelemetry(new LlmCostsOptions { MeterFactory = factory });
        using var tokens = new MetricCollector<long>(factory, "LlmCostCache.AI", "llmcostcache.tokens");

        telemetry.Attempt(default, MeteredRow.Priced(1m, UsageMembers.Only(member, 9)));

        var isStock = member is nameof(TokenUsage.UncachedInputTokens) or nameof(TokenUsage.OutputTokens);
        Assert.Equal(isStock ? 0 : 9, tokens.GetMeasurementSnapshot().Sum(count => count.Value));
    }

    private static StoredAnswer Answer(CallCost cost) => new()
    {
        AskedAt = 5,
        StoredAt = LedgerHome.Noon,
        ExpiresAt = LedgerHome.Noon.AddDays(1),
        Model = "gpt-4o",
        Tags = [],
        Properties = StoredProperties.None,
        Original = cost,
        Messages = [],
    };

    private static async Task<List<UsageRecord>> ReadAsync(SqliteLedgerStore store)
    {
        List<UsageRecord> rows = [];
        await foreach (var row in store.ReadAsync(LedgerFilter.All))
        {
            rows.Add(row);
        }

        return rows;
    }

    private static async Task<string> ExportAsync(TokenUsage usage, LedgerExportFormat format)
    {
        var text = new StringBuilder();
        await LedgerExport.WriteAsync(Rows(usage), format, (bytes, _) =>
        {
            text.Append(Encoding.UTF8.GetString(bytes.Span));
            return ValueTask.CompletedTask;
        }, CancellationToken.None);
        return text.ToString();
    }

    private static async IAsyncEnumerable<UsageRecord> Rows(TokenUsage usage)
    {
        await Task.CompletedTask;
        yield return new UsageRecord { Id = "a", At = LedgerHome.Noon, Cost = CallCost.Known(Money.Zero) with { Usage = usage } };
    }
}
