using System.Diagnostics;
using System.Globalization;

namespace LlmCostCache.AI.Tests;

/// <summary>A process is told to end, or is killed, with a thousand calls under way.</summary>
[Trait("Pace", "Machine")]
public class EndingTests
{
    /// <summary>The first snippet of the README, in a program that ends right after it.</summary>
    [Fact]
    public async Task One_that_shares_the_default_costs_leaves_its_hits_in_the_ledger_and_its_answers_to_the_next()
    {
        using var home = new TempHome();
        var said = new List<string>();
        for (var run = 0; run < 2; run++)
        {
            using var application = SupportProcess.Start(new Dictionary<string, string> { ["LLMCOSTCACHE_HOME"] = home.Path }, "shared");
            said.AddRange((await application.StandardOutput.ReadToEndAsync()).Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
            await application.WaitForExitAsync();
            Assert.Equal(0, application.ExitCode);
        }

        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        var total = Assert.Single(await costs.Ledger.TotalsAsync(null, null));

        Assert.Equal(["$0.00", "$0.00045", "$0.00045", "$0.00045"], said);
        Assert.Equal((4, 3), (total.Calls, total.Hits));
    }

    [Fact]
    public async Task One_that_is_told_to_end_writes_every_call_that_it_lets_end()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var home = new LedgerHome();
        using var process = await FlyingAsync(home);

        using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        Assert.Equal("landed", await process.StandardOutput.ReadLineAsync());
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        var store = home.Open();
        var balance = Assert.Single(await store.ReadBalancesAsync());
        Assert.Equal(Money.Zero, balance.Reserved);
        Assert.Equal(DrainVerb.Calls, Assert.Single(await store.TotalsAsync(null, null, LedgerFilter.All)).Calls);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task One_that_is_killed_leaves_what_its_calls_may_cost_reserved_and_no_more()
    {
        await using var home = new LedgerHome();
        using var process = await FlyingAsync(home);

        process.Kill();
        await process.WaitForExitAsync();

        var store = home.Open();
        Assert.Equal(DrainVerb.Calls, home.Scalar("SELECT COUNT(*) FROM reservation WHERE state = 'pending'"));
        var held = Assert.Single(await store.ReadBalancesAsync());
        Assert.Equal((Money.Zero, home.Scalar("SELECT SUM(amount_nanos) FROM reservation")), (held.Spent, held.Reserved.Count));
        home.Clock.AdjustTime(DateTimeOffset.UtcNow.AddHours(1));
        await store.ReserveAsync(home.Request("next"));
        var ended = Assert.Single(await store.ReadBalancesAsync());
        Assert.Equal((held.Reserved, Money.Zero), (ended.Spent, ended.Reserved));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    private static async Task<Process> FlyingAsync(LedgerHome home)
    {
        var process = SupportProcess.Start("drain", home.Path);
        Assert.Equal("flying", await process.StandardOutput.ReadLineAsync());
        return process;
    }
}
