using Microsoft.Extensions.Logging.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>Files that somebody else holds, or that may not be written.</summary>
public class BlockedFileTests
{
    [Fact]
    public async Task A_transaction_that_another_process_began_as_exclusive_does_not_keep_readers_waiting()
    {
        using var disk = new DiskFixture();
        disk.Put("Q");
        await disk.FlushAsync();
        using var other = disk.Open();
        Run(other, "BEGIN EXCLUSIVE; DELETE FROM lease");

        Assert.Equal("Paris.", disk.Find("Q"));
        Assert.Empty(disk.Failures);
    }

    [Fact]
    public async Task A_file_that_another_process_has_for_itself_costs_one_warning_and_no_answer()
    {
        using var home = new TempHome();
        using (var before = new DiskFixture(home.Path))
            before.Put("Q");

        using var other = DiskFixture.Open(Path.Combine(home.Path, DiskFile.Name));
        Run(other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; DELETE FROM lease; COMMIT");
        var log = new FakeLogger();

        using var disk = new DiskFixture(home.Path, logger: log);
        await using var cache = new CacheFixture(home: home.Path);
        cache.Cache.Store(cache.Plan("R"), CacheFixture.Answer(), CacheFixture.Cost);

        Assert.Null(disk.Layer);
        Assert.Equal(["cannot be opened (SQLite error 5)"], disk.Failures);
        Assert.Single(log.Collector.GetSnapshot());
        Assert.Equal(CacheLayer.Memory, (await cache.FindAsync(cache.Plan("R")))!.Layer);
        Assert.Null(await cache.FindAsync(cache.Plan("Q")));
    }

    [Fact]
    public async Task A_directory_that_may_not_be_written_costs_one_warning_and_no_answer()
    {
        using var home = new TempHome();

        // Nobody may write there, whoever runs this test; on other systems a file stands where the directory should.
        var readOnly = OperatingSystem.IsLinux() ? "/proc" : Path.Combine(home.Path, "file");
        if (!OperatingSystem.IsLinux())
            await File.WriteAllTextAsync(readOnly, "");

        var log = new FakeLogger();
        using var disk = new DiskFixture(readOnly, logger: log);

        Assert.Null(disk.Layer);
        Assert.StartsWith("cannot be opened", Assert.Single(disk.Failures), StringComparison.Ordinal);
        Assert.Single(log.Collector.GetSnapshot());
        await using var cache = new CacheFixture(home: readOnly);
        cache.Cache.Store(cache.Plan("R"), CacheFixture.Answer(), CacheFixture.Cost);
        Assert.NotNull(await cache.FindAsync(cache.Plan("R")));
    }

    private static void Run(Microsoft.Data.Sqlite.SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
