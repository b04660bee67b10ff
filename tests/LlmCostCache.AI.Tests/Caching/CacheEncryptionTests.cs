using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;

namespace LlmCostCache.AI.Tests;

public class CacheEncryptionTests
{
    private const string Canary = "canary-";
    private static readonly CacheEncryptionKey s_old = new(SHA256.HashData("old"u8));
    private static readonly CacheEncryptionKey s_new = new(SHA256.HashData("new"u8));
    private static readonly CachePolicy s_toolCalls = new() { StoreToolCalls = true };

    private static AnswerSeal Keys(params CacheEncryptionKey[] keys) => AnswerSeal.Of(secret: null, keys);

    [Fact]
    public async Task Of_a_thousand_texts_none_stands_in_clear_in_a_file_or_a_distributed_cache()
    {
        var shared = new RecordingCache();
        await using var fixture = new CacheFixture(o =>
        {
            o.CacheEncryptionKeys.Add(s_new);
            (o.DistributedCache, o.CacheNamespace) = (shared, Canary + "namespace");
        }, disk: true);
        for (var i = 0; i < 200; i++)
        {
            var tool = AIFunctionFactory.CreateDeclaration($"{Canary}tool-{i}", "", JsonElement.Parse("{}"));
            var options = new ChatOptions { ModelId = $"{Canary}model-{i % 7}", Instructions = $"{Canary}instructions-{i}", Tools = [tool] }.WithCache(c => c.Tag($"{Canary}tag-{i % 9}"));
            var plan = fixture.Plan($"{Canary}prompt-{i}", options, tenant: $"{Canary}tenant-{i % 5}", s_toolCalls);
            var call = new FunctionCallContent("call_1", $"{Canary}function-{i}", new Dictionary<string, object?> { [$"{Canary}name-{i}"] = $"{Canary}argument-{i}" });
            var answer = new ChatResponse(new ChatMessage(ChatRole.Assistant, [new TextContent($"{Canary}answer-{i}"), call])) { FinishReason = ChatFinishReason.ToolCalls };
            Assert.Null(fixture.Cache.Store(plan, answer, CacheFixture.Cost));
        }

        await fixture.Cache.InvalidateTagAsync(Canary + "tag-3");
        await fixture.Cache.InvalidateModelAsync(Canary + "model-3");
        await fixture.Cache.FlushAsync(CancellationToken.None);

        var seen = Directory.GetFiles(fixture.Home!).Select(ReadShared).Concat(shared.Entries.Values).ToList();
        Assert.True(seen.Sum(bytes => bytes.Length) > 100_000);
        foreach (var bytes in seen)
        {
            Assert.Equal(-1, bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Canary)));
            Assert.Equal(-1, bytes.AsSpan().IndexOf(Encoding.Unicode.GetBytes(Canary)));
        }

        Assert.DoesNotContain(shared.Entries.Keys, name => name.Contains(Canary, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_encrypted_answer_is_found_again_by_whoever_has_the_key()
    {
        using var home = new TempHome();
        using (var first = new DiskFixture(home.Path, Keys(s_old)))
            first.Put("Q", first.Answer() with { Tenant = "acme", SystemPrompt = "You are" }, new RequestOutline([new("model", 1)]));

        using var second = new DiskFixture(home.Path, Keys(s_old));

        Assert.Equal("Paris.", second.Find("Q"));
        Assert.Equal("acme", second.Layer.Find(DiskFixture.KeyOf("Q"))!.Tenant);
        Assert.NotEqual("acme", second.Ask<string>("SELECT tenant FROM answer"));
        Assert.Empty(second.Failures);
        await second.FlushAsync();
    }

    [Fact]
    public async Task A_wrong_key_is_a_miss_that_is_counted_and_the_row_stays_for_the_right_one()
    {
        using var home = new TempHome();
        using (var right = new DiskFixture(home.Path, Keys(s_old)))
            right.Put("Q");

        using (var wrong = new DiskFixture(home.Path, Keys(s_new)))
        {
            Assert.Null(wrong.Find("Q"));
            await wrong.FlushAsync();
            Assert.Contains("CacheEncryptionKeys", Assert.Single(wrong.Failures), StringComparison.Ordinal);
        }

        using (var none = new DiskFixture(home.Path))
        {
            Assert.Null(none.Find("Q"));
            await none.FlushAsync();
        }

        using var again = new DiskFixture(home.Path, Keys(s_old));
        Assert.Equal("Paris.", again.Find("Q"));
    }

    [Fact]
    public async Task A_new_key_goes_first_and_what_the_old_one_encrypted_is_read_and_invalidated_as_before()
    {
        using var home = new TempHome();
        using (var before = new DiskFixture(home.Path, Keys(s_old)))
        {
            before.Put("old", before.Answer() with { Tenant = "acme" });
            before.Put("other");
        }

        using var rotated = new DiskFixture(home.Path, Keys(s_new, s_old));
        rotated.Put("new", rotated.Answer("London.") with { Tenant = "acme" });
        await rotated.FlushAsync();
        Assert.Equal(("Paris.", "London."), (rotated.Find("old"), rotated.Find("new")));
        Assert.Equal(2, rotated.Ask<long>("SELECT count(DISTINCT sealed_by) FROM answer"));

        Assert.Equal(2, await rotated.Layer.InvalidateAsync(new(Invalidations.Kind.Tenant, "acme"), rotated.Invalidations.Stamp()));
        Assert.Equal((null, null, "Paris."), (rotated.Find("old"), rotated.Find("new"), rotated.Find("other")));
    }

    [Fact]
    public async Task What_another_process_invalidates_is_learnt_by_name_with_the_key_and_counts_as_everything_without()
    {
        using var home = new TempHome();
        using var one = new DiskFixture(home.Path, Keys(s_new, s_old));
        using var sameKey = new DiskFixture(home.Path, Keys(s_new));
        using var otherKey = new DiskFixture(home.Path, Keys(s_old));
        await one.Layer.InvalidateAsync(new(Invalidations.Kind.Tenant, "acme"), one.Invalidations.Stamp());

        foreach (var disk in (DiskFixture[])[sameKey, otherKey])
        {
            disk.Time.Advance(TimeSpan.FromSeconds(1));
            disk.Layer.Poll();
        }

        var mine = sameKey.Answer() with { Tenant = "acme", AskedAt = 1 };
        var others = sameKey.Answer() with { AskedAt = 1 };
        Assert.Equal((true, false), (sameKey.Invalidations.IsDead(mine), sameKey.Invalidations.IsDead(others)));
        Assert.Equal((true, true), (otherKey.Invalidations.IsDead(mine), otherKey.Invalidations.IsDead(others)));
    }

    [Fact]
    public void The_same_answer_is_never_encrypted_to_the_same_bytes()
    {
        using var disk = new DiskFixture();
        var answer = disk.Answer();

        Assert.NotEqual(AnswerFrame.Encode(DiskFixture.KeyOf("Q"), answer, Keys(s_new)), AnswerFrame.Encode(DiskFixture.KeyOf("Q"), answer, Keys(s_new)));
    }

    [Fact]
    public void Every_bit_of_an_encrypted_frame_counts()
    {
        using var disk = new DiskFixture();
        var frame = AnswerFrame.Encode(DiskFixture.KeyOf("Q"), disk.Answer(), Keys(s_new));
        for (var bit = 0; bit < frame.Length * 8; bit++)
        {
            frame[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(SealResult.Opened, AnswerFrame.TryDecode(DiskFixture.KeyOf("Q"), frame, Keys(s_new), out _));
            frame[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.Equal(SealResult.Broken, AnswerFrame.TryDecode(DiskFixture.KeyOf("R"), frame, Keys(s_new), out _));
        Assert.Equal(SealResult.Opened, AnswerFrame.TryDecode(DiskFixture.KeyOf("Q"), frame, Keys(s_new), out _));
    }

    [Fact]
    public async Task With_another_secret_nothing_is_found_and_nothing_can_be_planted()
    {
        using var home = new TempHome();
        await using (var mine = new CacheFixture(o => o.CacheSecret = new CacheSecret("a secret of sixteen or more bytes"), home: home.Path))
            mine.Cache.Store(mine.Plan("Q"), CacheFixture.Answer(), CacheFixture.Cost);

        await using (var theirs = new CacheFixture(o => o.CacheSecret = new CacheSecret("another secret of sixteen bytes"), home: home.Path))
        {
            Assert.Null(await theirs.FindAsync(theirs.Plan("Q")));
            Assert.Empty(theirs.Failures);
        }

        await using var again = new CacheFixture(o => o.CacheSecret = new CacheSecret("a secret of sixteen or more bytes"), home: home.Path);
        var plan = again.Plan("Q");
        Assert.NotNull(await again.FindAsync(plan));
        using var disk = new DiskFixture();
        var planted = AnswerFrame.Encode(plan.Key, disk.Answer("planted"));
        Assert.Equal(SealResult.Broken, AnswerFrame.TryDecode(plan.Key, planted, AnswerSeal.Of(new CacheSecret("a secret of sixteen or more bytes"), []), out _));
    }

    [Fact]
    public void A_secret_or_a_key_shows_itself_nowhere()
    {
        var secret = new CacheSecret("a secret of sixteen or more bytes");

        Assert.Equal("cache secret (hidden)", secret.ToString());
        Assert.Equal("{}", JsonSerializer.Serialize(secret));
        Assert.Equal("cache encryption key (hidden)", s_new.ToString());
        Assert.Equal("{}", JsonSerializer.Serialize(s_new));
        var options = new LlmCostsOptions { CacheSecret = secret };
        options.CacheEncryptionKeys.Add(s_new);
        Assert.DoesNotContain("sixteen", $"{options}{options.CacheSecret}", StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_that_is_too_short_and_a_key_of_another_size_are_refused_without_being_quoted()
    {
        var secret = Assert.Throws<ArgumentException>(() => new CacheSecret("fifteen bytes.."));
        Assert.Contains("at least 16 bytes, this one has 15", secret.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("fifteen", secret.Message, StringComparison.Ordinal);
        var key = Assert.Throws<ArgumentException>(() => CacheEncryptionKey.FromBase64("c2hvcnQ="));
        Assert.Contains("32 bytes (AES-256), this one has 5", key.Message, StringComparison.Ordinal);
        var text = Assert.Throws<ArgumentException>(() => CacheEncryptionKey.FromBase64("no base64!"));
        Assert.DoesNotContain("no base64!", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_key_twice_is_refused_at_start_up()
    {
        var options = new LlmCostsOptions();
        options.CacheEncryptionKeys.Add(s_new);
        options.CacheEncryptionKeys.Add(new CacheEncryptionKey(SHA256.HashData("new"u8)));

        Assert.Contains("the same key twice", Assert.Throws<ArgumentException>(() => LlmCostsOptionsValidator.ThrowIfInvalid(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_environment_gives_secret_and_keys_where_the_options_say_nothing_and_refuses_what_is_wrong()
    {
        var keys = $"{Convert.ToBase64String(SHA256.HashData("new"u8))}, {Convert.ToBase64String(SHA256.HashData("old"u8))}";

        var seal = AnswerSeal.Of(new LlmCostsOptions(), name => name == CacheEncryptionKey.VariableName ? keys : null);

        Assert.Equal(s_new.Id, seal.KeyId);
        Assert.Same(AnswerSeal.None, AnswerSeal.Of(new LlmCostsOptions(), _ => null));
        var wrong = Assert.Throws<ArgumentException>(() => AnswerSeal.Of(new LlmCostsOptions(), name => name == CacheSecret.VariableName ? "short" : null));
        Assert.Contains(CacheSecret.VariableName, wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("short", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(",")]
    [InlineData("  ")]
    public void A_variable_that_was_meant_to_hold_keys_and_holds_none_is_refused(string keys)
    {
        var wrong = Assert.Throws<ArgumentException>(() => AnswerSeal.Of(new LlmCostsOptions(), name => name == CacheEncryptionKey.VariableName ? keys : null));

        Assert.Contains(CacheEncryptionKey.VariableName, wrong.Message, StringComparison.Ordinal);
    }

    private static byte[] ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private sealed class RecordingCache : IDistributedCache
    {
        public ConcurrentDictionary<string, byte[]> Entries { get; } = new();

        public byte[]? Get(string key) => Entries.GetValueOrDefault(key);

        public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.FromResult(Get(key));

        public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => Entries[key] = value;

        public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
        {
            Set(key, value, options);
            return Task.CompletedTask;
        }

        public void Refresh(string key)
        {
        }

        public Task RefreshAsync(string key, CancellationToken token = default) => Task.CompletedTask;

        public void Remove(string key) => Entries.TryRemove(key, out _);

        public Task RemoveAsync(string key, CancellationToken token = default)
        {
            Remove(key);
            return Task.CompletedTask;
        }
    }
}
