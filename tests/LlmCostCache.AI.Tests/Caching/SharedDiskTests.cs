using System.Globalization;

namespace LlmCostCache.AI.Tests;

/// <summary>Real processes on one <c>cache.db</c>.</summary>
[Trait("Pace", "Machine")]
public class SharedDiskTests
{
    private const int Questions = 200;

    [Fact]
    public async Task Two_processes_that_want_the_same_answers_buy_each_of_them_once_and_count_every_hit()
    {
        using var home = new TempHome();
        var processes = Enumerable.Range(0, 2).Select(_ => SupportProcess.Start("share-cache", home.Path, Questions.ToString(CultureInfo.InvariantCulture))).ToList();
        foreach (var process in processes)
            Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());

        foreach (var process in processes)
            await process.StandardInput.WriteLineAsync();

        var results = new List<int[]>();
        foreach (var process in processes)
        {
            var line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(2));
            await process.WaitForExitAsync();
            results.Add([.. line!.Split(';').Select(number => int.Parse(number, CultureInfo.InvariantCulture))]);
        }

        Assert.Equal(Questions, results.Sum(result => result[0]));
        Assert.Equal(0, results.Sum(result => result[1]));
        using var disk = new DiskFixture(home.Path);
        Assert.Equal((2L * Questions, 0L), (disk.Ask<long>("SELECT sum(hits) FROM answer"), disk.Ask<long>("SELECT count(*) FROM lease")));
        Assert.Equal("ok", disk.Ask<string>("PRAGMA integrity_check"));
        Assert.DoesNotContain(Directory.GetFiles(home.Path), file => file.Contains(".corrupt-", StringComparison.Ordinal));
    }
}
