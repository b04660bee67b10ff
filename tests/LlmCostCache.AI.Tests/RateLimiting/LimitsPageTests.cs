using System.Threading.RateLimiting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;

namespace LlmCostCache.AI.Tests;

/// <summary>What <c>docs/concepts/limits-and-retries.md</c> shows compiles and runs.</summary>
public class LimitsPageTests
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "concepts", "limits-and-retries.md"));

    [Fact]
    public async Task The_snippets_of_the_page_run()
    {
        using var home = new TempHome();
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        var provider = new FakeChatClient();

        // The lines of the page, each as it stands there.
        var client = provider.AsBuilder()
            .UseRunawayGuard(costs, o => (o.MaxCostPerRun, o.MaxCallsPerRun) = (2.00m, 50))
            .UseFunctionInvocation()
            .UseCostCache(costs)
            .UseBudget(costs)
            .UseRetry(costs)
            .UseRateLimit(costs, o => o.Limits.Add(RateLimit.Tokens(200_000, per: TimeSpan.FromMinutes(1))))
            .Build();

        var o = new RateLimitOptions();
        o.Limiter = PartitionedRateLimiter.Create<RateLimitedCall, string>(call =>
            RateLimitPartition.GetConcurrencyLimiter(call.Model ?? "", _ => new() { PermitLimit = 8, QueueLimit = 100 }));

        Assert.Equal("answer 1", (await client.GetResponseAsync("Hello")).Text);
        await o.Limiter.DisposeAsync();
        var source = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "tests", "LlmCostCache.AI.Tests", "RateLimiting", "LimitsPageTests.cs"));
        var lines = source.Split('\n').Select(line => line.Trim()).ToHashSet();
        var snippets = s_page.Split("```csharp\n").Skip(1).SelectMany(part => part.Split("```")[0].Split('\n')).Select(line => line.Trim());
        Assert.All(snippets, line => Assert.Contains(line, lines));
    }

    [Fact]
    public void The_configuration_of_the_page_can_be_read()
    {
        var json = s_page.Split("```json\n")[1].Split("```")[0];
        using var stream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(json));
        var options = new LlmCostsOptions();
        LlmCostsConfiguration.Bind(new ConfigurationBuilder().AddJsonStream(stream).Build().GetSection("LlmCostCache"), options);
        Assert.Equal((2, 4, 2.00m), (options.RateLimiting.Limits.Count, options.Retries.MaxRetries, options.Runaway.MaxCostPerRun));
    }
}
