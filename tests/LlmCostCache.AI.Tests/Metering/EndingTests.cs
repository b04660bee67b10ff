using System.Diagnostics;
using System.Globalization;

namespace LlmCostCache.AI.Tests;

/// <summary>A process is told to end, or is killed, with a thousand calls under way.</summary>
public class EndingTests
{
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
