using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Tests;

public class OpeningTests
{
    [Fact]
    public void A_directory_that_may_not_be_written_is_named_with_what_to_do()
    {
        // Nobody can write there, whoever runs this test.
        var path = OperatingSystem.IsLinux() ? "/proc/ledger.db" : Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"), "ledger.db");

        var refusal = SqliteFailure.Unavailable(path, new SqliteException("attempt to write a readonly database", 8));

        Assert.StartsWith($"'{path}' cannot be written: its directory '{Path.GetDirectoryName(path)}' is read-only for this user", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("--home", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_text_file_is_refused_and_left_alone() =>
        await RefusedAsync("not a SQLite database", home => File.WriteAllText(home.File, new string('x', 5_000)));

    [Fact]
    public async Task One_byte_is_refused_and_left_alone() =>
        await RefusedAsync("not a SQLite database", home => File.WriteAllBytes(home.File, [7]));

    [Fact]
    public async Task An_empty_file_is_refused_and_never_becomes_an_empty_ledger() =>
        await RefusedAsync("is empty", home => File.WriteAllBytes(home.File, []));

    [Fact]
    public async Task The_database_of_another_application_is_refused_and_left_alone() =>
        await RefusedAsync("another application", home => home.Execute("CREATE TABLE notes (text TEXT)"));

    [Fact]
    public async Task A_newer_schema_is_refused_with_both_versions_and_left_alone()
    {
        await RefusedAsync($"has schema 99; this version of LlmCostCache.AI knows schemas up to {LedgerFile.Steps.Count}", home =>
        {
            home.Open().DisposeAsync().AsTask().GetAwaiter().GetResult();
            home.Execute("PRAGMA user_version = 99");
        });
    }

    [Theory]
    [InlineData("DROP VIEW hold")]
    [InlineData("DROP TABLE reservation")]
    public async Task A_ledger_that_lost_a_table_is_refused(string loss)
    {
        await RefusedAsync("lost some of its tables", home =>
        {
            home.Open().DisposeAsync().AsTask().GetAwaiter().GetResult();
            home.Execute($"{loss}; PRAGMA wal_checkpoint(TRUNCATE)");
        });
    }

    [Fact]
    public async Task A_directory_in_its_place_is_refused()
    {
        await using var home = new LedgerHome();
        Directory.CreateDirectory(home.File);

        var error = Assert.Throws<StoreUnavailableException>(home.Open);

        Assert.Contains("is a directory", error.Message, StringComparison.Ordinal);
        Assert.Equal(home.File, error.Store);
    }

    [Fact]
    public async Task A_file_in_place_of_the_home_is_refused()
    {
        await using var home = new LedgerHome();
        File.WriteAllText(home.Path, "");

        Assert.Contains("is a file", Assert.Throws<StoreUnavailableException>(home.Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_home_that_cannot_be_made_is_refused_with_the_remedy()
    {
        var file = Path.GetTempFileName();
        try
        {
            var error = Assert.Throws<StoreUnavailableException>(() => SqliteLedgerStore.Open(Path.Combine(file, "home"), new LlmCostsOptions(), NullLogger.Instance));
            Assert.Contains("LLMCOSTCACHE_HOME", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("nfs")]
    [InlineData("cifs")]
    [InlineData("9p")]
    public async Task A_network_file_system_is_refused(string format)
    {
        await using var home = new LedgerHome();

        var error = Assert.Throws<StoreUnavailableException>(() => SqliteFile.PrepareDirectory(home.Path, _ => format));

        Assert.Contains(format, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("3.51.2", true)]
    [InlineData("3.7.0", true)]
    [InlineData("3.51.3", false)]
    [InlineData("3.53.4", false)]
    public void A_SQLite_that_can_corrupt_the_file_is_refused(string version, bool refused)
    {
        var error = Record.Exception(() => SqliteFile.RequireSoundVersion("ledger.db", version));

        Assert.Equal(refused, error is StoreUnavailableException);
    }

    [Fact]
    public async Task Directory_and_files_are_for_their_owner_only()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var home = new LedgerHome();
        await home.Open().AppendAsync(home.Row("a", 1));

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(home.Path));
        foreach (var file in Directory.GetFiles(home.Path))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
    }

    [Fact]
    public async Task Several_that_open_a_new_home_at_once_share_one_ledger()
    {
        for (var i = 0; i < 40; i++)
        {
            await using var home = new LedgerHome(fast: true);
            var stores = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => SqliteLedgerStore.Open(home.Path, home.Options, NullLogger.Instance))));
            for (var n = 0; n < stores.Length; n++)
            {
                await stores[n].AppendAsync(home.Row($"row-{n}", 1));
                await stores[n].DisposeAsync();
            }

            Assert.Equal(8, home.Scalar("SELECT COUNT(*) FROM entry"));
            Assert.Equal(["ledger.db"], Directory.GetFiles(home.Path).Select(Path.GetFileName));
        }
    }

    [Theory]
    [InlineData("with space")]
    [InlineData("ünï;Mode=ReadOnly")]
    [InlineData("what?cache=shared&x=%20")]
    public async Task A_strange_path_is_only_a_path(string name)
    {
        await using var home = new LedgerHome();
        var inner = Path.Combine(home.Path, name);
        await using (var store = SqliteLedgerStore.Open(inner, home.Options, NullLogger.Instance))
        {
            await store.AppendAsync(home.Row("a", 1));
        }

        Assert.True(SqliteLedgerStore.Exists(inner));
    }

    [Fact]
    public async Task A_home_without_a_ledger_is_said_to_hold_none()
    {
        await using var home = new LedgerHome();

        var error = Assert.Throws<StoreUnavailableException>(() => SqliteLedgerStore.OpenReader(home.Path, TimeProvider.System));

        Assert.False(SqliteLedgerStore.Exists(home.Path));
        Assert.Contains("nothing has been recorded", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reader_reads_beside_the_writer_and_in_its_zone()
    {
        var tokyo = TimeZoneInfo.FindSystemTimeZoneById("Asia/Tokyo");
        await using var home = new LedgerHome(tokyo);
        var store = home.Open();
        await store.ConfigureAsync(tokyo, DayOfWeek.Sunday, [Budget.Daily(1m).ForProject("p").Named("n").Balanced().FallBackTo("m"), Budget.PerCall(1m)]);
        await store.AppendAsync(home.Row("a", 5, at: new DateTimeOffset(2026, 8, 22, 23, 0, 0, TimeSpan.Zero)));

        await using var reader = SqliteLedgerStore.OpenReader(home.Path, home.Clock);

        Assert.Equal("2026-08-23", Assert.Single(await reader.TotalsAsync(LedgerDimension.Week, null, LedgerFilter.All)).Key);
        Assert.Equal(Budget.Daily(1m).ForProject("p").Named("n").Balanced().FallBackTo("m"), Assert.Single(await reader.ReadBalancesAsync()).Window.Budget);
        await store.AppendAsync(home.Row("b", 5));
        Assert.Equal(2, Assert.Single(await reader.TotalsAsync(null, null, LedgerFilter.All)).Calls);
    }

    private static async Task RefusedAsync(string reason, Action<LedgerHome> prepare)
    {
        await using var home = new LedgerHome();
        Directory.CreateDirectory(home.Path);
        prepare(home);
        var before = await File.ReadAllBytesAsync(home.File);

        var error = Assert.Throws<StoreUnavailableException>(home.Open);

        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Equal(home.File, error.Store);
        Assert.Equal(before, await File.ReadAllBytesAsync(home.File));
        Assert.Throws<StoreUnavailableException>(() => SqliteLedgerStore.OpenReader(home.Path, TimeProvider.System));
    }
}
