using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>What was invalidated reaches the file, whatever happened to it meanwhile.</summary>
[Trait("Pace", "Machine")]
public class OwedInvalidationTests
{
    private static readonly Invalidations.Scope s_tag = new(Invalidations.Kind.Tag, "v7");

    // Its table lies on a page that does not exist: a real SQLITE_CORRUPT, without a write behind SQLite's back.
    private const string Damage = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 100000 WHERE name = 'invalidation'; PRAGMA schema_version = 999";

    [Fact]
    public async Task An_invalidation_that_meets_damage_stands_in_the_new_file()
    {
        using var disk = new DiskFixture();
        disk.Put("Q", disk.Answer() with { Tags = ["v7"] });
        await disk.FlushAsync();
        disk.Sql(Damage);

        await disk.Layer.InvalidateAsync(s_tag, disk.Invalidations.Stamp());

        Assert.NotEmpty(Directory.GetFiles(disk.Home, "cache.db.corrupt-*"));
        Assert.Equal(1, disk.Ask<long>("SELECT count(*) FROM invalidation WHERE name = 'v7'"));
    }

    [Fact]
    public async Task An_invalidation_that_finds_the_file_locked_is_written_when_the_lock_is_gone()
    {
        using var disk = new DiskFixture();
        disk.Put("Q", disk.Answer() with { Tags = ["v7"] });
        await disk.FlushAsync();
        using (var other = disk.Open())
        {
            using var begin = other.CreateCommand();
            begin.CommandText = "BEGIN IMMEDIATE";
            begin.ExecuteNonQuery();
            await disk.Layer.InvalidateAsync(s_tag, disk.Invalidations.Stamp());
            Assert.Contains("an invalidation is not written yet", disk.Failures);
        }

        await disk.FlushAsync();

        Assert.Equal((0L, 1L), (disk.Ask<long>("SELECT count(*) FROM answer"), disk.Ask<long>("SELECT count(*) FROM invalidation")));
    }

    [Fact]
    public async Task A_full_disk_says_once_that_invalidations_wait_and_names_nothing_of_them()
    {
        var log = new FakeLogger();
        using var disk = new DiskFixture(logger: log);
        disk.Sql("CREATE TRIGGER full BEFORE INSERT ON invalidation BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END");

        await disk.Layer.InvalidateAsync(s_tag, disk.Invalidations.Stamp());
        await disk.Layer.InvalidateAsync(s_tag, disk.Invalidations.Stamp());
        await disk.Layer.InvalidateAsync(new(Invalidations.Kind.Model, "gpt-4o"), disk.Invalidations.Stamp());
        disk.Sql("DROP TRIGGER full");
        await disk.FlushAsync();

        var said = Assert.Single(log.Collector.GetSnapshot());
        Assert.DoesNotContain("v7", said.Message, StringComparison.Ordinal);
        Assert.Equal(2, disk.Ask<long>("SELECT count(*) FROM invalidation"));
    }

    [Fact]
    public async Task A_process_follows_the_other_one_into_the_file_that_it_began_anew()
    {
        using var mine = new DiskFixture();
        using var theirs = new DiskFixture(mine.Home, time: mine.Time);
        var answer = theirs.Answer() with { Tags = ["v7"] };
        mine.Sql(Damage);
        await mine.Layer.InvalidateAsync(new(Invalidations.Kind.Model, "o1"), mine.Invalidations.Stamp());

        await mine.Layer.InvalidateAsync(s_tag, mine.Invalidations.Stamp());
        mine.Time.Advance(TimeSpan.FromMilliseconds(101));
        theirs.Layer.Poll();

        Assert.True(theirs.Invalidations.IsDead(answer));
        theirs.Put("Q", theirs.Answer("Rome."));
        await theirs.FlushAsync();
        Assert.Equal("Rome.", mine.Find("Q"));
    }

    [Fact]
    public async Task What_was_invalidated_before_the_damage_is_carried_into_the_new_file()
    {
        using var mine = new DiskFixture();
        mine.Invalidations.Add(s_tag, mine.Invalidations.Stamp());
        await mine.Layer.InvalidateAsync(s_tag, mine.Invalidations.Stamp());
        mine.Sql(Damage);

        mine.Put("Q");
        await mine.FlushAsync();
        await mine.FlushAsync();

        Assert.Equal(1, mine.Ask<long>("SELECT count(*) FROM invalidation WHERE name = 'v7'"));
    }

    [Fact]
    public async Task What_was_still_read_in_the_old_file_hides_nothing_that_stands_in_the_new_one()
    {
        using var theirs = new DiskFixture();
        Action? meanwhile = null;
        var known = new Invalidations(theirs.Time) { KeysForgotten = _ => Interlocked.Exchange(ref meanwhile, null)?.Invoke() };
        using var mine = DiskLayer.TryOpen(theirs.Home, 64 << 20, AnswerSeal.None, theirs.Time, known, NullLogger.Instance, static _ => { })!;
        for (var i = 0; i < 5; i++)
            await theirs.Layer.InvalidateAsync(new(Invalidations.Kind.Key, DiskFixture.KeyOf($"Q{i}").ToString()), theirs.Invalidations.Stamp());

        // Another process begins anew and another caller of ours follows it, while this one reads what stands in the old file.
        meanwhile = () =>
        {
            foreach (var file in Directory.GetFiles(theirs.Home, "cache.db*"))
                File.Delete(file);

            theirs.FlushAsync().Wait(TimeSpan.FromSeconds(30));
            theirs.Time.Advance(TimeSpan.FromMilliseconds(101));
            Assert.Null(mine.Find(DiskFixture.KeyOf("Q")));
        };
        theirs.Time.Advance(TimeSpan.FromMilliseconds(101));
        mine.Poll();
        Assert.Null(meanwhile);

        var answer = theirs.Answer() with { Tags = ["v7"], AskedAt = known.Stamp() };
        theirs.Time.Advance(TimeSpan.FromMilliseconds(101));
        await theirs.Layer.InvalidateAsync(s_tag, theirs.Invalidations.Stamp());
        mine.Poll();

        Assert.True(known.IsDead(answer));
    }

    [Fact]
    public async Task However_many_answers_another_process_removed_they_are_looked_for_in_memory_once()
    {
        using var theirs = new DiskFixture();
        for (var i = 0; i < 50; i++)
            await theirs.Layer.InvalidateAsync(new(Invalidations.Kind.Key, DiskFixture.KeyOf($"Q{i}").ToString()), theirs.Invalidations.Stamp());

        var looks = 0;
        using var connection = theirs.Open();
        var told = new DiskInvalidations(AnswerSeal.None, new Invalidations(theirs.Time) { KeysForgotten = _ => looks++ });
        told.Learn(connection, told.Current);

        Assert.Equal(1, looks);
    }

    [Fact]
    public async Task A_new_file_of_another_process_is_not_set_aside_for_the_damage_of_the_old_one()
    {
        using var mine = new DiskFixture();
        using var theirs = new DiskFixture(mine.Home, time: mine.Time);
        mine.Sql(Damage);
        await mine.Layer.InvalidateAsync(s_tag, mine.Invalidations.Stamp());
        await theirs.Layer.InvalidateAsync(new(Invalidations.Kind.Model, "o1"), theirs.Invalidations.Stamp());

        Assert.Equal(2, mine.Ask<long>("SELECT count(*) FROM invalidation WHERE name IN ('v7', 'o1')"));
    }

    [Fact]
    public async Task An_invalidation_is_written_after_all_when_the_damaged_file_could_not_be_set_aside_at_first()
    {
        using var disk = new DiskFixture();
        var inTheWay = $"{disk.Path}.corrupt-{disk.Time.GetUtcNow().UtcDateTime:yyyyMMddTHHmmssfff}";
        Directory.CreateDirectory(Path.Combine(inTheWay, "not empty"));
        disk.Sql(Damage);
        disk.Put("Q");
        await disk.FlushAsync();
        Assert.Null(disk.Find("Q"));

        await disk.Layer.InvalidateAsync(s_tag, disk.Invalidations.Stamp());
        Directory.Delete(inTheWay, recursive: true);
        await disk.FlushAsync();
        disk.Put("R");
        await disk.FlushAsync();

        Assert.Equal(1, disk.Ask<long>("SELECT count(*) FROM invalidation WHERE name = 'v7'"));
        Assert.Equal("Paris.", disk.Find("R"));
    }

    [Fact]
    public async Task An_invalidation_that_could_not_be_written_is_written_when_the_process_ends()
    {
        using var home = new TempHome();
        using (var disk = new DiskFixture(home.Path))
        {
            var inTheWay = $"{disk.Path}.corrupt-{disk.Time.GetUtcNow().UtcDateTime:yyyyMMddTHHmmssfff}";
            Directory.CreateDirectory(Path.Combine(inTheWay, "not empty"));
            disk.Sql(Damage);
            await disk.Layer.InvalidateAsync(s_tag, disk.Invalidations.Stamp());
            Directory.Delete(inTheWay, recursive: true);
        }

        using var next = new DiskFixture(home.Path);
        Assert.True(next.Invalidations.IsDead(next.Answer() with { Tags = ["v7"], AskedAt = 1 }));
    }

    [Fact]
    public async Task What_another_process_invalidated_meanwhile_is_not_written()
    {
        using var mine = new DiskFixture();
        using var theirs = new DiskFixture(mine.Home, time: mine.Time);
        var asked = mine.Answer() with { Tags = ["v7"] };
        mine.Time.Advance(TimeSpan.FromMilliseconds(2));
        await theirs.Layer.InvalidateAsync(s_tag, theirs.Invalidations.Stamp());

        mine.Put("Q", asked);
        await mine.FlushAsync();

        Assert.Equal(0, mine.Ask<long>("SELECT count(*) FROM answer"));
        Assert.True(mine.Invalidations.IsDead(asked));
    }

    [Fact]
    public async Task Processes_that_meet_the_same_damage_at_once_go_on_with_one_file()
    {
        using var home = new TempHome();
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 9, 1, 12, 0, 0, TimeSpan.Zero));
        for (var round = 0; round < 20; round++)
        {
            var all = Enumerable.Range(0, 4).Select(_ => new DiskFixture(home.Path, time: time)).ToList();
            all[0].Sql(Damage);

            await Task.WhenAll(all.Select((disk, i) => Task.Run(() => disk.Layer.InvalidateAsync(new(Invalidations.Kind.Tag, $"t{i}"), disk.Invalidations.Stamp()))));
            await Task.WhenAll(all.Select(disk => disk.FlushAsync()));

            Assert.Equal(4, all[0].Ask<long>("SELECT count(*) FROM invalidation WHERE name IN ('t0', 't1', 't2', 't3')"));
            all.ForEach(disk => disk.Dispose());
            Assert.Single(Directory.GetFiles(home.Path, "cache.db.corrupt-*"), file => file[^4] != '-');
            Directory.GetFiles(home.Path).ToList().ForEach(File.Delete);
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
