using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class CacheLayersTests
{
    private static readonly Action<LlmCostsOptions> s_noMemory = o => o.MemoryCacheBytes = 0;

    private static void Store(CacheFixture fixture, string question, string answer = "Paris.", ChatOptions? options = null) =>
        Assert.Null(fixture.Cache.Store(fixture.Plan(question, options), CacheFixture.Answer(answer), CacheFixture.Cost));

    private static Task FlushAsync(CacheFixture fixture) => fixture.Cache.FlushAsync(CancellationToken.None);

    private static void Sql(string home, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(home, "cache.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static long Count(string home, string table)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(home, "cache.db")};Pooling=False;Mode=ReadOnly");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT count(*) FROM {table}";
        return (long)command.ExecuteScalar()!;
    }

    [Fact]
    public async Task An_answer_survives_the_process_and_climbs_back_into_memory()
    {
        using var home = new TemporaryHome();
        await using (var first = new CacheFixture(home: home.Path))
            Store(first, "Q");

        await using var second = new CacheFixture(home: home.Path);
        var fromDisk = await second.FindAsync(second.Plan("Q"));
        var fromMemory = await second.FindAsync(second.Plan("Q"));

        Assert.Equal((CacheLayer.Disk, "Paris."), (fromDisk!.Layer, fromDisk.Response.Text));
        Assert.Equal(CacheFixture.Cost, fromDisk.Original);
        Assert.Equal(CacheLayer.Memory, fromMemory!.Layer);
        Assert.Empty(second.Failures);
    }

    [Fact]
    public async Task The_file_is_readable_by_its_owner_only()
    {
        if (OperatingSystem.IsWindows())
            return;

        await using var fixture = new CacheFixture(disk: true);
        Store(fixture, "Q");
        await FlushAsync(fixture);

        foreach (var file in Directory.GetFiles(fixture.Home!))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public async Task An_answer_that_expired_is_a_miss_in_every_layer_and_leaves_the_disk()
    {
        await using var fixture = new CacheFixture(disk: true);
        Store(fixture, "Q", options: new ChatOptions().WithCache(c => c.TimeToLive(TimeSpan.FromMinutes(1))));
        await FlushAsync(fixture);

        fixture.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.NotNull(await fixture.FindAsync(fixture.Plan("Q")));
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await fixture.FindAsync(fixture.Plan("Q")));
        await FlushAsync(fixture);
        Assert.Equal(0, Count(fixture.Home!, "answer"));
    }

    [Fact]
    public async Task A_clock_that_jumps_back_makes_no_answer_immortal()
    {
        using var home = new TemporaryHome();
        await using (var future = new CacheFixture(home: home.Path, time: new(new DateTimeOffset(2036, 9, 1, 12, 0, 0, TimeSpan.Zero))))
        {
            Store(future, "Q");
        }

        await using var now = new CacheFixture(home: home.Path);
        Assert.Null(await now.FindAsync(now.Plan("Q")));
    }

    [Theory]
    [InlineData("UPDATE answer_frame SET frame = substr(frame, 1, 20)")]
    [InlineData("UPDATE answer_frame SET frame = zeroblob(length(frame))")]
    [InlineData("UPDATE answer_frame SET frame = 'text'")]
    [InlineData("UPDATE answer_frame SET frame = 5")]
    [InlineData("UPDATE answer_frame SET frame = zeroblob(60000000)")]
    [InlineData("UPDATE answer_frame SET frame = (SELECT frame FROM answer_frame AS other WHERE other.answer <> answer_frame.answer)")]
    public async Task A_row_that_was_tampered_with_is_a_miss_deleted_and_counted(string tamper)
    {
        await using var fixture = new CacheFixture(s_noMemory, disk: true);
        Store(fixture, "Q");
        Store(fixture, "other", "London.");
        await FlushAsync(fixture);
        Sql(fixture.Home!, tamper);

        Assert.Null(await fixture.FindAsync(fixture.Plan("Q")));

        Assert.Contains(fixture.Failures, f => f.Layer == CacheLayer.Disk);
        await FlushAsync(fixture);
        Assert.Equal(1, Count(fixture.Home!, "answer"));
    }

    [Theory]
    [InlineData("this is not a database, however long it may be; it goes on and on and on")]
    [InlineData("SQLite format 3\0garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage")]
    public async Task A_file_that_is_no_database_is_set_aside_and_a_new_one_begun(string content)
    {
        using var home = new TemporaryHome();
        File.WriteAllText(Path.Combine(home.Path, "cache.db"), content);

        await using var fixture = new CacheFixture(s_noMemory, home: home.Path);
        Store(fixture, "Q");
        await FlushAsync(fixture);

        Assert.NotNull(await fixture.FindAsync(fixture.Plan("Q")));
        Assert.Contains(Directory.GetFiles(home.Path), f => f.Contains("cache.db.corrupt-", StringComparison.Ordinal));
        Assert.Contains(fixture.Failures, f => f.Layer == CacheLayer.Disk);
    }

    [Fact]
    public async Task A_database_of_another_application_is_set_aside_unchanged()
    {
        using var home = new TemporaryHome();
        Sql(home.Path, "CREATE TABLE answer (mine TEXT); INSERT INTO answer VALUES ('precious')");

        await using (var fixture = new CacheFixture(s_noMemory, home: home.Path))
        {
            Store(fixture, "Q");
            await FlushAsync(fixture);
            Assert.NotNull(await fixture.FindAsync(fixture.Plan("Q")));
        }

        var aside = Directory.GetFiles(home.Path).Single(f => f.Contains(".corrupt-", StringComparison.Ordinal) && !f.EndsWith("-wal", StringComparison.Ordinal) && !f.EndsWith("-shm", StringComparison.Ordinal));
        Assert.Contains("precious", File.ReadAllText(aside), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_of_a_newer_version_is_left_alone_and_answers_stay_in_memory()
    {
        using var home = new TemporaryHome();
        await using (var old = new CacheFixture(home: home.Path))
            Store(old, "Q");

        Sql(home.Path, "PRAGMA user_version = 99");
        await using var fixture = new CacheFixture(home: home.Path);
        Store(fixture, "R");

        Assert.Null(await fixture.FindAsync(fixture.Plan("Q")));
        Assert.NotNull(await fixture.FindAsync(fixture.Plan("R")));
        Assert.Equal(1, Count(home.Path, "answer"));
    }

    [Fact]
    public async Task Damage_while_running_is_repaired_and_never_an_exception()
    {
        await using var fixture = new CacheFixture(s_noMemory, disk: true);
        for (var i = 0; i < 50; i++)
            Store(fixture, $"Q{i}", new string('x', 5_000));

        await FlushAsync(fixture);
        Sql(fixture.Home!, "PRAGMA wal_checkpoint(TRUNCATE)");
        using (var file = new FileStream(Path.Combine(fixture.Home!, "cache.db"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.Seek(100, SeekOrigin.Begin);
            file.Write(Enumerable.Repeat((byte)0xA5, (int)file.Length - 100).ToArray());
        }

        for (var i = 0; i < 50; i++)
        {
            await fixture.FindAsync(fixture.Plan($"Q{i}"));
            fixture.Cache.Store(fixture.Plan($"R{i}"), CacheFixture.Answer(), CacheFixture.Cost);
        }

        await FlushAsync(fixture);
        Store(fixture, "again");
        await FlushAsync(fixture);
        Assert.NotNull(await fixture.FindAsync(fixture.Plan("again")));
        Assert.NotEmpty(fixture.Failures);
    }

    [Fact]
    public async Task A_home_that_cannot_be_written_leaves_the_memory()
    {
        using var home = new TemporaryHome();
        var file = Path.Combine(home.Path, "file");
        File.WriteAllText(file, "");

        await using var fixture = new CacheFixture(home: Path.Combine(file, "below"));
        Store(fixture, "Q");

        Assert.Equal(CacheLayer.Memory, (await fixture.FindAsync(fixture.Plan("Q")))!.Layer);
        Assert.Single(fixture.Failures, f => f.Layer == CacheLayer.Disk);
    }

    [Fact]
    public async Task The_file_stays_within_its_bound_and_keeps_the_newest()
    {
        await using var fixture = new CacheFixture(o => (o.MemoryCacheBytes, o.DiskCacheBytes) = (0, 1 << 20), disk: true);
        for (var i = 0; i < 400; i++)
        {
            Store(fixture, $"Q{i}", new string((char)('a' + (i % 26)), 10_000));
            if (i % 20 == 0)
                await FlushAsync(fixture);
        }

        await FlushAsync(fixture);

        Assert.InRange(new FileInfo(Path.Combine(fixture.Home!, "cache.db")).Length, 1, (1 << 20) + (1 << 18));
        Assert.NotNull(await fixture.FindAsync(fixture.Plan("Q399")));
        Assert.Null(await fixture.FindAsync(fixture.Plan("Q0")));
    }

    [Fact]
    public void Memory_stays_within_its_bound_whatever_the_sizes()
    {
        const long Limit = 8 << 20;
        var memory = new MemoryLayer(Limit);
        var random = new Random(3);
        for (var i = 0; i < 20_000; i++)
        {
            var answer = Answer(random.Next(100) == 0 ? random.Next(1, 3_000_000) : random.Next(1, 20_000));
            memory.Put(Entry(i, answer));
            Assert.InRange(memory.Bytes, 0, Limit);
            if (random.Next(3) == 0)
                Knows(memory, random.Next(i + 1));
        }

        for (var i = 0; i < 20_000; i++)
            memory.Remove(PrintOf(i), BitConverter.GetBytes(i));

        Assert.Equal((0, 0), (memory.Bytes, memory.Count));
    }

    [Fact]
    public void What_is_asked_for_often_outlives_a_flood_of_one_off_questions()
    {
        var memory = new MemoryLayer(1_000 * 1_000);
        for (var popular = 0; popular < 50; popular++)
            memory.Put(Entry(popular, Answer(100)));

        for (var i = 100; i < 20_000; i++)
        {
            memory.Put(Entry(i, Answer(100)));
            Knows(memory, i % 50);
        }

        Assert.Equal(50, Enumerable.Range(0, 50).Count(i => Knows(memory, i)));
    }

    [Fact]
    public void An_answer_that_was_asked_for_earlier_does_not_take_the_place_of_a_later_one()
    {
        var memory = new MemoryLayer(1 << 20);
        memory.Put(Entry(1, Answer(10) with { AskedAt = 2, ResponseId = "later" }));
        memory.Put(Entry(1, Answer(10) with { AskedAt = 1, ResponseId = "earlier" }));

        Assert.True(memory.TryGet(PrintOf(1), BitConverter.GetBytes(1), out var entry));
        Assert.Equal("later", entry.Answer.ResponseId);
        Assert.Equal(entry.Size, memory.Bytes);
    }

    [Fact]
    public void The_beginning_of_a_system_prompt_counts_against_the_bound_of_memory()
    {
        var answer = Answer(10);

        Assert.InRange((answer with { SystemPrompt = new string('x', 256) }).SizeInMemory() - answer.SizeInMemory(), 512, 600);
    }

    private static RequestPrint PrintOf(int i) => new((ulong)i * 0x9E3779B97F4A7C15, (ulong)i + 1);

    private static MemoryEntry Entry(int i, StoredAnswer answer) => new(PrintOf(i), BitConverter.GetBytes(i), default, answer);

    private static bool Knows(MemoryLayer memory, int i) => memory.TryGet(PrintOf(i), BitConverter.GetBytes(i), out _);

    private static StoredAnswer Answer(int length) => StoredAnswer.TryCopy(CacheFixture.Answer(new string('x', length)),
        new CachePlan { Policy = CachePolicy.Default, TimeToLive = TimeSpan.FromHours(1) }, CacheFixture.Cost, DateTimeOffset.UnixEpoch)!;

    private sealed class TemporaryHome : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("llmcostcache-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
