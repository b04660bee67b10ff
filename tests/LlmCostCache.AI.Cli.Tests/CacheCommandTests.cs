using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Cli.Tests;

public class CacheCommandTests
{
    [Fact]
    public async Task Entries_are_listed_without_a_word_of_them()
    {
        using var home = await CacheHome.WithAnswersAsync();

        var run = await CliRun.Of("cache", "list", "--home", home.Path, "--sort", "expires");

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal("key model namespace tenant stored expires size hits saved", Squeezed(run.Lines[0]));
        Assert.Matches("^[0-9a-f]{12} gpt-4o-mini 2026-11-22 15:30:00Z 2026-11-22 16:30:00Z [0-9.]+ K?B 0 \\$0.00$", Squeezed(run.Lines[1]));
        Assert.Equal(4, run.Lines.Length);
        Assert.All(new[] { "capital", "France", "lawyer", "Answer" }, word => Assert.DoesNotContain(word, run.Output, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Lists_are_filtered_sorted_and_cut()
    {
        using var home = await CacheHome.WithAnswersAsync();
        home.Tamper("UPDATE answer SET hits = id, saved_nanos = 1000 * id, bytes = 100 + id");

        Assert.Equal(2, (await List(home, "--tag", "geo")).Length);
        Assert.Equal("gpt-4o", Assert.Single(await List(home, "--namespace", "legal")).GetProperty("model").GetString());
        Assert.Single(await List(home, "--tenant", "acme"));
        Assert.Empty(await List(home, "--model", "no-such"));
        Assert.Equal([3, 2, 1], (await List(home, "--sort", "value")).Select(entry => entry.GetProperty("hits").GetInt32()));
        Assert.Equal([103, 102], (await List(home, "--sort", "size", "--top", "2")).Select(entry => entry.GetProperty("bytes").GetInt32()));
        Assert.Contains("2 of 3 entries; --top shows more.", (await CliRun.Of("cache", "list", "--home", home.Path, "--top", "2")).Lines);
        Assert.Equal(ExitCode.WrongUsage, (await CliRun.Of("cache", "list", "--home", home.Path, "--top", "0")).Code);
    }

    [Fact]
    public async Task An_entry_is_shown_by_the_beginning_of_its_key_and_its_texts_only_on_request()
    {
        using var home = await CacheHome.WithAnswersAsync();
        var key = await home.KeyOfAsync("gpt-4o");

        var run = await CliRun.Of("cache", "show", key[..12], "--home", home.Path);
        var content = await CliRun.Of("cache", "show", key, "--home", home.Path, "--show-content");
        var json = (await CliRun.Of("cache", "show", key, "--home", home.Path, "--json")).Json;

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains($"key {key}", run.Lines.Select(Squeezed));
        Assert.Contains("tenant acme", run.Lines.Select(Squeezed));
        Assert.Contains("tokens 1,000 in, 500 out", run.Lines.Select(Squeezed));
        Assert.All(new[] { "Sum up", "lawyer", "Answer" }, word => Assert.DoesNotContain(word, run.Output, StringComparison.Ordinal));
        Assert.Contains("Sum up", content.Lines);
        Assert.Contains("You are a lawyer.", content.Lines);
        Assert.Contains(@"Answer 3\u001b[31m", content.Lines);
        Assert.Contains("to that.", content.Lines);
        Assert.DoesNotContain('\u001b', content.Output);
        Assert.Contains("instructions", json.GetProperty("parts").EnumerateArray().Select(part => part.GetString()));
        Assert.False(json.TryGetProperty("content", out _));
    }

    [Fact]
    public async Task A_beginning_that_fits_several_keys_names_them()
    {
        using var home = await CacheHome.WithAnswersAsync();
        home.Tamper("UPDATE answer SET key = unhex('ABCD' || substr(hex(key), 5))");

        var (several, none, wrong) = (await CliRun.Of("cache", "show", "ABCD", "--home", home.Path), await CliRun.Of("cache", "show", "abce", "--home", home.Path), await CliRun.Of("cache", "show", "xyz", "--home", home.Path));

        Assert.Equal(ExitCode.WrongUsage, several.Code);
        Assert.Contains("3 entries have a key that begins with abcd; write more of it:", several.Error, StringComparison.Ordinal);
        Assert.Equal(3, several.Error.Split('\n').Count(line => line.StartsWith("  abcd", StringComparison.Ordinal)));
        Assert.Equal((ExitCode.Found, ExitCode.WrongUsage), (none.Code, wrong.Code));
    }

    [Fact]
    public async Task Clearing_says_how_many_and_asks_first()
    {
        using var home = await CacheHome.WithAnswersAsync();
        string[] clear = ["cache", "clear", "--tag", "geo", "--home", home.Path];

        var dry = await CliRun.Of([.. clear, "--dry-run"]);
        var piped = await CliRun.Of(clear);
        var no = await CliRun.Answering("", clear);
        var before = (await List(home)).Length;
        var yes = await CliRun.Answering("y", clear);

        Assert.Equal((0, "2 entries would be forgotten."), (dry.Code, Assert.Single(dry.Lines)));
        Assert.Equal(ExitCode.WrongUsage, piped.Code);
        Assert.Contains("This forgets 2 entries. Nobody is there to ask", piped.Error, StringComparison.Ordinal);
        Assert.Equal((0, "Nothing was forgotten."), (no.Code, no.Lines[0]));
        Assert.Equal(3, before);
        Assert.Equal((0, "2 entries were forgotten. Applications that use this cache.db forget them within a second."), (yes.Code, yes.Lines[0]));
        Assert.Equal("gpt-4o", Assert.Single(await List(home)).GetProperty("model").GetString());
    }

    [Theory]
    [InlineData(0, "--all")]
    [InlineData(2, "--model", "gpt-4o")]
    [InlineData(2, "--tenant", "acme")]
    [InlineData(2, "--namespace", "legal")]
    [InlineData(2, "--system-prompt", "You are a law")]
    [InlineData(3, "--older-than", "1h")]
    [InlineData(3, "--expired")]
    [InlineData(3, "--model", "gpt-4o", "--older-than", "2h")]
    public async Task What_is_named_is_cleared_and_nothing_else(int left, params string[] what)
    {
        using var home = await CacheHome.WithAnswersAsync();

        var dry = (await CliRun.Of(["cache", "clear", .. what, "--dry-run", "--json", "--home", home.Path])).Json;
        var run = (await CliRun.Of(["cache", "clear", .. what, "--yes", "--json", "--home", home.Path])).Json;

        Assert.Equal((3 - left, 3 - left), (dry.GetProperty("entries").GetInt32(), run.GetProperty("entries").GetInt32()));
        Assert.Equal(left, (await List(home)).Length);
    }

    [Theory]
    [InlineData()]
    [InlineData("--all", "--tag", "x")]
    [InlineData("abcd", "--older-than", "1h")]
    [InlineData("--system-prompt", "")]
    public async Task Clearing_wants_one_thing_at_a_time(params string[] what)
    {
        using var home = await CacheHome.WithAnswersAsync();

        Assert.Equal(ExitCode.WrongUsage, (await CliRun.Of(["cache", "clear", .. what, "--yes", "--home", home.Path])).Code);
        Assert.Equal(3, (await List(home)).Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_application_that_has_the_entry_in_memory_forgets_it_too(bool byKey)
    {
        using var home = new TempHome();
        await using var costs = LlmCosts.Open(options =>
        {
            options.HomeDirectory = home.Path;
            options.TimeProvider = CacheHome.Clock;
        });
        var provider = new FakeChatClient();
        using var client = new CostCachingChatClient(provider, costs);
        await client.GetResponseAsync("Hello");
        await client.GetResponseAsync("Hello");
        await costs.FlushAsync();
        Assert.Single(provider.Calls);

        var key = (await CliRun.Of("cache", "list", "--home", home.Path, "--json")).Json.GetProperty("entries")[0].GetProperty("key").GetString()!;
        var run = await CliRun.Of("cache", "clear", byKey ? key[..16] : "--all", "--yes", "--home", home.Path);
        await Task.Delay(150);
        await client.GetResponseAsync("Hello");
        await client.GetResponseAsync("Hello");
        await Task.Delay(150);
        await client.GetResponseAsync("Hello");

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.InRange(provider.Calls.Count, 2, 3);
    }

    [Theory]
    [InlineData("cache", "stats")]
    [InlineData("cache", "list")]
    [InlineData("cache", "verify")]
    [InlineData("cache", "clear", "--all", "--yes")]
    [InlineData("cache", "why-miss", "-")]
    public async Task A_file_that_is_missing_or_empty_is_no_error_and_stays_so(params string[] command)
    {
        using var home = new TempHome();
        const string Request = """{"model":"m","messages":[{"role":"user","content":"Hi"}]}""";
        var missing = await CliRun.WithInput(Request, [.. command, "--home", home.Path]);
        Assert.Empty(Directory.GetFiles(home.Path));
        await File.WriteAllBytesAsync(Path.Combine(home.Path, "cache.db"), []);
        var empty = await CliRun.WithInput(Request, [.. command, "--home", home.Path]);

        var expected = command[1] == "why-miss" ? ExitCode.Found : ExitCode.Done;
        Assert.Equal((expected, expected), (missing.Code, empty.Code));
        Assert.Equal(0, new FileInfo(Path.Combine(home.Path, "cache.db")).Length);
    }

    [Theory]
    [InlineData("PRAGMA user_version = 9", "Update llmcost")]
    [InlineData("PRAGMA user_version = 1", "an older version wrote")]
    [InlineData("PRAGMA application_id = 7", "belongs to another application")]
    public async Task A_file_of_another_kind_is_left_alone_and_explained(string change, string explanation)
    {
        using var home = await CacheHome.WithAnswersAsync();
        home.Tamper(change);

        foreach (var command in (string[][])[["stats"], ["list"], ["verify", "--repair"], ["clear", "--all", "--yes"], ["export", "-"]])
        {
            var run = await CliRun.Of(["cache", .. command, "--home", home.Path]);
            Assert.Equal(ExitCode.StoreUnusable, run.Code);
            Assert.Contains(explanation, run.Error, StringComparison.Ordinal);
        }

        Assert.Equal([], Directory.GetFiles(home.Path, "cache.db.corrupt*"));
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_explained()
    {
        using var home = new TempHome();
        await File.WriteAllTextAsync(Path.Combine(home.Path, "cache.db"), new string('x', 10_000));

        var run = await CliRun.Of("cache", "clear", "--all", "--yes", "--home", home.Path);

        Assert.Equal(ExitCode.StoreUnusable, run.Code);
        Assert.Contains("is not a SQLite database, or damaged", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_intact_cache_is_verified_and_a_changed_row_is_named_and_repaired()
    {
        using var home = await CacheHome.WithAnswersAsync();
        var intact = await CliRun.Of("cache", "verify", "--home", home.Path);
        var key = await home.KeyOfAsync("gpt-4o");
        home.Tamper("UPDATE answer_frame SET frame = unhex(substr(hex(frame), 1, 80) || 'DEADBEEF' || substr(hex(frame), 89)) WHERE answer = (SELECT id FROM answer WHERE model = 'gpt-4o')");
        home.Tamper("UPDATE answer SET expires_at = expires_at + 1000 WHERE id = 1");

        var changed = await CliRun.Of("cache", "verify", "--home", home.Path);
        var json = (await CliRun.Of("cache", "verify", "--home", home.Path, "--json")).Json;
        var repaired = await CliRun.Of("cache", "verify", "--repair", "--home", home.Path);
        var after = await CliRun.Of("cache", "verify", "--home", home.Path);

        Assert.Equal((0, "3 rows checked, nothing wrong."), (intact.Code, Assert.Single(intact.Lines)));
        Assert.Equal(ExitCode.Found, changed.Code);
        Assert.Equal("3 rows checked, 2 wrong.", changed.Lines[0]);
        Assert.Contains($"{key[..12]}: it was changed", changed.Lines);
        Assert.Contains(changed.Lines, line => line.EndsWith(": when it expires is not what the answer says", StringComparison.Ordinal));
        Assert.Equal((false, 2), (json.GetProperty("intact").GetBoolean(), json.GetProperty("bad_rows").GetInt32()));
        Assert.Contains("2 deleted.", repaired.Lines);
        Assert.Equal((0, "1 row checked, nothing wrong."), (after.Code, Assert.Single(after.Lines)));
    }

    [Fact]
    public async Task Rows_with_absurd_numbers_and_names_keep_no_command_from_its_work()
    {
        using var home = await CacheHome.WithAnswersAsync();
        home.Tamper("UPDATE answer SET hits = 9223372036854775807, saved_nanos = 9223372036854775807, bytes = 9223372036854775807");
        home.Tamper("UPDATE answer SET tenant = replace(hex(zeroblob(100000)), '0', 'x') WHERE id = 1");

        var stats = await CliRun.Of("cache", "stats", "--home", home.Path);
        var list = await CliRun.Of("cache", "list", "--home", home.Path);
        var clear = await CliRun.Of("cache", "clear", "--model", "gpt-4o", "--yes", "--home", home.Path);

        Assert.Equal((ExitCode.Done, ExitCode.Done, ExitCode.Done), (stats.Code, list.Code, clear.Code));
        Assert.InRange(list.Output.Length, 1, 10_000);
    }

    [Fact]
    public async Task Entries_move_to_another_home_and_only_once()
    {
        using var from = await CacheHome.WithAnswersAsync();
        using var to = new TempHome();
        var file = Path.Combine(to.Path, "answers.jsonl");

        var export = await CliRun.Of("cache", "export", file, "--home", from.Path, "--json");
        var dry = await CliRun.Of("cache", "import", file, "--home", to.Path, "--dry-run");
        var first = await CliRun.Of("cache", "import", file, "--home", to.Path);
        var second = await CliRun.Of("cache", "import", file, "--home", to.Path, "--json");
        var part = await CliRun.Of("cache", "export", "-", "--tag", "geo", "--home", from.Path);

        Assert.Equal(3, export.Json.GetProperty("entries").GetInt32());
        Assert.Equal(["3 entries read: 3 would be stored, 0 already there, 0 skipped."], dry.Lines);
        Assert.Equal((0, "3 entries read: 3 stored, 0 already there, 0 skipped."), (first.Code, Assert.Single(first.Lines)));
        Assert.Equal((0, 3), (second.Json.GetProperty("stored").GetInt32(), second.Json.GetProperty("known").GetInt32()));
        Assert.Equal(3, part.Lines.Length);
        Assert.StartsWith("""{"schema":"cache-entries/1",""", part.Lines[0], StringComparison.Ordinal);
        Assert.Equal("1 row checked, nothing wrong."[1..], (await CliRun.Of("cache", "verify", "--home", to.Path)).Lines[0][1..].Replace("rows", "row", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_invalidated_and_only_still_stands_in_the_file_is_not_exported()
    {
        // Of an encrypted entry nobody can tell in SQL how its instructions began, so it stays where it is.
        var key = Convert.ToBase64String(new byte[32]);
        using var home = new CacheHome();
        await home.UseAsync(
            async (client, costs) =>
            {
                await client.GetResponseAsync("Question", new ChatOptions { Instructions = "You are a poet." });
                await client.GetResponseAsync("Question", new ChatOptions { Instructions = "You are a lawyer." });
                await costs.FlushAsync();
                await costs.Cache.InvalidateSystemPromptAsync("You are a poet");
            },
            options => options.CacheEncryptionKeys.Add(CacheEncryptionKey.FromBase64(key)));

        var run = await CliRun.WithEnvironment(new() { ["LLMCOSTCACHE_CACHE_KEYS"] = key }, "", "cache", "export", "-", "--home", home.Path);

        Assert.Equal((0, 2), (run.Code, run.Lines.Length));
        Assert.Equal("llmcost: 1 entry written, 1 left out that had expired or were invalidated.", run.Error.Trim());
    }

    [Fact]
    public async Task Damaged_lines_are_skipped_with_their_reason_and_number()
    {
        using var from = await CacheHome.WithAnswersAsync();
        using var to = new TempHome();
        var lines = (await CliRun.Of("cache", "export", "-", "--home", from.Path)).Lines;
        lines[2] = lines[2].Replace("\"kind\":\"chat\"", "\"kind\":\"embedding\"", StringComparison.Ordinal);

        var run = await CliRun.WithInput(string.Join('\n', lines) + "\nnonsense\n", "cache", "import", "-", "--home", to.Path);

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Equal("4 entries read: 2 stored, 0 already there, 2 skipped.", run.Lines[0]);
        Assert.Contains("llmcost: line 3: its checksum does not fit", run.Error, StringComparison.Ordinal);
        Assert.Contains("llmcost: line 5: it is no JSON", run.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.WrongUsage, (await CliRun.WithInput("{}", "cache", "import", "-", "--home", to.Path)).Code);
    }

    [Fact]
    public async Task An_encrypted_cache_asks_for_its_key()
    {
        var key = Convert.ToBase64String(new byte[32]);
        using var home = await CacheHome.WithAnswersAsync(options => options.CacheEncryptionKeys.Add(CacheEncryptionKey.FromBase64(key)));
        var keyFile = Path.Combine(home.Path, "keys");
        await File.WriteAllTextAsync(keyFile, key + "\n");
        Task<CliRun> With(params string[] args) => CliRun.WithEnvironment(new() { ["LLMCOSTCACHE_CACHE_KEYS"] = key }, "", [.. args, "--home", home.Path]);

        var hidden = await CliRun.Of("cache", "list", "--home", home.Path);
        var shown = await With("cache", "list", "--tag", "geo", "--json");
        var verify = await CliRun.Of("cache", "verify", "--home", home.Path);
        var clear = await CliRun.Of("cache", "clear", "--tag", "geo", "--yes", "--home", home.Path);

        Assert.All(hidden.Lines[1..4], line => Assert.Contains("(encrypted)", line, StringComparison.Ordinal));
        Assert.Contains("give the key with --key-file or LLMCOSTCACHE_CACHE_KEYS", hidden.Output, StringComparison.Ordinal);
        Assert.Equal(["gpt-4o-mini", "gpt-4o-mini"], shown.Json.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("model").GetString()));
        Assert.Equal(ExitCode.Found, verify.Code);
        Assert.Contains("3 could not be checked: give their key with --key-file", verify.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.WrongUsage, clear.Code);
        Assert.Equal(0, (await CliRun.Of("cache", "verify", "--key-file", keyFile, "--home", home.Path)).Code);
        Assert.Equal(0, (await With("cache", "verify")).Code);
        Assert.Equal(2, (await With("cache", "clear", "--tag", "geo", "--yes", "--json")).Json.GetProperty("entries").GetInt32());
        Assert.Equal(ExitCode.WrongUsage, (await CliRun.WithEnvironment(new() { ["LLMCOSTCACHE_CACHE_KEYS"] = "c2hvcnQ=" }, "", "cache", "list", "--home", home.Path)).Code);
    }

    [Fact]
    public async Task A_wrong_secret_does_not_repair_everything_away()
    {
        using var home = await CacheHome.WithAnswersAsync(options => options.CacheSecret = new("a secret of enough length"));
        Task<CliRun> With(string secret) => CliRun.WithEnvironment(new() { ["LLMCOSTCACHE_CACHE_SECRET"] = secret }, "", "cache", "verify", "--repair", "--home", home.Path);

        var wrong = await With("another secret of enough length");
        var right = await With("a secret of enough length");

        Assert.Equal(ExitCode.WrongUsage, wrong.Code);
        Assert.Contains("Nothing was deleted", wrong.Error, StringComparison.Ordinal);
        Assert.Equal((0, "3 rows checked, nothing wrong."), (right.Code, Assert.Single(right.Lines)));
    }

    private static async Task<JsonElement[]> List(CacheHome home, params string[] args) =>
        [.. (await CliRun.Of(["cache", "list", "--home", home.Path, "--json", .. args])).Json.GetProperty("entries").EnumerateArray()];

    private static string Squeezed(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
