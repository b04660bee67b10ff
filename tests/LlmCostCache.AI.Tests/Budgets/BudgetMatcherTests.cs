using CsCheck;

namespace LlmCostCache.AI.Tests;

public class BudgetMatcherTests
{
    private static readonly string[] s_kinds = ["tenant", "project", "team", "user", "feature", "session", "agent", "model", "tag"];
    private static readonly Gen<string?> s_value = Choice<string?>(null, null, "a", "b", "c");

    private static readonly Gen<Budget> s_budget = Gen.Select(Gen.Int[0, 8], Gen.Int[0, 8], Choice("a", "b", "c", "A", "*"), Choice("a", "b", "*"), Gen.Int[0, 2]).Select((first, second, one, other, names) =>
    {
        var budget = Budget.Daily(1m).Named($"{first}{second}{one}{other}{names}");
        budget = names > 0 ? Narrowed(budget, s_kinds[first], one) : budget;
        return names > 1 ? Narrowed(budget, s_kinds[second], other) : budget;
    });

    private static readonly Gen<(Attribution Who, string? Model, string? Key)> s_call = Gen.Select(s_value.Array[7], Choice("a", "b", "c").Array[0, 3], s_value, s_value).Select((names, tags, model, key) => (
        new Attribution
        {
            Tenant = names[0],
            Project = names[1],
            Team = names[2],
            User = names[3],
            Feature = names[4],
            Session = names[5],
            Agent = names[6],
            Tags = [.. tags.Distinct().Order(StringComparer.Ordinal)],
        }, model, key));

    [Fact]
    public void The_index_finds_what_looking_at_every_budget_finds_in_the_same_order() =>
        Gen.Select(s_budget.Array[0, 40], s_call).Sample(
            (budgets, call) =>
            {
                var looked = budgets.Select(budget => (budget, Counts: budget.Scope.TryMatch(call.Who, call.Model, call.Key, out var key), key))
                    .Where(found => found.Counts).Select(found => new BudgetMatch(found.budget, found.key));
                return looked.SequenceEqual(new BudgetMatcher(budgets).Match(call.Who, call.Model, call.Key));
            },
            iter: TestSize.Cases);

    [Fact]
    public void Each_user_of_one_team_has_a_budget_of_its_own()
    {
        var matcher = new BudgetMatcher([Budget.Daily(5m).ForTeam("search").ForEachUser()]);

        Assert.Equal("user=alice", Assert.Single(matcher.Match(new Attribution { Team = "search", User = "alice" }, null, null)).Key);
        Assert.Empty(matcher.Match(new Attribution { Team = "sales", User = "alice" }, null, null));
        Assert.Empty(matcher.Match(new Attribution { Team = "search" }, null, null));
    }

    [Fact]
    public void Each_user_of_each_team_has_a_budget_of_its_own()
    {
        var matcher = new BudgetMatcher([Budget.Daily(5m).ForEachUser().ForEachTeam()]);

        Assert.Equal("team=search,user=alice", Assert.Single(matcher.Match(new Attribution { Team = "search", User = "alice" }, null, null)).Key);
        Assert.Equal("team=sales,user=alice", Assert.Single(matcher.Match(new Attribution { Team = "sales", User = "alice" }, null, null)).Key);
    }

    private static Budget Narrowed(Budget budget, string kind, string value) => BudgetText.For(budget, kind, kind is "model" or "tag" && value == "*" ? "a" : value)!;

    private static Gen<T> Choice<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);
}
