using System.Buffers;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Tests;

/// <summary>C-5, C-6 and C-7: whatever somebody wrote into the file, it is a miss.</summary>
public class TamperedRowTests
{
    private const int Variants = 10_000;
    private const long MostMemory = 64 << 20;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ten_thousand_rows_that_were_edited_are_misses_deleted_and_counted(bool secret)
    {
        using var disk = new DiskFixture(seal: secret ? AnswerSeal.Of(new CacheSecret("a secret of sixteen or more bytes"), []) : null);
        for (var i = 0; i < Variants; i++)
        {
            disk.Put($"Q{i}", disk.Answer($"answer {i}") with { Tags = ["v7"], Tenant = "acme" });
            if (i % 1_000 == 0)
                await disk.FlushAsync();
        }

        await disk.FlushAsync();
        Tamper(disk);

        for (var i = 0; i < Variants; i++)
            Assert.Null(disk.Find($"Q{i}"));

        await disk.FlushAsync();
        Assert.Equal(("a row was malformed", Variants), (Assert.Single(disk.Failures.Distinct()), disk.Failures.Count));
        Assert.Equal(0, disk.Ask<long>("SELECT count(*) FROM answer"));
    }

    [Theory]
    [InlineData("UPDATE answer SET key = (SELECT key FROM other)")]
    [InlineData("UPDATE answer_frame SET frame = zeroblob(500000000)")]
    [InlineData("UPDATE answer_frame SET frame = 7.5")]
    [InlineData("UPDATE answer SET id = id + 1")]
    public async Task A_row_that_contradicts_itself_is_a_miss(string sql)
    {
        using var disk = new DiskFixture();
        disk.Put("Q");
        await disk.FlushAsync();
        var key = Convert.ToHexString(DiskFixture.KeyOf("R").ToArray());
        disk.Sql($"CREATE TABLE other (key BLOB); INSERT INTO other VALUES (X'{key}')");
        disk.Sql(sql);

        Assert.Equal((null, null), (disk.Find("Q"), disk.Find("R")));
        disk.Put("Q");
        await disk.FlushAsync();
        Assert.Equal("Paris.", disk.Find("Q"));
    }

    [Fact]
    public async Task Columns_that_say_another_expiry_than_the_answer_do_not_prolong_it()
    {
        await using var fixture = new CacheFixture(o => o.MemoryCacheBytes = 0, disk: true);
        fixture.Cache.Store(fixture.Plan("Q"), CacheFixture.Answer(), CacheFixture.Cost);
        await fixture.Cache.FlushAsync(CancellationToken.None);
        DiskFixture.Sql(Path.Combine(fixture.Home!, DiskFile.Name), "UPDATE answer SET expires_at = 4102444800000, kept_until = 4102444800000");

        fixture.Time.Advance(TimeSpan.FromHours(25));

        Assert.Null(await fixture.FindAsync(fixture.Plan("Q")));
    }

    [Fact]
    public void A_small_frame_cannot_become_a_large_answer()
    {
        using var disk = new DiskFixture();
        var message = new StoredMessage { Role = "a", Contents = [] };
        var many = disk.Answer() with { Messages = [.. Enumerable.Repeat(message, 500_000)] };
        var json = JsonElement.Parse("[" + string.Join(',', Enumerable.Repeat("1", 4_000_000)) + "]");
        var numbers = disk.Answer() with { Properties = new StoredProperties([KeyValuePair.Create("n", (object?)json)]) };
        var text = disk.Answer(new string('x', AnswerFrame.MaxBytes + 1));
        foreach (var bomb in (StoredAnswer[])[many, numbers, text])
        {
            var frame = AnswerFrame.Encode(DiskFixture.KeyOf("Q"), bomb);
            var before = GC.GetAllocatedBytesForCurrentThread();

            Assert.Equal(SealResult.Broken, AnswerFrame.TryDecode(DiskFixture.KeyOf("Q"), frame, AnswerSeal.None, out _));

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostMemory);
        }
    }

    [Fact]
    public void The_largest_answer_that_is_kept_fits_into_a_frame()
    {
        using var disk = new DiskFixture();
        var largest = disk.Answer(new string('x', 16_000_000));

        Assert.Equal(SealResult.Opened, AnswerFrame.TryDecode(DiskFixture.KeyOf("Q"), AnswerFrame.Encode(DiskFixture.KeyOf("Q"), largest), AnswerSeal.None, out var read));
        Assert.Equal(16_000_000, read!.ToResponse().Text.Length);
    }

    [Theory]
    [InlineData(20_000)]
    [InlineData(65)]
    public void Json_of_any_depth_is_a_miss(int depth)
    {
        var json = JsonDocument.Parse(new string('[', depth) + new string(']', depth), new JsonDocumentOptions { MaxDepth = depth + 1 }).RootElement;
        using var disk = new DiskFixture();
        var deep = disk.Answer() with { Properties = new StoredProperties([KeyValuePair.Create("deep", (object?)json)]) };

        Assert.Equal(SealResult.Broken, AnswerFrame.TryDecode(DiskFixture.KeyOf("Q"), AnswerFrame.Encode(DiskFixture.KeyOf("Q"), deep), AnswerSeal.None, out _));
    }

    [Fact]
    public void The_name_of_a_type_in_a_row_loads_no_type()
    {
        using var disk = new DiskFixture();
        var json = JsonElement.Parse("""{"$type":"System.Diagnostics.Process, System.Diagnostics.Process","StartInfo":{"FileName":"sh"}}""");
        var answer = disk.Answer() with { Properties = new StoredProperties([KeyValuePair.Create("$type", (object?)json)]) };

        Assert.Equal(SealResult.Opened, AnswerFrame.TryDecode(DiskFixture.KeyOf("Q"), AnswerFrame.Encode(DiskFixture.KeyOf("Q"), answer), AnswerSeal.None, out var read));

        Assert.Equal(json.GetRawText(), Assert.IsType<JsonElement>(read!.ToResponse().AdditionalProperties!["$type"]).GetRawText());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(255)]
    public void A_content_of_a_kind_that_nobody_knows_is_a_miss(byte kind)
    {
        using var disk = new DiskFixture();
        var content = new StoredContent { Kind = (StoredContentKind)kind, Text = "x" };
        var answer = disk.Answer() with { Messages = [new StoredMessage { Role = "assistant", Contents = [content] }] };

        Assert.Equal(SealResult.Broken, AnswerFrame.TryDecode(DiskFixture.KeyOf("Q"), AnswerFrame.Encode(DiskFixture.KeyOf("Q"), answer), AnswerSeal.None, out _));
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    [InlineData(-1)]
    public void A_length_beyond_the_frame_is_a_miss_wherever_it_stands(int length)
    {
        using var disk = new DiskFixture();
        var body = AnswerFrame.Encode(DiskFixture.KeyOf("Q"), disk.Answer())[5..^16];
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var at = 0; at + sizeof(int) <= body.Length; at++)
        {
            var forged = new ArrayBufferWriter<byte>();
            forged.Write(body.AsSpan(0, at));
            forged.Write(BitConverter.GetBytes(length));
            forged.Write(body.AsSpan(at + sizeof(int)));
            var frame = AnswerSeal.None.Seal(DiskFixture.KeyOf("Q"), SealedPart.Answer, forged.WrittenSpan);
            AnswerFrame.TryDecode(DiskFixture.KeyOf("Q"), frame, AnswerSeal.None, out _);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostMemory);
    }

    private static void Tamper(DiskFixture disk)
    {
        var random = new Random(5);
        var frames = new List<byte[]>();
        using var connection = disk.Open();
        using (var read = new SqliteStatement(connection, "SELECT frame FROM answer_frame ORDER BY answer"))
        {
            while (read.Step())
                frames.Add(read.Bytes(0).ToArray());
        }

        SqliteFile.Execute(connection, "BEGIN");
        using (var write = new SqliteStatement(connection, "UPDATE answer_frame SET frame = ?2 WHERE answer = ?1"))
        {
            for (var i = 0; i < frames.Count; i++)
                write.Bind(1, i + 1L).Bind(2, Tampered(frames, i, random)).Run();
        }

        SqliteFile.Execute(connection, "COMMIT");
    }

    private static byte[] Tampered(List<byte[]> frames, int number, Random random)
    {
        var frame = (byte[])frames[number].Clone();
        switch (number % 7)
        {
            case 0:
                frame[random.Next(frame.Length)] ^= (byte)(1 << random.Next(8));
                return frame;
            case 1:
                return frame[..random.Next(frame.Length)];
            case 2:
                return [.. frame, (byte)random.Next(256)];
            case 3:
                return frames[(number + 1) % frames.Count];
            case 4:
                // The text: "answer 4" becomes "bnswer 4".
                frame[frame.AsSpan().IndexOf("answer"u8)]++;
                return frame;
            case 5:
                // The version, or a kind of seal that does not exist. (One with a key we do not have is a miss that stays.)
                frame[random.Next(3, 5)] += 3;
                return frame;
            default:
                var at = random.Next(frame.Length - 8);
                random.NextBytes(frame.AsSpan(at, 8));
                return frame;
        }
    }
}
