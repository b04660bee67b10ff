using System.Text;
using CsCheck;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Entries move from one cache to another, and nothing else gets in.</summary>
public class EntryImportTests
{
    private static readonly string[] s_texts = ["Paris.", "é\u0000 \"quoted\"\n", "🙂", new('x', 20_000)];

    [Fact]
    public async Task Exported_entries_answer_in_an_empty_cache_as_they_did()
    {
        await Gen.Select(Gen.Int[0, s_texts.Length - 1], Gen.Int[0, 2]).Array[1, 12].SampleAsync(async questions =>
        {
            await using var from = new CacheFixture(disk: true);
            await using var to = new CacheFixture(disk: true, time: from.Time);
            for (var i = 0; i < questions.Length; i++)
                from.Store($"Question {i}", OptionsOf(i), s_texts[questions[i].Item1], TenantOf(questions[i].Item2));

            var import = await to.ImportAsync(await from.ExportAsync());

            Assert.Equal((questions.Length, 0L, 0L), ((int)import.Stored, import.Known, import.Skipped));
            for (var i = 0; i < questions.Length; i++)
            {
                var (original, moved) = (await from.FindAsync(from.Plan($"Question {i}", OptionsOf(i), TenantOf(questions[i].Item2))), await to.FindAsync(to.Plan($"Question {i}", OptionsOf(i), TenantOf(questions[i].Item2))));
                Assert.Equal(original!.Response.Text, moved!.Response.Text);
                Assert.Equal((original.Response.ModelId, original.ExpiresAt, original.StoredAt, original.Original), (moved.Response.ModelId, moved.ExpiresAt, moved.StoredAt, moved.Original));
            }

            Assert.Equal((await from.EntriesAsync()).Select(entry => (entry.Key, entry.Model, entry.Namespace, entry.Tenant, entry.Bytes)).OrderBy(entry => entry.Key.ToString()),
                (await to.EntriesAsync()).Select(entry => (entry.Key, entry.Model, entry.Namespace, entry.Tenant, entry.Bytes)).OrderBy(entry => entry.Key.ToString()));
        }, iter: TestSize.IsCi ? 100 : 10, threads: 1);

        static ChatOptions OptionsOf(int i) => i % 2 == 0 ? new ChatOptions { Temperature = i }.WithCache(c => c.Tag("even")) : new ChatOptions { Temperature = i };
        static string? TenantOf(int i) => i == 0 ? null : $"tenant {i}";
    }

    [Fact]
    public async Task An_entry_that_nobody_has_used_here_for_its_sliding_time_is_skipped_for_that_and_not_for_the_clock()
    {
        await using var from = new CacheFixture(disk: true);
        await using var to = new CacheFixture(disk: true, time: from.Time);
        from.Store("Question", new ChatOptions().WithCache(c => c.SlidingExpiration(TimeSpan.FromHours(1))));
        var export = await from.ExportAsync();
        from.Time.Advance(TimeSpan.FromHours(2));

        Assert.DoesNotContain("clock", Assert.Single((await to.ImportAsync(export)).Reasons).Key, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_invalidated_and_only_still_stands_in_the_file_is_not_exported()
    {
        // Of an encrypted entry nobody can tell in SQL how its instructions began.
        var key = new CacheEncryptionKey(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
        await using var from = new CacheFixture(o => o.CacheEncryptionKeys.Add(key), disk: true);
        await using var to = new CacheFixture(o => o.CacheEncryptionKeys.Add(key), disk: true, time: from.Time);
        from.Store("Question", new ChatOptions { Instructions = "You are a poet." });
        from.Store("Question", new ChatOptions { Instructions = "You are a lawyer." });
        await from.Cache.FlushAsync(CancellationToken.None);
        await from.Cache.InvalidateSystemPromptAsync("You are a poet");

        var import = await to.ImportAsync(await from.ExportAsync());

        Assert.Equal((1, 0), (import.Stored, import.Skipped));
        Assert.Null(await to.FindAsync(to.Plan("Question", new ChatOptions { Instructions = "You are a poet." })));
    }

    [Fact]
    public async Task A_damaged_line_never_gets_in()
    {
        await using var from = new CacheFixture(disk: true);
        from.Store("Question", new ChatOptions().WithCache(c => c.Tag("t").Namespace("n")), tenant: "acme");
        var export = await from.ExportAsync();
        var header = export.AsSpan().IndexOf((byte)'\n') + 1;
        await using var to = new CacheFixture(disk: true, time: from.Time);

        Gen.Select(Gen.Int[header, export.Length - 2], Gen.Byte, Gen.Int[0, 2]).Sample((place, value, how) =>
        {
            var damaged = how switch
            {
                0 => [.. export[..place], value, .. export[(place + 1)..]],
                1 => [.. export[..place], .. export[(place + 1)..]],
                _ => export[..place],
            };
            var import = to.ImportAsync(damaged).GetAwaiter().GetResult();

            // A blank between two tokens, or the same byte again, damages nothing; neither does an escape that stands for the same letter.
            var isSame = EntryLine.TryRead(damaged.AsMemory(header), out _) is { } read && read.Frame.AsSpan().SequenceEqual(EntryLine.TryRead(export.AsMemory(header), out _)!.Frame);
            return isSame || import.Stored + import.Known == 0;
        }, iter: TestSize.Cases / 100, threads: 1);
    }

    [Fact]
    public async Task A_line_that_is_whole_but_forged_is_skipped()
    {
        await using var from = new CacheFixture(disk: true);
        await using var to = new CacheFixture(disk: true, time: from.Time);
        from.Store("Question", tenant: "acme");
        from.Store("Other");
        var lines = Lines(await from.ExportAsync());
        var (first, second) = (EntryLine.TryRead(Encoding.UTF8.GetBytes(lines[1]), out _)!, EntryLine.TryRead(Encoding.UTF8.GetBytes(lines[2]), out _)!);

        var import = await to.ImportAsync(Written(
            first with { Frame = second.Frame },
            first with { ExpiresAt = first.ExpiresAt.AddDays(300) },
            first with { AskedAt = first.AskedAt + 1 },
            first with { Tenant = "other" },
            first with { Outline = second.Outline },
            first with { IsEmbedding = true }));

        Assert.Equal((0L, 6L), (import.Stored, import.Skipped));
        Assert.Empty(await to.EntriesAsync());
    }

    [Fact]
    public async Task Importing_twice_changes_nothing()
    {
        await using var from = new CacheFixture(disk: true);
        await using var to = new CacheFixture(disk: true, time: from.Time);
        from.Store("Question");
        var export = await from.ExportAsync();

        var (first, second) = (await to.ImportAsync(export), await to.ImportAsync(export));

        Assert.Equal((1L, 0L, 0L, 1L), (first.Stored, first.Known, second.Stored, second.Known));
    }

    [Fact]
    public async Task A_newer_entry_is_not_replaced()
    {
        await using var from = new CacheFixture(disk: true);
        await using var to = new CacheFixture(disk: true, time: from.Time);
        from.Store("Question", answer: "old");
        var export = await from.ExportAsync();
        to.Time.Advance(TimeSpan.FromMinutes(1));
        to.Store("Question", answer: "new");
        await to.Cache.FlushAsync(CancellationToken.None);

        var import = await to.ImportAsync(export);

        Assert.Equal((0L, 1L), (import.Stored, import.Known));
        Assert.Equal("new", (await to.FindAsync(to.Plan("Question")))!.Response.Text);
    }

    [Fact]
    public async Task What_has_expired_or_was_invalidated_here_stays_out()
    {
        await using var from = new CacheFixture(disk: true);
        await using var to = new CacheFixture(disk: true, time: from.Time);
        from.Store("Question", new ChatOptions().WithCache(c => c.Tag("faq")));
        var export = await from.ExportAsync();
        to.Time.Advance(TimeSpan.FromMinutes(1));
        await to.Cache.InvalidateTagAsync("faq");
        var invalidated = await to.ImportAsync(export);
        to.Time.Advance(TimeSpan.FromDays(2));
        var expired = await to.ImportAsync(export);

        Assert.Equal("it was invalidated here after it was asked", Assert.Single(invalidated.Reasons).Key);
        Assert.Equal("it has expired", Assert.Single(expired.Reasons).Key);
    }

    [Fact]
    public async Task Entries_that_were_sealed_with_a_secret_need_the_same_secret()
    {
        await using var from = new CacheFixture(o => o.CacheSecret = new("a secret of enough length"), disk: true);
        from.Store("Question");
        var export = await from.ExportAsync();
        await using var none = new CacheFixture(disk: true, time: from.Time);
        await using var other = new CacheFixture(o => o.CacheSecret = new("another secret of enough length"), disk: true, time: from.Time);
        await using var same = new CacheFixture(o => o.CacheSecret = new("a secret of enough length"), disk: true, time: from.Time);

        Assert.Equal("it was stored with a secret, and none was given", Assert.Single((await none.ImportAsync(export)).Reasons).Key);
        Assert.Equal("it was changed, or it was stored without the secret or key that was given", Assert.Single((await other.ImportAsync(export)).Reasons).Key);
        Assert.Equal(1, (await same.ImportAsync(export)).Stored);
        Assert.NotNull(await same.FindAsync(same.Plan("Question")));
    }

    [Fact]
    public async Task Encrypted_entries_travel_encrypted()
    {
        var key = new CacheEncryptionKey(new byte[32]);
        await using var from = new CacheFixture(o => o.CacheEncryptionKeys.Add(key), disk: true);
        from.Store("Question of canary", tenant: "canary", answer: "canary");
        var export = await from.ExportAsync();
        await using var none = new CacheFixture(disk: true, time: from.Time);
        await using var same = new CacheFixture(o => o.CacheEncryptionKeys.Add(key), disk: true, time: from.Time);

        Assert.DoesNotContain("canary", Encoding.UTF8.GetString(export), StringComparison.Ordinal);
        Assert.DoesNotContain("gpt-4o-mini", Encoding.UTF8.GetString(export), StringComparison.Ordinal);
        Assert.Equal("it is encrypted with a key that was not given", Assert.Single((await none.ImportAsync(export)).Reasons).Key);
        Assert.Equal(1, (await same.ImportAsync(export)).Stored);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("not json")]
    [InlineData("""{"schema":"cache-entries/9"}""")]
    [InlineData("""{"schema":"export/1"}""")]
    public async Task What_does_not_begin_like_an_export_is_refused(string text)
    {
        await using var to = new CacheFixture(disk: true);

        await Assert.ThrowsAsync<InvalidDataException>(() => to.ImportAsync(Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public async Task Many_entries_are_moved_in_pieces()
    {
        await using var from = new CacheFixture(disk: true);
        await using var to = new CacheFixture(disk: true, time: from.Time);
        for (var i = 0; i < 1_000; i++)
            from.Store($"Question {i}");

        var import = await to.ImportAsync(await from.ExportAsync());

        Assert.Equal((1_000L, 0L), (import.Stored, import.Skipped));
        Assert.Equal(1_000, (await to.EntriesAsync()).Count);
    }

    private static string[] Lines(byte[] export) => Encoding.UTF8.GetString(export).Split('\n');

    private static byte[] Written(params EntryLine[] lines)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        EntryLine.WriteHeader(buffer, DateTimeOffset.UnixEpoch);
        foreach (var line in lines)
            line.WriteTo(buffer);

        return buffer.WrittenSpan.ToArray();
    }
}
