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

    /// <summary>The second run finds the file that the first one made.</summary>
    [ShimFact]
    public async Task No_row_leaves_the_ledger_for_a_file_whose_name_is_not_on_the_disk()
    {
        await using var home = await ArchiveTests.FilledAsync();
        var rows = home.Scalar("SELECT COUNT(*) FROM entry");
        var directory = Directory.CreateDirectory(home.Path + "-shim").FullName;
        try
        {
            var shim = await Shim.CompileAsync("diskfault", directory);
            for (var run = 0; run < 2; run++)
            {
                using var child = SupportProcess.Start(
                    new Dictionary<string, string> { ["LD_PRELOAD"] = shim, ["DISKFAULT"] = "directory", ["DISKFAULT_HOME"] = home.Path }, "archive", home.Path, "50");
                var told = await child.StandardOutput.ReadToEndAsync();
                await child.WaitForExitAsync();

                Assert.Contains("No row is lost", told, StringComparison.Ordinal);
                Assert.Equal(rows, home.Scalar("SELECT COUNT(*) FROM entry"));
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        ArchiveTests.Archive(home, 6);
        Assert.True(home.Scalar("SELECT COUNT(*) FROM entry") < rows);
        Assert.Empty((await home.Open().VerifyAsync()).Problems);
    }

    /// <summary>SQLite syncs the log before it brings it into the ledger. When that fails a later sync of ours says nothing of the pages before it, and each row behind a lost one is lost with it.</summary>
    [ShimFact]
    public async Task A_long_log_that_could_not_be_synced_is_brought_into_the_ledger_before_the_next_row_is_acknowledged()
    {
        await using var home = new LedgerHome();
        var directory = Directory.CreateDirectory(home.Path + "-shim").FullName;
        try
        {
            await home.Open().DisposeAsync();
            var shim = await Shim.CompileAsync("diskfault", directory);
            using var child = SupportProcess.Start(
                new Dictionary<string, string> { ["LD_PRELOAD"] = shim, ["DISKFAULT"] = "checkpoint", ["DISKFAULT_HOME"] = home.Path }, "lengthen", home.Path);
            var told = (await child.StandardOutput.ReadToEndAsync()).Split(' ').Select(number => long.Parse(number, System.Globalization.CultureInfo.InvariantCulture)).ToList();
            await child.WaitForExitAsync();

            // Eight megabytes were to be synced, at least; behind the failure there are one or two rows.
            Assert.InRange(told[1], 100, 4_999);
            Assert.InRange(told[0], 0, 1 << 20);
            Assert.Equal(told[1], home.Scalar("SELECT COUNT(*) FROM entry"));
            Assert.Empty((await home.Open().VerifyAsync()).Problems);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Rows wait in a file when the ledger cannot take them. One that did not reach the disk there is kept in memory as well: the file may lose it, as the power does here.</summary>
    [ShimFact]
    public async Task A_row_that_waits_beside_the_ledger_does_not_count_as_kept_when_its_file_could_not_be_synced()
    {
        await using var home = new LedgerHome();
        var directory = Directory.CreateDirectory(home.Path + "-shim").FullName;
        try
        {
            await home.Open().DisposeAsync();
            var shim = await Shim.CompileAsync("diskfault", directory);
            using var child = SupportProcess.Start(
                new Dictionary<string, string> { ["LD_PRELOAD"] = shim, ["DISKFAULT"] = "spool", ["DISKFAULT_HOME"] = home.Path }, "spool", home.Path);
            Assert.Equal("waiting", await child.StandardOutput.ReadLineAsync());
            File.Delete(Path.Combine(home.Path, "spool.jsonl"));
            await child.StandardInput.WriteLineAsync();
            await child.WaitForExitAsync();

            Assert.Equal(0, child.ExitCode);
            await AssertHoldsAsync(home, ["row 0", "row 1", "row 2"], unacknowledged: 0);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>A disk that takes seconds holds up who writes, and nobody else: not even where the pool has two threads.</summary>
    [ShimFact]
    public async Task Calls_that_need_nothing_of_a_disk_that_hangs_are_answered_meanwhile()
    {
        await using var home = new LedgerHome();
        var directory = Directory.CreateDirectory(home.Path + "-shim").FullName;
        try
        {
            var shim = await Shim.CompileAsync("diskfault", directory);
            using var child = SupportProcess.Start(
                new Dictionary<string, string> { ["LD_PRELOAD"] = shim, ["DISKFAULT"] = "hang", ["DISKFAULT_HOME"] = home.Path }, "starve", home.Path);
            Assert.Equal(["stuck", "served 200 before 0", "ended 200"], (await child.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.Empty((await home.Open().VerifyAsync()).Problems);
            Assert.Equal(201, home.Scalar("SELECT COUNT(*) FROM entry WHERE cache_layer = 'none'"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>The operating system may kill a process whose file grows beyond what is allowed to it (SIGXFSZ), or refuse it.</summary>
    [Fact]
    public async Task A_file_that_may_not_grow_loses_nothing_that_was_acknowledged()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        await using var home = new LedgerHome();
        await home.Open().DisposeAsync();
        var start = new ProcessStartInfo("bash", ["-c", "ulimit -f 400; exec dotnet \"$@\"", "bash", Path.Combine(AppContext.BaseDirectory, "LlmCostCache.AI.TestSupport.dll"), "endure", home.Path, "1000"])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            RedirectStandardError = true,
        };

        // The runtime maps its code through a file of its own, which is larger than that.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        using var child = Process.Start(start)!;
        child.StandardInput.Close();
        var told = (await child.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await child.WaitForExitAsync();

        var kept = told.Where(line => line.StartsWith("kept ", StringComparison.Ordinal)).Select(line => line[5..]).ToList();
        Assert.InRange(kept.Count, 1, 999);
        await AssertHoldsAsync(home, kept, unacknowledged: 1000 - kept.Count);
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
