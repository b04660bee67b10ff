using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public sealed class AttemptIdTests
{
    [Fact]
    public void Ids_made_by_several_threads_never_repeat()
    {
        var ids = ParallelEnumerable.Range(0, 50_000).Select(_ => AttemptId.New()).ToList();

        Assert.Equal(ids.Count, ids.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void An_id_is_a_uuid_of_version_7_with_the_time_in_front()
    {
        var before = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var id = Guid.ParseExact(AttemptId.New(), "N");
        var after = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

        Assert.Equal((7, 8), (id.Version, id.Variant & 0xC));
        Assert.InRange(Convert.ToInt64(id.ToString("N")[..12], 16), before, after);
    }

    [Theory]
    [InlineData("100 %; or %3B and %25;")]
    [InlineData("openai/gpt-4o@2026-08-22#1")]
    [InlineData("Zürich ☃")]
    public void A_reason_travels_unchanged_whatever_is_in_it(string reason)
    {
        var cost = CallCost.Known(Money.FromNanos(5)) with { Reason = reason, PriceRevision = reason };
        var response = ChatMessages.PutCost(new ChatResponse(new ChatMessage(ChatRole.Assistant, "A")), AttemptId.New(), cost);

        Assert.Equal(cost, response.GetCost());
    }
}
