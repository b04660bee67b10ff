using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class ResponseCacheTests
{
    [Fact]
    public async Task An_answer_that_was_stored_is_found_with_what_it_cost()
    {
        await using var fixture = new CacheFixture();
        Assert.Null(await fixture.FindAsync(fixture.Plan("Capital of France?")));

        Assert.Null(fixture.Cache.Store(fixture.Plan("Capital of France?"), CacheFixture.Answer(), CacheFixture.Cost));
        var hit = await fixture.FindAsync(fixture.Plan("Capital of France?"));

        Assert.NotNull(hit);
        Assert.Equal("Paris.", hit.Response.Text);
        Assert.Equal(CacheLayer.Memory, hit.Layer);
        Assert.Equal(CacheFixture.Cost, hit.Original);
        Assert.Equal(fixture.Time.GetUtcNow(), hit.StoredAt);
        Assert.Equal(ChatFinishReason.Stop, hit.Response.FinishReason);
        Assert.Equal("gpt-4o-mini-2024-07-18", hit.Response.ModelId);
    }

    [Fact]
    public async Task A_hit_looks_like_nothing_was_used()
    {
        await using var fixture = new CacheFixture();
        var bought = CacheFixture.Answer();
        bought.Messages[0].Contents.Add(new UsageContent(new UsageDetails { InputTokenCount = 1 }));
        bought.ConversationId = "resp_1";
        fixture.Cache.Store(fixture.Plan("Q"), bought, CacheFixture.Cost);

        var response = (await fixture.FindAsync(fixture.Plan("Q")))!.Response;

        Assert.Null(response.Usage);
        Assert.Null(response.ConversationId);
        Assert.DoesNotContain(response.Messages.SelectMany(m => m.Contents), c => c is UsageContent);
    }

    [Fact]
    public async Task What_a_caller_does_to_its_answer_reaches_nobody_else()
    {
        await using var fixture = new CacheFixture();
        var bought = CacheFixture.Answer();
        bought.AdditionalProperties = new() { ["fingerprint"] = "fp_1", ["bytes"] = new byte[] { 1, 2 } };
        bought.Messages[0].Contents.Add(new DataContent(new byte[] { 1, 2, 3 }, "image/png"));
        fixture.Cache.Store(fixture.Plan("Q"), bought, CacheFixture.Cost);
        ((TextContent)bought.Messages[0].Contents[0]).Text = "London.";

        for (var i = 0; i < 2; i++)
        {
            var response = (await fixture.FindAsync(fixture.Plan("Q")))!.Response;
            Assert.Equal("Paris.", response.Text);
            Assert.Equal("fp_1", response.AdditionalProperties!["fingerprint"]);
            Assert.Equal([1, 2], (byte[])response.AdditionalProperties!["bytes"]!);
            Assert.Equal([1, 2, 3], ((DataContent)response.Messages[0].Contents[1]).Data.ToArray());

            ((TextContent)response.Messages[0].Contents[0]).Text = "Rome.";
            ((byte[])response.AdditionalProperties["bytes"]!)[0] = 9;
            System.Runtime.InteropServices.MemoryMarshal.TryGetArray(((DataContent)response.Messages[0].Contents[1]).Data, out var bytes);
            bytes.Array![bytes.Offset] = 9;
            response.AdditionalProperties["fingerprint"] = "changed";
            response.Messages[0].Contents.Clear();
            response.Messages.Clear();
        }
    }
}
