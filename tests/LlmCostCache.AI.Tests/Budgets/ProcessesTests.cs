using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Tests;

/// <summary>Whole applications in processes of their own, one ledger, one hard limit.</summary>
public class ProcessesTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public Task Applications_that_share_a_ledger_use_the_limit_up_and_never_spend_more(int count) => CompeteAsync(count, 0.1m, kill: false);

    [Fact]
    public Task Nor_do_they_when_one_of_them_is_killed_every_half_second() => CompeteAsync(TestSize.Competition.Processes, TestSize.IsFull ? 200m : TestSize.IsCi ? 10m : 0.3m, kill: true);

    private static async Task CompeteAsync(int count, decimal limitUsd, bool kill)
    {
        using var home = new TempHome();
        var limit = Money.FromUsd(limitUsd);
        await using var watching = SqliteLedgerStore.Open(home.Path, new LlmCostsOptions(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var paid = 0L;
        var wrong = new List<string>();
        await using var looking = new SqliteConnection($"Data Source={Path.Combine(home.Path, "ledger.db")};Mode=ReadOnly;Pooling=False");
        looking.Open();
        var killed = new HashSet<Process>();
        var processes = new List<Process>();
        var reading = new List<Task>();
        try
        {
            for (var i = 0; i < count; i++)
            {
                processes.Add(await StartAsync(home.Path, limitUsd, i));
            }

            foreach (var process in processes)
            {
                Begin(process);
            }

            var began = Stopwatch.StartNew();
            while (kill && processes.Count(process => !process.HasExited) > 1)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500));
                if (began.Elapsed < TestSize.Competition.Duration && processes.FirstOrDefault(process => !process.HasExited) is { } victim)
                {
                    killed.Add(victim);
                    victim.Kill();
                    var successor = await StartAsync(home.Path, limitUsd, processes.Count);
                    processes.Add(successor);
                    Begin(successor);
                    var now = Assert.Single(await watching.ReadBalancesAsync());
                    Assert.True(now.Spent + now.Reserved <= limit, $"{now.Spent} spent and {now.Reserved} reserved of {limit}");
                    Assert.Equal(0, Overdue(looking));
                }
            }

            Assert.Equal(kill, killed.Count > 0);
            await Task.WhenAll(processes.Select(process => process.WaitForExitAsync()));
            await Task.WhenAll(reading);
            Assert.All(processes.Where(process => !killed.Contains(process)), process => Assert.Equal(0, process.ExitCode));
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

        // What the killed ones held ends with its deadline: at the latest when the next call reserves.
        Assert.Empty(wrong);
        await Task.Delay(SpendVerb.Timeout);
        await watching.ReserveAsync(new ReservationRequest { Record = new UsageRecord { Id = "last", At = TimeProvider.System.GetUtcNow() }, Holds = [], Timeout = TimeSpan.FromMinutes(1) });
        balance = Assert.Single(await watching.ReadBalancesAsync());
        Assert.Equal(Money.Zero, balance.Reserved);
        Assert.True(balance.Spent <= limit, $"{balance.Spent} of {limit} was spent");

        // No answer that reached its caller is missing.
        Assert.True(balance.Spent >= Money.FromNanos(paid), $"{Money.FromNanos(paid)} was paid, {balance.Spent} is in the ledger");
        Assert.Empty((await watching.VerifyAsync()).Problems);

        void Begin(Process process)
        {
            reading.Add(ReadAsync(process, amount => Interlocked.Add(ref paid, amount), wrong));
            process.StandardInput.WriteLine("go");
        }
    }

    private static async Task<Process> StartAsync(string home, decimal limit, int seed)
    {
        var process = SupportProcess.Start("spend", home, limit.ToString(CultureInfo.InvariantCulture), seed.ToString(CultureInfo.InvariantCulture), TestSize.IsCi ? "32" : "8");
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
        return process;
    }

    /// <summary>Reservations that are still pending although a call was admitted long after their deadline. Measured by what the processes did, not by the time: all of them may stand still.</summary>
    private static long Overdue(SqliteConnection ledger)
    {
        using var command = new SqliteCommand("SELECT COUNT(*) FROM reservation WHERE state = 'pending' AND deadline < (SELECT MAX(deadline) FROM reservation) - @lifetime - @long", ledger);
        command.Parameters.AddWithValue("@lifetime", (long)SpendVerb.Timeout.TotalMicroseconds);
        command.Parameters.AddWithValue("@long", (long)TimeSpan.FromSeconds(3).TotalMicroseconds);
        return (long)command.ExecuteScalar()!;
    }

    private static async Task ReadAsync(Process process, Action<long> paid, List<string> wrong)
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("wrong", StringComparison.Ordinal))
            {
                lock (wrong)
                {
                    wrong.Add(line);
                }
            }

            if (line.StartsWith("paid ", StringComparison.Ordinal) && long.TryParse(line.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var nanos))
            {
                paid(nanos);
            }
        }
    }
}
