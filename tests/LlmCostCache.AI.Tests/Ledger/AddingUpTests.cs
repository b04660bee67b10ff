using System.Globalization;

namespace LlmCostCache.AI.Tests;

/// <summary>Parents are the sums of their children: scopes in scopes, agents in sessions, spans in traces.</summary>
public class AddingUpTests
{
    [Fact]
    public async Task Whatever_is_grouped_adds_up_to_the_whole_and_no_call_is_in_two_groups()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        await RunsAsync(home, store, new Random(11), depth: 4);

        var all = Assert.Single(await store.TotalsAsync(null, null, LedgerFilter.All));
        foreach (var by in Enum.GetValues<LedgerDimension>().Where(dimension => dimension != LedgerDimension.Tag))
        {
            var groups = await store.TotalsAsync(by, null, LedgerFilter.All);
            Assert.Equal((by, all.Calls, all.Spent.Nanos, all.Unpriced), (by, groups.Sum(group => group.Calls), groups.Sum(group => group.Spent.Nanos), groups.Sum(group => group.Unpriced)));
            Assert.Equal(groups.Count, groups.Select(group => group.Key).Distinct().Count());
        }
    }

    [Fact]
    public async Task The_agents_of_a_session_and_the_children_of_an_agent_add_up_to_it()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        await RunsAsync(home, store, new Random(12), depth: 4);

        foreach (var (outer, inner) in ((LedgerDimension, LedgerDimension)[])[
            (LedgerDimension.Session, LedgerDimension.Agent), (LedgerDimension.Agent, LedgerDimension.Feature), (LedgerDimension.Trace, LedgerDimension.Agent), (LedgerDimension.Session, LedgerDimension.Trace)])
        {
            var children = (await store.TotalsAsync(outer, inner, LedgerFilter.All)).ToLookup(total => total.Key);
            foreach (var parent in await store.TotalsAsync(outer, null, LedgerFilter.All))
            {
                Assert.Equal(parent.Spent.Nanos, children[parent.Key].Sum(child => child.Spent.Nanos));
                Assert.Equal(parent.Calls, children[parent.Key].Sum(child => child.Calls));
            }
        }
    }

    [Fact]
    public async Task Costs_by_agent_name_every_agent_and_keep_calls_without_one_apart()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        await Task.WhenAll(Enumerable.Range(0, 1_500).Select(i =>
            store.AppendAsync(home.Row($"{i}", 2, new Attribution { Agent = string.Create(CultureInfo.InvariantCulture, $"agent-{i}") })).AsTask()));
        await store.AppendAsync(home.Row("nobody", 7));
        await store.AppendAsync(home.Row("hit", 0, new Attribution { Agent = "agent-0" }) with { Status = CallStatus.Cached });

        var agents = await store.TotalsAsync(LedgerDimension.Agent, null, LedgerFilter.All);

        Assert.Equal(1_501, agents.Count);
        Assert.Equal((null, 1, 7), (agents[^1].Key, agents[^1].Calls, agents[^1].Spent.Nanos));
        Assert.Equal((2, 1, 2), agents.Where(agent => agent.Key == "agent-0").Select(agent => (agent.Calls, agent.Hits, agent.Spent.Nanos)).Single());
    }

    [Fact]
    public async Task Adjustments_stay_with_the_agent_and_session_of_their_call()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("a", 10, new Attribution { Session = "s", Agent = "planner" }));
        await store.AppendAsync(home.Row("b", 10, new Attribution { Session = "s", Agent = "writer" }));

        await store.AdjustAsync("a", CallCost.Known(Money.FromNanos(4)), "provider");

        Assert.Equal([("planner", 1, 4), ("writer", 1, 10)], (await store.TotalsAsync(LedgerDimension.Agent, null, LedgerFilter.All)).Select(total => (total.Key, total.Calls, total.Spent.Nanos)));
        Assert.Equal(14, Assert.Single(await store.TotalsAsync(LedgerDimension.Session, null, LedgerFilter.All)).Spent.Nanos);
    }

    /// <summary>Runs of agents that call agents, each in the scope of the one that called it; some calls stand between them, some have no price.</summary>
    private static async Task RunsAsync(LedgerHome home, SqliteLedgerStore store, Random random, int depth)
    {
        string[] agents = ["planner", "security", "tech", "synthesis"];
        for (var run = 0; run < 20; run++)
        {
            using (CostScope.Begin(session: $"run-{run % 7}", project: "shop"))
            {
                await AgentAsync($"trace-{run}", depth);
            }
        }

        await store.AppendAsync(home.Row("outside", random.Next(1_000)));

        async Task AgentAsync(string trace, int left)
        {
            var agent = random.Next(4) == 0 ? null : agents[random.Next(agents.Length)];
            using var scope = CostScope.Begin(agent: agent, feature: random.Next(2) == 0 ? $"feature-{left}" : null, tags: [$"depth-{left}"]);
            for (var call = random.Next(3); call >= 0; call--)
            {
                var row = home.Row(Guid.NewGuid().ToString("N"), random.Next(1_000), CostScope.Current) with { TraceId = trace };
                await store.AppendAsync(random.Next(10) == 0 ? row with { Cost = CallCost.Unpriced("?") } : row);
            }

            for (var child = left == 0 ? 0 : random.Next(3); child > 0; child--)
            {
                await AgentAsync(trace, left - 1);
            }
        }
    }
}
