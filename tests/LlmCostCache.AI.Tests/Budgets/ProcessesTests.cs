using System.Diagnostics;
using System.Globalization;

namespace LlmCostCache.AI.Tests;

/// <summary>Whole applications in processes of their own, one ledger, one hard limit.</summary>
public class ProcessesTests
{
    [Theory]
    [InlineData(2, false)]
    [InlineData(4, false)]
    [InlineData(4, true)]
    public async Task Applications_that_share_a_ledger_never_spend_more_than_the_limit(int count, bool kill)
    {
        using var home = new TempHome();
        const decimal LimitUsd = 0.1m;
        var limit = Money.FromUsd(LimitUsd);
        await using var watching = SqliteLedgerStore.Open(home.Path, new LlmCostsOptions(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var paid = 0L;
        var processes = new List<Process>();
        try
        {
            for (var i = 0; i < count; i++)
            {
                processes.Add(await StartAsync(home.Path, LimitUsd, i));
            }

            var reading = processes.Select(process => ReadAsync(process, amount => Interlocked.Add(ref paid, amount))).ToList();
            processes.ForEach(process => process.StandardInput.WriteLine("go"));
            if (kill)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(400));
                processes[0].Kill();
            }

            await Task.WhenAll(processes.Select(process => process.WaitForExitAsync()));
            await Task.WhenAll(reading);
            Assert.All(processes.Skip(kill ? 1 : 0), process => Assert.Equal(0, process.ExitCode));
        }
        finally
        {
            processes.ForEach(process => process.Kill());
            processes.ForEach(process => process.Dispose());
        }

        var balance = Assert.Single(await watching.ReadBalancesAsync());
        Assert.True(balance.Spent <= limit, $"{balance.Spent} of {limit} was spent");

        // What was used up: not even a shortened answer fits any more. A killed process may leave reservations that have not expired yet.
        Assert.True(balance.Spent + balance.Reserved > limit - Money.FromUsd(0.002m), $"only {balance.Spent} of {limit} was spent, {balance.Reserved} is reserved");

        // No answer that reached its caller is missing.
        Assert.True(balance.Spent >= Money.FromNanos(paid), $"{Money.FromNanos(paid)} was paid, {balance.Spent} is in the ledger");
        Assert.Empty((await watching.VerifyAsync()).Problems);
    }

    private static async Task<Process> StartAsync(string home, decimal limit, int seed)
    {
        var process = SupportProcess.Start("spend", home, limit.ToString(CultureInfo.InvariantCulture), seed.ToString(CultureInfo.InvariantCulture));
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
        return process;
    }

    private static async Task ReadAsync(Process process, Action<long> paid)
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("paid ", StringComparison.Ordinal) && long.TryParse(line.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var nanos))
            {
                paid(nanos);
            }
        }
    }
}
