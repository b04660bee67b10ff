using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace LlmCostCache.AI.Tests;

/// <summary>The names that other people's code compiles against, used as they use them.</summary>
public sealed class ContractTests : IDisposable
{
    private readonly TempHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task Shared_costs_that_could_not_be_opened_are_opened_at_the_next_use()
    {
        var path = Path.Combine(_home.Path, "home");
        await File.WriteAllTextAsync(path, "in the way");
        using var child = SupportProcess.Start(new Dictionary<string, string> { ["LLMCOSTCACHE_HOME"] = path }, "reopen");
        Assert.Equal("unusable", await child.StandardOutput.ReadLineAsync());
        File.Delete(path);
        await child.StandardInput.WriteLineAsync();
        Assert.Equal(path, await child.StandardOutput.ReadLineAsync());
        await child.WaitForExitAsync();
        Assert.Equal(0, child.ExitCode);
    }

    [Fact]
    public async Task The_first_ten_minutes_compile_and_run()
    {
        IChatClient inner = new FakeChatClient();
        await using var costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = _home.Path;
            o.TimeZone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
            o.WeekStart = DayOfWeek.Sunday;
            o.Currency = "USD";
            o.TimeProvider = TimeProvider.System;
            o.LoggerFactory = null;
            o.MeterFactory = null;
            o.CacheNamespace = "";
            o.MemoryCacheBytes = 64L << 20;
            o.DiskCacheBytes = 1L << 30;
            o.Budgets.Add(Budget.Daily(10.00m));
            o.Budgets.Add(Budget.Monthly(200m).ForProject("my-app"));
            o.Budgets.Add(Budget.Daily(5m).ForUser("alice").Warn());
            o.Budgets.Add(Budget.PerCall(1.00m));
            o.Prices.Add(new ModelPrice("my-finetune") { InputPerMillion = 1.0m, OutputPerMillion = 2.0m });
        });
        var client = inner.AsBuilder()
            .UseFunctionInvocation()
            .UseOpenTelemetry()
            .UseCostCache(costs, cache => { cache.TimeToLive = TimeSpan.FromHours(6); })
            .UseBudget(costs)
            .UseUsageMetering(costs)
            .Build();

        using (CostScope.Begin(tenant: "acme", project: "my-app", user: "alice", team: "search", feature: "chat", session: "run", agent: "planner", tags: ["beta"]))
        {
            var response = await client.GetResponseAsync("Hello");
            CallCost cost = response.GetCost();
            Assert.Equal(Money.FromUsd(0.00045m), cost.Amount);
            Assert.Equal((CostCertainty.Known, CacheLayer.None), (cost.Certainty, cost.CacheLayer));
            Assert.True(cost.Low <= cost.High && cost.Saved == Money.Zero && cost.Amount?.Nanos > 0 && cost.Amount?.Usd > 0);
            TokenUsage usage = cost.Usage;
            Assert.Equal(1_500, usage.TotalTokens);
            Assert.NotNull(cost.PriceRevision);
            Assert.Null(cost.Reason);
        }

        try
        {
            await client.GetResponseAsync(new string('x', 5_000_000), new ChatOptions { ModelId = "my-finetune" });
            Assert.Fail("Five million bytes at a dollar per million tokens do not fit one dollar.");
        }
        catch (BudgetExceededException e)
        {
            Assert.Equal("call", e.Budget!.Name);
            Assert.True(e.Requested > e.Limit && e.Spent == Money.Zero && e.Reserved == Money.Zero);
            Assert.Null(e.ResetsAt);
            Assert.Null(e.RetryAfter);
            LlmCostException root = e;
            Assert.NotNull(root);
        }

        Assert.Equal(CostCertainty.Unknown, CallCost.Unknown.Certainty);
        Assert.Null(CallCost.Unknown.Amount);
    }

    [Fact]
    public void All_ways_to_name_a_budget_exist()
    {
        Budget[] budgets =
        [
            Budget.PerCall(1m), Budget.Hourly(1m), Budget.Daily(1m), Budget.Weekly(1m), Budget.Monthly(1m), Budget.Total(1m),
            Budget.Daily(1m).ForTenant("t").ForProject("p").ForTeam("te").ForUser("u").ForFeature("f").ForSession("s").ForAgent("a").ForModel("m").ForTag("g"),
            Budget.Daily(1m).ForEachTenant(), Budget.Daily(1m).ForEachProject(), Budget.Daily(1m).ForEachTeam(), Budget.Daily(1m).ForEachUser(),
            Budget.Daily(1m).ForEachFeature(), Budget.Daily(1m).ForEachSession(), Budget.Daily(1m).ForEachAgent(),
            Budget.Daily(1m).Warn(), Budget.Daily(1m).Balanced(), Budget.Daily(1m).FallBackTo("gpt-4o-mini"), Budget.Daily(1m).Named("n"),
        ];
        Assert.All(budgets, budget => Assert.NotEmpty(budget.Name));
    }

    [Fact]
    public async Task One_call_controls_its_cache()
    {
        await using var pipeline = new Pipeline();
        ChatOptions[] all =
        [
            new ChatOptions().WithCache(c => c.Bypass()), new ChatOptions().WithCache(c => c.Refresh()), new ChatOptions().WithCache(c => c.NoStore()),
            new ChatOptions().WithCache(c => c.TimeToLive(TimeSpan.FromMinutes(1))), new ChatOptions().WithCache(c => c.Tag("prompt-v7")),
            new ChatOptions().WithCache(c => c.Namespace("tenant-42")),
        ];
        foreach (var options in all)
        {
            await pipeline.Client.GetResponseAsync("Hello", options);
        }

        // Bypass, refresh (stored), no-store (a hit), lifetime and tag (hits), another namespace.
        Assert.Equal(3, pipeline.Provider.Calls.Count);
        Assert.NotNull(new EmbeddingGenerationOptions().WithCache(c => c.Bypass()));
    }

    [Fact]
    public async Task The_cache_works_without_a_chat_client()
    {
        await using var pipeline = new Pipeline();
        var cache = pipeline.Costs.Cache;
        await cache.SetAsync("What is 2 + 2?", "4", model: "gpt-4o-mini", options: new ChatOptions().WithCache(c => c.Tag("sums")));
        Assert.Equal("4", (await cache.GetAsync("What is 2 + 2?", model: "gpt-4o-mini"))!.Text);
        Assert.Null(await cache.GetAsync("What is 2 + 2?", model: "gpt-4o"));
        await cache.InvalidateTagAsync("sums");
        Assert.Null(await cache.GetAsync("What is 2 + 2?", model: "gpt-4o-mini"));
        await cache.SetAsync("What is 2 + 3?", "5", model: "gpt-4o-mini");
        Assert.True(await cache.RemoveAsync("What is 2 + 3?", model: "gpt-4o-mini"));
    }

    [Fact]
    public async Task A_call_made_elsewhere_is_priced_recorded_and_totalled()
    {
        await using var pipeline = new Pipeline();
        var record = new UsageRecord
        {
            Id = "elsewhere-1",
            At = DateTimeOffset.UtcNow,
            Provider = "openai",
            Model = "gpt-4o-mini",
            Cost = CallCost.Unknown with { Usage = new TokenUsage { UncachedInputTokens = 1_000, OutputTokens = 500, Requests = 1 } },
            Attribution = new Attribution { Feature = "import" },
        };
        Assert.Equal(Money.FromUsd(0.00045m), (await pipeline.Costs.RecordAsync(record)).Amount);
        await pipeline.Costs.RecordAsync(record);

        var total = Assert.Single(await pipeline.Costs.Ledger.TotalsAsync(LedgerDimension.Feature, LedgerDimension.Model));
        Assert.Equal(("import", "gpt-4o-mini", 1, Money.FromUsd(0.00045m)), (total.Key, total.ThenKey, total.Calls, total.Spent));
        await pipeline.Costs.FlushAsync();
    }

    [Fact]
    public async Task A_call_made_elsewhere_pays_the_premium_of_its_geography_and_keeps_it_in_the_ledger()
    {
        await using var pipeline = new Pipeline();
        var record = new UsageRecord
        {
            Id = "elsewhere-2",
            At = new DateTimeOffset(2026, 8, 23, 0, 0, 0, TimeSpan.Zero),
            Provider = "anthropic",
            Model = "claude-opus-5",
            Region = "us",
            Cost = CallCost.Unknown with { Usage = new TokenUsage { UncachedInputTokens = 1_000_000, Requests = 1 } },
        };

        Assert.Equal(Money.FromUsd(5.5m), (await pipeline.Costs.RecordAsync(record)).Amount);
        await foreach (var row in pipeline.Costs.Ledger.ReadAsync())
        {
            Assert.Equal(("us", Money.FromUsd(5.5m)), (row.Region, row.Cost.High));
        }
    }

    [Fact]
    public void The_verbs_exist_on_services_and_embedding_generators()
    {
        var services = new ServiceCollection();
        services.AddLlmCostCache(o => o.HomeDirectory = _home.Path);
        services.AddChatClient(new FakeChatClient()).UseLlmCost();
        services.AddEmbeddingGenerator(new FakeEmbeddingGenerator()).UseCostCache().UseBudget().UseUsageMetering();
        using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<IChatClient>();
        Assert.NotNull(client.GetService<CostCachingChatClient>());
        Assert.NotNull(client.GetService<BudgetChatClient>());
        Assert.NotNull(client.GetService<UsageMeteringChatClient>());
        Assert.All((Type[])[typeof(CostCachingChatClient), typeof(BudgetChatClient), typeof(UsageMeteringChatClient)], type => Assert.True(type.IsSealed));
    }
}
