using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>What the README shows of limits compiles and runs, and its command lines are ones that <c>llmcost</c> knows.</summary>
public class ReadmeTests
{
    private static readonly string s_readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md")).ReplaceLineEndings("\n");

    [Fact]
    public async Task The_snippets_on_limits_run()
    {
        using var home = new TempHome();
        var (slackAddress, logger, inner) = ("https://hooks.example/x", NullLogger.Instance, new FakeChatClient());

        void Configure(LlmCostsOptions o)
        {
            o.HomeDirectory = home.Path;
            o.Budgets.Add(Budget.Daily(5m).ForEachUser());

            // The lines of the README, each as it stands there.
            o.FiscalYearStart = 4;                                                         // quarters and years begin in April
            o.Budgets.Add(Budget.Quarterly(5_000m).ForTeam("search"));
            o.Budgets.Add(Budget.Rolling(20m, TimeSpan.FromHours(24)).ForEachUser());
            o.Budgets.Add(Budget.Daily(BudgetAmount.Tokens(100_000)).ForFeature("demo"));
            o.Budgets.Add(Budget.PerMinute(BudgetAmount.Requests(60)).WaitFor(TimeSpan.FromMinutes(1)));
            o.Budgets.Add(Budget.Monthly(500m).FallBackTo("gpt-4o", "gpt-4o-mini").NotifyAt(0.5m, 0.9m, 1m));
            o.OnBudgetNotice(notice => logger.LogWarning("{Notice}", notice.Message));
            o.BudgetWebhooks.Add(BudgetWebhook.Slack(new Uri(slackAddress)));
        }

        await using var costs = LlmCosts.Open(Configure);
        await costs.Limits.SetAsync(Budget.Monthly(300m).ForTeam("search"), note: "launch", by: "carol");
        await costs.Limits.GrantAsync(Budget.Daily(5m).ForEachUser(), BudgetAmount.FromUsd(10m), until: DateTimeOffset.UtcNow.AddDays(1), key: "user=alice");
        var check = await costs.CheckBudgetsAsync(Money.FromUsd(0.40m));             // would a call fit, and if not, why
        IChatClient client;
        client = inner.AsBuilder()
            .UseRunawayGuard(costs, o => (o.MaxCostPerRun, o.MaxCallsPerRun) = (2.00m, 50))    // a loop that would not end
            .UseFunctionInvocation()
            .UseCostCache(costs)
            .UseBudget(costs)
            .UseRetry(costs)
            .UseRateLimit(costs, o => o.Limits.Add(RateLimit.Tokens(200_000, per: TimeSpan.FromMinutes(1))))
            .Build();

        Assert.True(check.IsAllowed);
        Assert.Equal("answer 1", (await client.GetResponseAsync("Hello")).Text);
        var source = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "tests", "LlmCostCache.AI.Cli.Tests", "ReadmeTests.cs"));
        var lines = source.Split('\n').Select(line => line.Trim()).ToHashSet();
        Assert.All(Snippets("csharp", Section("Limits of every kind")), line => Assert.Contains(line, lines));
    }

    [Fact]
    public void Every_command_line_parses()
    {
        var host = new CliHost { Input = Stream.Null, Output = Stream.Null, Console = CliHost.ConsoleFor(TextWriter.Null, plain: true, unlimited: true), Error = TextWriter.Null };
        var commands = Snippets("sh", s_readme).SelectMany(line => line.Split('#')[0].Split("&&")).Select(command => command.Trim()).Where(command => command.StartsWith("llmcost", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(commands);
        Assert.All(commands, command => Assert.Empty(CommandLine.Build(host).Parse(command["llmcost".Length..].Trim()).Errors));
    }

    private static string Section(string heading) => s_readme.Split($"## {heading}\n")[1].Split("\n## ")[0];

    private static IEnumerable<string> Snippets(string language, string text) =>
        text.Split($"```{language}\n").Skip(1).SelectMany(part => part.Split("```")[0].Split('\n')).Select(line => line.Trim()).Where(line => line.Length > 0);
}
