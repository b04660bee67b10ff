using System.Diagnostics;

namespace LlmCostCache.AI.Tests;

/// <summary>Whoever copies, compacts, migrates or empties the log of a ledger may be killed at any moment: it is the old or the new one, never half of either.</summary>
[Trait("Pace", "Machine")]
public class KilledUpkeepTests
{
    private const int Rows = 3_000;

    [Fact]
    public async Task A_ledger_whose_upkeep_is_killed_is_whole_and_so_is_every_copy_that_has_its_name()
    {
        await using var home = new LedgerHome(fast: true);
        await FillAsync(home);
        var random = new Random(20261122);
        var copies = new HashSet<string>();
        for (var kill = 0; kill < TestSize.Kills / 4; kill++)
        {
            using var process = SupportProcess.Start("upkeep", home.Path);
            copies.Add((await process.StandardOutput.ReadLineAsync())!["copied ".Length..]);
            await Task.Delay(random.Next(60));
            process.Kill();
            await process.WaitForExitAsync();
            await using var store = SqliteLedgerStore.Open(home.Path, home.Options, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
            var found = await store.VerifyAsync();
            Assert.True(found.IsIntact, $"kill {kill}: {string.Join(' ', found.Problems)}");
            Assert.Equal(Rows, found.Rows);
        }

        // Also those that it had no time to speak of.
        copies.UnionWith(Directory.GetFiles(home.Path, "copy-*.db"));
        foreach (var copy in copies)
        {
            using var reader = LedgerReader.Open(copy, home.Clock);
            Assert.Equal(Rows, reader.Verify(null, CancellationToken.None).Rows);
        }
    }

    [Fact]
    public async Task A_ledger_whose_migration_is_killed_is_of_the_old_schema_or_of_the_new_one_and_has_all_its_rows()
    {
        var random = new Random(20261122);
        var kills = TestSize.Kills / 2;
        var (old, migrated) = (0, 0);
        for (var kill = 0; kill < kills; kill++)
        {
            await using var home = MigrationTests.OfTheFirstSchema();

            // More to copy, so that it takes a while: whose hashes are right is another test's matter.
            home.Execute("WITH RECURSIVE n(i) AS (VALUES (7) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO dimension (digest, status, operation, cache_layer) SELECT randomblob(32), 'ok', 'chat', 'none' FROM n; PRAGMA wal_checkpoint(TRUNCATE)");
            using var process = SupportProcess.Start("append", home.Path);
            var watch = Stopwatch.StartNew();
            while (Directory.GetFiles(home.Path, "*.bak*").Length == 0 && watch.Elapsed < TimeSpan.FromSeconds(30) && !process.HasExited)
            {
                await Task.Delay(1);
            }

            await Task.Delay(random.Next(20));
            process.Kill();
            await process.WaitForExitAsync();

            var version = home.Scalar("PRAGMA user_version");
            Assert.Contains(version, (long[])[1, LedgerFile.Steps.Count]);
            (old, migrated) = version == 1 ? (old + 1, migrated) : (old, migrated + 1);
            Assert.Equal(1, home.Scalar("SELECT integrity_check = 'ok' FROM pragma_integrity_check"));
            Assert.True(home.Scalar("SELECT COUNT(*) FROM entry") >= 6);
            await home.Open().DisposeAsync();
            Assert.Equal(LedgerFile.Steps.Count, home.Scalar("PRAGMA user_version"));
            Assert.True(home.Scalar("SELECT COUNT(*) FROM entry") >= 6);
        }

        Assert.Equal(kills, old + migrated);
    }

    private static async Task FillAsync(LedgerHome home)
    {
        await using var store = SqliteLedgerStore.Open(home.Path, home.Options, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, neverSync: true);
        await Task.WhenAll(Enumerable.Range(0, Rows).Select(i => store.AppendAsync(home.Row($"{i}", i)).AsTask()));
    }
}
