using System.IO.Compression;

namespace LlmCostCache.AI.Tests;

public class DiskLayerTests
{
    [Fact]
    public async Task A_row_says_what_people_ask_about_without_being_opened()
    {
        using var disk = new DiskFixture();
        var answer = disk.Answer() with { Namespace = "shop", Tenant = "acme", SystemPrompt = "You are", KeptUntil = disk.Time.GetUtcNow() + TimeSpan.FromHours(3), Tags = ["v7"] };
        disk.Put("Q", answer, new RequestOutline([new("model", 1)]));
        await disk.FlushAsync();

        Assert.Equal("gpt-4o-mini|shop|acme|You are|1|1|0",
            disk.Ask<string>("SELECT model || '|' || namespace || '|' || tenant || '|' || system_prompt || '|' || kind || '|' || tagged || '|' || sealed_by FROM answer"));
        Assert.Equal(answer.KeptUntil.ToUnixTimeMilliseconds(), disk.Ask<long>("SELECT kept_until FROM answer"));
        Assert.Equal(0, disk.Ask<long>("SELECT bytes - length(frame) - length(outline) FROM answer JOIN answer_frame AS f ON f.answer = id JOIN answer_outline AS o ON o.answer = id"));
    }

    [Fact]
    public async Task An_answer_comes_back_with_all_that_was_known_about_it()
    {
        using var disk = new DiskFixture();
        var answer = disk.Answer() with
        {
            Namespace = "shop",
            Tenant = "acme",
            SystemPrompt = "You are",
            SlidingFor = TimeSpan.FromMinutes(5),
            KeptUntil = disk.Time.GetUtcNow() + TimeSpan.FromHours(3),
        };
        disk.Put("Q", answer);
        await disk.FlushAsync();

        Assert.Equal(answer with { Messages = [] }, disk.Layer.Find(DiskFixture.KeyOf("Q"))! with { Messages = [] });
    }

    [Fact]
    public async Task An_outline_stands_beside_its_answer_and_under_no_other_key()
    {
        using var disk = new DiskFixture();
        var outline = new RequestOutline([new("model", 1), new("message 1 (user)", ulong.MaxValue)]) { Prompt = "Where is" };
        disk.Put("Q", outline: outline);
        await disk.FlushAsync();

        var frame = disk.Ask<byte[]>("SELECT outline FROM answer_outline");

        Assert.Equal(SealResult.Opened, OutlineFrame.TryDecode(DiskFixture.KeyOf("Q"), frame, AnswerSeal.None, out var read));
        Assert.Equal(outline.Parts, read!.Parts);
        Assert.Equal("Where is", read.Prompt);
        Assert.Equal(SealResult.Broken, OutlineFrame.TryDecode(DiskFixture.KeyOf("R"), frame, AnswerSeal.None, out _));
        Assert.Equal(SealResult.Broken, AnswerFrame.TryDecode(DiskFixture.KeyOf("Q"), frame, AnswerSeal.None, out _));
    }

    [Fact]
    public async Task Hits_are_counted_together_and_survive_a_new_answer_to_the_question()
    {
        using var disk = new DiskFixture();
        disk.Put("Q");
        await disk.FlushAsync();
        disk.Time.Advance(TimeSpan.FromMinutes(1));
        for (var i = 0; i < 5; i++)
            disk.Layer.Used(DiskFixture.KeyOf("Q"), Money.FromNanos(7));

        await disk.FlushAsync();
        disk.Put("Q", disk.Answer("London."));
        await disk.FlushAsync();

        Assert.Equal((5L, 35L), (disk.Ask<long>("SELECT hits FROM answer"), disk.Ask<long>("SELECT saved_nanos FROM answer")));
        Assert.Equal("London.", disk.Find("Q"));
        Assert.Equal(1, disk.Ask<long>("SELECT count(*) FROM answer_frame"));
    }

    [Fact]
    public async Task An_answer_that_was_asked_for_later_by_another_process_stays()
    {
        using var disk = new DiskFixture();
        var early = disk.Answer("early");
        disk.Put("Q", disk.Answer("late"));
        disk.Put("Q", early);
        await disk.FlushAsync();

        Assert.Equal("late", disk.Find("Q"));
    }

    [Fact]
    public async Task An_answer_that_nobody_uses_for_its_sliding_time_is_a_miss_and_one_that_is_used_is_not()
    {
        using var disk = new DiskFixture();
        disk.Put("used", disk.Answer() with { SlidingFor = TimeSpan.FromMinutes(10) });
        disk.Put("unused", disk.Answer() with { SlidingFor = TimeSpan.FromMinutes(10) });
        await disk.FlushAsync();

        disk.Time.Advance(TimeSpan.FromMinutes(9));
        disk.Layer.Used(DiskFixture.KeyOf("used"), Money.Zero);
        disk.Time.Advance(TimeSpan.FromMinutes(9));
        var beforeItIsWritten = disk.Find("used");
        await disk.FlushAsync();

        Assert.Equal(("Paris.", "Paris.", null), (beforeItIsWritten, disk.Find("used"), disk.Find("unused")));
    }

    [Fact]
    public async Task What_is_kept_for_bad_days_outlives_its_expiry_and_goes_when_that_is_over()
    {
        using var disk = new DiskFixture();
        disk.Put("kept", disk.Answer() with { KeptUntil = disk.Time.GetUtcNow() + TimeSpan.FromHours(5) });
        disk.Put("not");
        await disk.FlushAsync();

        disk.Time.Advance(TimeSpan.FromHours(2));
        await disk.FlushAsync();
        Assert.Equal(1, disk.Ask<long>("SELECT count(*) FROM answer"));

        disk.Time.Advance(TimeSpan.FromHours(4));
        await disk.FlushAsync();
        Assert.Equal((0L, 0L), (disk.Ask<long>("SELECT count(*) FROM answer"), disk.Ask<long>("SELECT count(*) FROM answer_frame")));
    }

    [Fact]
    public async Task A_flood_of_one_off_questions_does_not_push_out_what_is_asked_for_again_and_again()
    {
        using var disk = new DiskFixture(limit: 1 << 20);
        for (var i = 0; i < 10; i++)
            disk.Put($"popular {i}", disk.Answer(new string('p', 10_000)));

        await disk.FlushAsync();
        for (var i = 0; i < 10; i++)
        {
            disk.Layer.Used(DiskFixture.KeyOf($"popular {i}"), Money.Zero);
            disk.Layer.Used(DiskFixture.KeyOf($"popular {i}"), Money.Zero);
        }

        await disk.FlushAsync();
        for (var i = 0; i < 600; i++)
        {
            disk.Time.Advance(TimeSpan.FromSeconds(5));
            disk.Put($"one-off {i}", disk.Answer(new string('o', 10_000)));
            if (i % 20 == 0)
                await disk.FlushAsync();
        }

        await disk.FlushAsync();

        Assert.Equal(10, Enumerable.Range(0, 10).Count(i => disk.Find($"popular {i}") is not null));
        Assert.Null(disk.Find("one-off 0"));
        Assert.NotNull(disk.Find("one-off 599"));
        Assert.InRange(new FileInfo(disk.Path).Length, 1, (1 << 20) + (1 << 18));
    }

    [Theory]
    [InlineData(Invalidations.Kind.Namespace, "shop", false)]
    [InlineData(Invalidations.Kind.Namespace, "shop", true)]
    [InlineData(Invalidations.Kind.Tenant, "acme", false)]
    [InlineData(Invalidations.Kind.Tenant, "acme", true)]
    [InlineData(Invalidations.Kind.Tag, "v7", true)]
    [InlineData(Invalidations.Kind.Model, "special", true)]
    [InlineData(Invalidations.Kind.SystemPrompt, "You are a b", false)]
    public async Task What_is_invalidated_leaves_the_disk_and_nothing_else_does(object kind, string name, bool encrypted)
    {
        using var disk = new DiskFixture(seal: encrypted ? AnswerSeal.Of(null, [new CacheEncryptionKey(new byte[32])]) : null);
        disk.Put("mine", disk.Answer() with { Namespace = "shop", Tenant = "acme", SystemPrompt = "You are a bank.", Model = "special", Tags = ["v7"] });
        disk.Put("other", disk.Answer() with { Namespace = "shop2", Tenant = "acme2", SystemPrompt = "You are a car.", Tags = ["v8"] });
        disk.Put("none");
        await disk.FlushAsync();

        Assert.Equal(1, await disk.Layer.InvalidateAsync(new((Invalidations.Kind)kind, name), disk.Invalidations.Stamp()));

        Assert.Equal((null, "Paris.", "Paris."), (disk.Find("mine"), disk.Find("other"), disk.Find("none")));
    }

    [Fact]
    public async Task A_prompt_with_the_signs_of_a_pattern_invalidates_only_what_begins_with_it()
    {
        using var disk = new DiskFixture();
        disk.Put("mine", disk.Answer() with { SystemPrompt = "100%_sure" });
        disk.Put("other", disk.Answer() with { SystemPrompt = "100 is sure" });
        await disk.FlushAsync();

        Assert.Equal(1, await disk.Layer.InvalidateAsync(new(Invalidations.Kind.SystemPrompt, "100%_"), disk.Invalidations.Stamp()));
        Assert.Equal("Paris.", disk.Find("other"));
    }

    [Fact]
    public async Task A_file_of_the_first_schema_keeps_its_answers()
    {
        using var home = new TempHome();
        await using (var packed = new GZipStream(new MemoryStream(s_firstSchema), CompressionMode.Decompress))
        await using (var file = File.Create(Path.Combine(home.Path, DiskFile.Name)))
            await packed.CopyToAsync(file);

        CacheKey[] keys;
        using (var connection = DiskFixture.Open(Path.Combine(home.Path, DiskFile.Name)))
        using (var read = new SqliteStatement(connection, "SELECT key FROM answer ORDER BY rowid"))
        {
            var found = new List<CacheKey>();
            while (read.Step())
                found.Add(new CacheKey(read.Bytes(0)));

            keys = [.. found];
        }

        using var disk = new DiskFixture(home.Path);

        Assert.Equal(["Paris.", "London."], keys.Select(key => disk.Layer.Find(key)!.ToResponse().Text));
        Assert.Equal(disk.Time.GetUtcNow().ToUnixTimeMilliseconds(), disk.Ask<long>("SELECT min(stored_at) FROM answer"));
        Assert.Equal(2, disk.Ask<long>("PRAGMA user_version"));
        Assert.Equal(1, await disk.Layer.InvalidateAsync(new(Invalidations.Kind.Tag, "v7"), disk.Invalidations.Stamp()));
        Assert.Empty(disk.Failures);
    }

    [Fact]
    public async Task A_file_that_is_deleted_while_it_is_used_is_begun_anew()
    {
        using var disk = new DiskFixture();
        disk.Put("Q");
        await disk.FlushAsync();
        foreach (var file in Directory.GetFiles(disk.Home))
            File.Delete(file);

        disk.Put("R", disk.Answer("London."));
        await disk.FlushAsync();

        Assert.Equal((null, "London."), (disk.Find("Q"), disk.Find("R")));
        Assert.Equal(1, disk.Ask<long>("SELECT count(*) FROM answer"));
    }

    [Fact]
    public async Task A_file_that_takes_the_place_of_ours_is_used_within_a_minute()
    {
        using var home = new TempHome();
        using (var other = new DiskFixture(home.Path))
            other.Put("theirs", other.Answer("London."));

        using var disk = new DiskFixture();
        disk.Put("Q");
        await disk.FlushAsync();

        File.Delete(disk.Path + "-wal");
        File.Delete(disk.Path + "-shm");
        File.Copy(Path.Combine(home.Path, DiskFile.Name), disk.Path + ".new");
        File.Move(disk.Path + ".new", disk.Path, overwrite: true);
        disk.Time.Advance(TimeSpan.FromSeconds(61));
        await disk.FlushAsync();
        await disk.FlushAsync();

        Assert.Equal("London.", disk.Find("theirs"));
    }

    [Fact]
    public async Task A_disk_that_is_full_costs_the_answer_and_nothing_else()
    {
        using var disk = new DiskFixture();
        disk.Put("Q");
        await disk.FlushAsync();
        disk.Sql("CREATE TRIGGER full BEFORE INSERT ON answer_frame BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END");

        disk.Put("R");
        await disk.FlushAsync();
        Assert.Equal(("Paris.", null), (disk.Find("Q"), disk.Find("R")));
        Assert.NotEmpty(disk.Failures);

        disk.Sql("DROP TRIGGER full");
        disk.Put("R");
        await disk.FlushAsync();
        Assert.Equal("Paris.", disk.Find("R"));
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_left_alone_after_three_failures_and_tried_again_later()
    {
        using var disk = new DiskFixture();
        disk.Put("Q");
        await disk.FlushAsync();
        disk.Sql("ALTER TABLE answer_frame RENAME TO hidden");

        for (var i = 0; i < 20; i++)
            Assert.Null(disk.Find("Q"));

        Assert.Equal(3, disk.Failures.Count);
        disk.Sql("ALTER TABLE hidden RENAME TO answer_frame");
        Assert.Null(disk.Find("Q"));
        disk.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal("Paris.", disk.Find("Q"));
    }

    [Fact]
    public async Task Whoever_holds_the_lock_for_writing_does_not_keep_readers_waiting()
    {
        using var disk = new DiskFixture();
        disk.Put("Q");
        await disk.FlushAsync();
        using var other = disk.Open();
        using var begin = other.CreateCommand();
        begin.CommandText = "BEGIN IMMEDIATE";
        begin.ExecuteNonQuery();

        Assert.Equal("Paris.", disk.Find("Q"));
        Assert.Equal(LeaseOutcome.Unavailable, await disk.Layer.TryLeaseAsync(DiskFixture.KeyOf("R"), TimeSpan.FromSeconds(10)));
    }

    /// <summary>A file that the first schema's code wrote: "Paris." with the tag v7 and "London.".</summary>
    private static readonly byte[] s_firstSchema = Convert.FromBase64String("""
        H4sIAAAAAAACA+3c/2sbZRzA8XuS5VtdBxNnKf2Sp9RBQ5tu6YYdyNjS9taGXZMtpq4FRz2bWz3bJF1y6+YPwrrpFOkq6Ab+oOg/MPxJh79OBGWy31SQ4aYgOIQpFKYoA+/yZUm6YLcflBXeL3rPPf
        c8n3vuee55ml8ul2cPa6ZlyGO5fEa35C5FKi6Xsl9KRVHc9hZQqrz2tqmcd8pFZdOGo8NKY26l/+LV5uCfir/thtL5S/Bq50rH3Y4P21fbI3YBAAAAAAAAAAAAgIdxyO9t6e0VU5b+4rxROD5vWsZ0
        wTh+wsjOrD0MDCfVaEqVqeiQpso1lT1ZPWP02UehpX0+X8v27eJMtNimmV3U5820bpm5bG3eX9dabY3saZK2SssyFk+po2pSHkrGxqPJKXlQnZLRiVQiFrebGFfjqb5i/JyZTd+LjSdSMj6haaUqp2
        8ypU6m1pQXLD2zcN85oaWQ19cWavWfabPy5uyskdezhZNGfjpvZHKLRrp0VOl+MjbqnFwfIqMHUnbhiKqpdkwiXq6WR8bUuExoI/2WbreblntlpGlIHY3Fi90phx9IJsYr7dlxzklJtdLC3uLp+dxJ
        M/1Mkxofed7jbdnRJU7agzdOVU+aLmWrBb5yf2PxEXVS3hdY7WPxkj2lfGhpyyZfS1eXWJotzmU1oprz1s1jbRtOUn/TK4O4b5bq5tY5sRIaCskjsdRYYiIlk4kjsZFJtz3c1vrhGqcWzLxRmNatUo
        Gn0VCrQTXT0VMtDS29IHwtra3ibFvNUEupu8EQy4t0znhFDmmJoXtDqR1JaZHphTkj7Vy38dqs6VjjgPJSaVyZyaWN+UZL+1jeWfN1XQv1urwt+1qFUrx55f9f/YSVKx6XF8J0pLR3nuP7nQ8IsX4C
        AAAAAAAAAAAAAAAecc325mp3KR237AQAAAAAAAAAAADABnc27fJrXo+/+1xSOzrX+cOlbUOfvP7Fwce/XDz8zvvyuJT7jn4bjnjfHm/6yX/DL5dXpBAf6XfPKbMLVnh3Lpwxs6Y2HHUJIVeWpR2iVP
        Y3//j0lr0Xj9lXqQl2Liqa7GTmJd2aySzMhyPiyfqQ8MDOgd3hnYPhyB7hvKpcsHILpd6K9y5NFDNr9xViq53kFoysbu6wW3k6vHNPeGBAea5cfdr3cHenb51XoP/zN6SLv7Du/Ny6XiiYBUvPWrUV
        whmOlsumc9n++vM+7/pmdX/PbW3s66UtH7dfW33tCeFMc6D7jYHfrl/8/ucPNm/7aubC5O3TuSs3X77w7qZd5/9+9dqPN/r3NH9Xnmal8TQrDzjNxf45z5QXB5ntB51s4b03HuVfbpOiuNZZF047h/
        S8WVizLC5ufvO8uDL42fLqW5O/L0/dcWbGFbysBC8Hr/NZCAAAAAAAAAAAAADA/+optybW+7aOq9utBdb7rkfp+f+vSvCOnQAAAAAAAAAAAAAAgEddk9tT/uUOV8DtCZSyzvN/EfxLsf8AAAAAAAAA
        AAAAAMCG43FvDSwO8vwfAAAAAAAAAAAAAICNzOMObF0cbHaykrsBAAAAAAAAAAAAAMBGxvN/AAAAAAAAAAAAAAA2vn8AoK8+3QAgAQA=
        """);
}
