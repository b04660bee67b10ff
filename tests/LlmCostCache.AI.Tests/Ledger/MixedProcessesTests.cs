namespace LlmCostCache.AI.Tests;

/// <summary>Writers and readers of one ledger, each a process of its own.</summary>
[Trait("Pace", "Machine")]
public class MixedProcessesTests
{
    private const long MostLogBytes = 64 << 20;

    private static readonly int s_seconds = TestSize.IsFull ? 60 : TestSize.IsCi ? 15 : 3;

    [Fact]
    public async Task Four_that_write_and_four_that_read_meet_no_error_and_let_the_log_stay_small()
    {
        await using var home = new LedgerHome();
        Assert.All(await RunAsync(home, ("write", 4, s_seconds), ("read", 4, s_seconds)), log => Assert.InRange(log.Bytes, 0, MostLogBytes));
    }

    [Fact]
    public async Task The_log_is_small_again_when_those_who_verify_have_gone()
    {
        await using var home = new LedgerHome();
        var logs = await RunAsync(home, ("write", 4, 2 * s_seconds), ("verify", 2, s_seconds));

        // From the first moment on at which it is small again, while the others still write. How long the last look of those who verify takes is a matter of the machine.
        var after = logs.Where(log => log.OnlyWriters).SkipWhile(log => log.Bytes > MostLogBytes).ToList();
        Assert.NotEmpty(after);
        Assert.All(after, log => Assert.InRange(log.Bytes, 0, MostLogBytes));
    }

    /// <returns>How long the log was while they ran, and whether only those that write still ran.</returns>
    private static async Task<List<(bool OnlyWriters, long Bytes)>> RunAsync(LedgerHome home, params (string What, int Processes, int Seconds)[] mix)
    {
        await home.Open().ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [Budget.Total(1_000_000m)]);
        var processes = mix.SelectMany(part => Enumerable.Range(0, part.Processes)
            .Select(_ => SupportProcess.Start("mix", home.Path, part.What, part.Seconds.ToString(System.Globalization.CultureInfo.InvariantCulture)))).ToList();
        var told = new List<string>();
        var logs = new List<(bool OnlyWriters, long Bytes)>();
        try
        {
            foreach (var process in processes)
            {
                Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
            }

            processes.ForEach(process => process.StandardInput.WriteLine("go"));
            var reading = Task.WhenAll(processes.Select(process => process.StandardOutput.ReadToEndAsync()));
            while (await Task.WhenAny(reading, Task.Delay(50)) != reading)
            {
                var onlyWriters = processes.Skip(mix[0].Processes).All(process => process.HasExited);
                var log = new FileInfo(home.File + "-wal");
                logs.Add((onlyWriters, log.Exists ? log.Length : 0));
            }

            told.AddRange((await reading).SelectMany(output => output.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        }
        finally
        {
            processes.ForEach(process => process.Kill());
            processes.ForEach(process => process.Dispose());
        }

        Assert.DoesNotContain(told, line => line.StartsWith("wrong", StringComparison.Ordinal));
        var done = told.ConvertAll(line => long.Parse(line["done ".Length..], System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(processes.Count, done.Count);
        Assert.All(done, count => Assert.True(count > 0));
        Assert.Empty((await home.Open().VerifyAsync()).Problems);
        return logs;
    }
}
