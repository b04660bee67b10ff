using System.Diagnostics;

namespace LlmCostCache.AI.Tests;

/// <summary>A disk that fails under the writer: what was acknowledged is there, once; what was not is said to be not, in words.</summary>
public class FailingDiskTests
{
    [ShimFact]
    public async Task A_sync_that_fails_once_is_repaired_without_a_word_and_leaves_no_row_twice()
    {
        var (home, kept, told) = await EndureAsync("fsync-once", 20, _ => null);
        await using (home)
        {
            Assert.Equal(20, kept.Count);
            Assert.Empty(told);
            await AssertHoldsAsync(home, kept, unacknowledged: 0);
        }
    }

    [ShimFact]
    public async Task Syncs_that_fail_for_good_are_an_io_error_for_each_row_and_nothing_acknowledged_is_missing()
    {
        var (home, kept, told) = await EndureAsync("fsync", 6, _ => "");
        await using (home)
        {
            Assert.NotEmpty(told);
            Assert.All(told, line => Assert.Contains("I/O error", line, StringComparison.Ordinal));
            Assert.InRange(kept.Count, 0, 5);
            await AssertHoldsAsync(home, kept, unacknowledged: 6 - kept.Count);
        }
    }

    [ShimFact]
    public async Task A_disk_that_is_full_is_said_to_be_full_and_the_same_row_is_written_once_when_there_is_room()
    {
        var (home, kept, told) = await EndureAsync("full", 120, home =>
        {
            File.WriteAllText(Path.Combine(home, "free"), "");
            return "again";
        });
        await using (home)
        {
            Assert.Equal(120, kept.Count);
            Assert.Contains("is full", Assert.Single(told), StringComparison.Ordinal);
            await AssertHoldsAsync(home, kept, unacknowledged: 0);
        }
    }

    [ShimFact]
    public async Task A_ledger_that_cannot_be_written_is_refused_when_it_is_opened_with_the_remedy()
    {
        var (home, kept, told) = await EndureAsync("readonly", 1, _ => "");
        await using (home)
        {
            Assert.Empty(kept);
            var line = Assert.Single(told);
            Assert.StartsWith("closed ", line, StringComparison.Ordinal);
            Assert.Matches("read-only|cannot be opened", line);
            await AssertHoldsAsync(home, kept, unacknowledged: 0);
        }
    }

    private static async Task<(LedgerHome Home, List<string> Kept, List<string> Told)> EndureAsync(string fault, int rows, Func<string, string?> answer)
    {
        var home = new LedgerHome();
        var directory = Directory.CreateDirectory(home.Path + "-shim").FullName;
        try
        {
            await home.Open().DisposeAsync();
            var shim = await Shim.CompileAsync("diskfault", directory);
            using var child = SupportProcess.Start(
                new Dictionary<string, string> { ["LD_PRELOAD"] = shim, ["DISKFAULT"] = fault, ["DISKFAULT_HOME"] = home.Path },
                "endure", home.Path, rows.ToString(System.Globalization.CultureInfo.InvariantCulture));
            var (kept, told) = (new List<string>(), new List<string>());
            while (await child.StandardOutput.ReadLineAsync() is { } line)
            {
                if (line.StartsWith("kept ", StringComparison.Ordinal))
                {
                    kept.Add(line[5..]);
                    continue;
                }

                told.Add(line);
                if (line.StartsWith("refused", StringComparison.Ordinal))
                {
                    await child.StandardInput.WriteLineAsync(answer(home.Path) ?? throw new UnreachableException(line));
                }
            }

            await child.WaitForExitAsync();
            return (home, kept, told);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task AssertHoldsAsync(LedgerHome home, List<string> kept, int unacknowledged)
    {
        var store = home.Open();
        var ids = await store.ReadAsync(LedgerFilter.All).Select(row => row.Id).ToListAsync();
        Assert.Empty(kept.Except(ids));
        Assert.InRange(ids.Count, kept.Count, kept.Count + unacknowledged);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }
}
