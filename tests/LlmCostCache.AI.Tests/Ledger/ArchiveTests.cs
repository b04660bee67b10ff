using System.Text;
using CsCheck;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Tests;

/// <summary>Old months move into files, and nothing that the ledger says changes by it.</summary>
public class ArchiveTests
{
    private static readonly DateTimeOffset s_newYear = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeZoneInfo s_kolkata = TimeZoneInfo.FindSystemTimeZoneById("Asia/Kolkata");

    [Fact]
    public void Totals_exports_and_budgets_are_the_same_whichever_months_were_archived()
    {
        var months = Gen.Int[2, 8].Array[1, 3];
        Gen.Select(Gen.Int, months).Sample(
            (seed, archived) => ArchivesChangeNothingAsync(seed, archived).GetAwaiter().GetResult(), iter: TestSize.Cases / 2_000, threads: 1);
    }

    [Fact]
    public async Task A_month_is_a_file_with_the_rows_as_they_were_and_a_word_on_what_it_is()
    {
        await using var home = await FilledAsync();

        var archives = Archive(home, 8);

        Assert.Equal(["ledger-2026-05.db", "ledger-2026-06.db", "ledger-2026-07.db"], archives.Select(archive => archive.File));
        Assert.Equal([(1, 2), (3, 4), (5, 6)], archives.Select(archive => (archive.FirstSequence, archive.LastSequence)));
        Assert.Equal(2, home.Scalar("SELECT COUNT(*) FROM entry"));
        Assert.Equal("Rows 3 to 4 of a ledger", Read(home, "ledger-2026-06.db", "SELECT substr(value, 1, 23) FROM about WHERE key = 'what'"));
        Assert.Equal("c,d", Read(home, "ledger-2026-06.db", "SELECT group_concat(id) FROM entry"));
        Assert.True((File.GetAttributes(PathOf(home, "ledger-2026-06.db")) & FileAttributes.ReadOnly) != 0);
        var found = await home.Open().VerifyAsync();
        Assert.Empty(found.Problems);
        Assert.Equal(8, found.Rows);
    }

    [Fact]
    public async Task An_id_of_an_archived_row_is_recognised_when_it_is_recorded_again()
    {
        await using var home = await FilledAsync();
        var uuid = Guid.CreateVersion7().ToString("N");
        await using (var before = home.Open())
        {
            await before.AppendAsync(home.Row(uuid, 3, at: Month(8)));
        }

        home.Clock.SetUtcNow(Month(10));
        Archive(home, 9);
        var store = home.Open();

        Assert.False(await store.AppendAsync(home.Row("a", 99)));
        Assert.False(await store.AppendAsync(home.Row(uuid, 99)));
        Assert.True(await store.AppendAsync(home.Row(uuid.ToUpperInvariant(), 1)));
        await Assert.ThrowsAsync<LlmCostException>(() => store.ReserveAsync(home.Request("c", home.Hold(Budget.Daily(1m), 5))).AsTask());
        Assert.Equal(36 + 3 + 1, (await store.TotalsAsync(null, null, LedgerFilter.All))[0].Spent.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task What_becomes_known_later_about_an_archived_call_is_folded_in()
    {
        await using var home = await FilledAsync();
        Archive(home, 7);
        var store = home.Open();

        await store.AdjustAsync("b", CallCost.Known(Money.FromNanos(50)) with { Usage = new() { OutputTokens = 7 } }, "invoice");
        await store.AdjustAsync("b", CallCost.Known(Money.FromNanos(60)) with { Usage = new() { OutputTokens = 9 } }, "invoice");
        await store.AppendAsync(home.Row("later", 1, at: Month(9)));

        Assert.Equal(60, (await RowsAsync(store)).Single(row => row.Id == "b").Cost.Amount!.Value.Nanos);
        Assert.Equal(36 - 2 + 60 + 1, (await store.TotalsAsync(null, null, LedgerFilter.All))[0].Spent.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);

        home.Clock.SetUtcNow(Month(11));
        Archive(home, 10);
        Assert.Equal(60, (await RowsAsync(store)).Single(row => row.Id == "b").Cost.Amount!.Value.Nanos);
        await store.AdjustAsync("b", CallCost.Known(Money.FromNanos(70)), "invoice");
        Assert.Equal(70, (await RowsAsync(store)).Single(row => row.Id == "b").Cost.Amount!.Value.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task The_answer_to_a_call_that_expired_and_was_archived_corrects_it()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var budget = Budget.Total(1m).ForModel("gpt-4o-mini");
        await store.ReserveAsync(home.Request("lost", home.Hold(budget, 40)));
        home.Clock.SetUtcNow(Month(10));
        await store.ReserveAsync(home.Request("next", home.Hold(budget, 1)));
        await store.AppendAsync(home.Row("next", 1));
        home.Clock.SetUtcNow(Month(13));
        Archive(home, 12);
        Assert.Equal(0, home.Scalar("SELECT COUNT(*) FROM entry"));

        await store.AppendAsync(home.Row("lost", 15, at: LedgerHome.Noon));
        await store.AppendAsync(home.Row("lost", 15, at: LedgerHome.Noon));

        Assert.Equal(16, (await store.ReadBalancesAsync())[0].Spent.Count);
        Assert.Equal(16, (await store.TotalsAsync(null, null, LedgerFilter.All))[0].Spent.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_call_and_its_correction_stay_together()
    {
        await using var home = await FilledAsync();
        await using (var store = home.Open())
        {
            await store.AdjustAsync("c", CallCost.Known(Money.FromNanos(9)), "tokenizer");
        }

        var plan = new LedgerArchiver(home.File, home.Clock).Plan(Month(8));

        Assert.Equal([("ledger-2026-05.db", 1, 2)], plan.Parts.Select(part => (part.File, part.FirstSequence, part.LastSequence)));
        Assert.Equal("Row 3 is corrected by a row that stays: it and the rows behind it stay with it.", plan.HeldBack);
    }

    [Fact]
    public async Task An_open_reservation_holds_back_the_month_it_began_in()
    {
        await using var home = await FilledAsync();
        var store = home.Open();
        await store.ReserveAsync(home.Request("open", home.Hold(Budget.Total(1m), 5)) with { Timeout = TimeSpan.FromDays(300) });
        home.Clock.SetUtcNow(Month(12));

        var plan = new LedgerArchiver(home.File, home.Clock).Plan(Month(11));

        Assert.Equal(["ledger-2026-05.db", "ledger-2026-06.db", "ledger-2026-07.db"], plan.Parts.Select(part => part.File));
        Assert.StartsWith("A reservation of 2026-08-22 12:00:00Z is still open", plan.HeldBack, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_dated_ahead_of_the_clock_holds_nothing_back()
    {
        await using var home = new LedgerHome();
        await using (var store = home.Open())
        {
            await store.AppendAsync(home.Row("a", 1, at: Month(5)));
            await store.AppendAsync(home.Row("ahead", 2, at: Month(5).AddYears(9)));
            await store.AppendAsync(home.Row("b", 4, at: Month(6)));
            await store.AppendAsync(home.Row("c", 8, at: Month(8)));
        }

        Archive(home, 7);

        var again = home.Open();
        await again.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, []);
        Assert.Equal(1, home.Scalar("SELECT COUNT(*) FROM entry"));
        Assert.Equal(4, (await RowsAsync(again)).Count);
        Assert.Equal(2, (await again.TotalsAsync(null, null, new LedgerFilter { Since = Month(9) }))[0].Spent.Nanos);
        Assert.Empty((await again.VerifyAsync()).Problems);
    }

    [Theory]
    [InlineData("UPDATE entry SET booked_nanos = 1000 WHERE seq = 3", LedgerFindingKind.RowChanged, 3, "archive/ledger-2026-06.db: Row 3 ('c') was changed after it was written.")]
    [InlineData("DELETE FROM entry WHERE seq = 3", LedgerFindingKind.RowMissing, 3, "archive/ledger-2026-06.db: Row 3 is missing; the next one is 4.")]
    [InlineData("DELETE FROM entry WHERE seq = 4", LedgerFindingKind.RowMissing, 4, "archive/ledger-2026-06.db: Row 4 is missing; the ledger once ended there.")]
    [InlineData("UPDATE entry SET seq = 5 WHERE seq = 4; UPDATE entry SET seq = 4 WHERE seq = 3; UPDATE entry SET seq = 3 WHERE seq = 5", LedgerFindingKind.RowMoved, 3, "archive/ledger-2026-06.db: Row 3 ('d') was moved: it was written as row 4.")]
    public async Task A_row_of_an_archive_that_was_tampered_with_is_named(string attack, LedgerFindingKind kind, long sequence, string message)
    {
        await using var home = await FilledAsync();
        Archive(home, 8);

        Tamper(home, "ledger-2026-06.db", attack);

        var found = await home.Open().VerifyAsync();
        Assert.Contains(found.Findings, finding => finding.Kind == kind && finding.Sequence == sequence);
        Assert.Contains(message, found.Problems);
        Assert.Equal(sequence, found.FirstBadSequence);
    }

    [Theory]
    [InlineData("UPDATE archive SET moved_hash = zeroblob(32) WHERE number = 3")]
    [InlineData("UPDATE archive SET previous_hash = zeroblob(32) WHERE number = 2")]
    [InlineData("UPDATE archive SET booked_nanos = '7' WHERE number = 1")]
    [InlineData("DELETE FROM archived_id")]
    [InlineData("UPDATE archived_sum SET booked_nanos = booked_nanos - 1")]
    [InlineData("DELETE FROM archived_sum WHERE archive = 2")]
    [InlineData("DELETE FROM archived_sum; DELETE FROM archived_id; DELETE FROM archive WHERE number = 3")]
    public async Task What_the_ledger_notes_about_its_archives_is_checked(string attack)
    {
        await using var home = await FilledAsync();
        Archive(home, 8);

        home.Execute(attack);

        Assert.False((await home.Open().VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task A_missing_archive_is_named_once_and_what_needs_none_of_its_rows_is_answered()
    {
        await using var home = await FilledAsync();
        Archive(home, 8);
        File.Delete(PathOf(home, "ledger-2026-06.db"));
        var store = home.Open();

        var missing = Assert.Single((await store.VerifyAsync()).Findings);
        Assert.Equal((LedgerFindingKind.ArchiveMissing, 3), (missing.Kind, missing.Sequence));
        Assert.Contains("is missing. It holds rows 3 to 4 of the ledger; put it back", missing.Message, StringComparison.Ordinal);
        Assert.Equal([3, 7, 11, 15], (await store.TotalsAsync(LedgerDimension.Month, null, LedgerFilter.All)).Select(total => total.Spent.Nanos));
        Assert.Equal(4, (await RowsAsync(store, new LedgerFilter { Since = Month(7) })).Count);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => RowsAsync(store));
        Assert.True((await store.ReserveAsync(home.Request("i", home.Hold(Budget.Total(1m).ForModel("gpt-4o-mini"), 5)))).Accepted);
        Assert.Equal(36, (await store.ReadBalancesAsync())[0].Spent.Count);
    }

    [Fact]
    public async Task Another_file_in_the_place_of_an_archive_is_named()
    {
        await using var home = await FilledAsync();
        Archive(home, 8);
        File.Delete(PathOf(home, "ledger-2026-06.db"));
        File.Copy(PathOf(home, "ledger-2026-05.db"), PathOf(home, "ledger-2026-06.db"));

        var found = await home.Open().VerifyAsync();

        Assert.Contains("is another file than the one that was made", Assert.Single(found.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reports_read_the_archives_of_a_ledger_whose_schema_is_older()
    {
        await using var home = await FilledAsync();
        Archive(home, 8);
        home.Execute("""
            DELETE FROM rollup_slot WHERE dimension IN (SELECT id FROM dimension WHERE whole = 1);
            DELETE FROM dimension WHERE whole = 1;
            ALTER TABLE budget DROP COLUMN given_at;
            DROP INDEX budget_window_end;
            ALTER TABLE dimension DROP COLUMN whole;
            ALTER TABLE rollup_slot RENAME TO rollup
            """);
        home.Execute("PRAGMA user_version = 7");

        using var reader = LedgerReader.Open(home.File, home.Clock);

        Assert.Equal(2, reader.Page(new LedgerFilter { Until = Month(6) }, null).Entries.Count);
        Assert.Empty(reader.Verify(null, CancellationToken.None).Problems);
        Assert.Equal(36, Assert.Single(reader.Totals(null, null, LedgerFilter.All, CancellationToken.None)).Spent.Nanos);
    }

    [Fact]
    public async Task A_repair_without_an_archive_refuses_instead_of_losing_its_rows_from_the_sums()
    {
        await using var home = await FilledAsync();
        Archive(home, 8);
        File.Move(PathOf(home, "ledger-2026-06.db"), PathOf(home, "elsewhere"));
        home.Execute("UPDATE rollup_slot SET calls = calls + 1");

        Assert.Throws<StoreUnavailableException>(() => LedgerRepair.Run(home.File, home.Clock, CancellationToken.None));

        File.Move(PathOf(home, "elsewhere"), PathOf(home, "ledger-2026-06.db"));
        Assert.Empty(LedgerRepair.Run(home.File, home.Clock, CancellationToken.None).After.Problems);
    }

    [Fact]
    public async Task Backups_and_salvage_keep_what_the_ledger_knows_of_its_archives()
    {
        await using var home = await FilledAsync();
        Archive(home, 7);

        var backup = LedgerBackup.Take(home.File, Path.Combine(Directory.CreateDirectory(Path.Combine(home.Path, "copies")).FullName, "backup.db"), CancellationToken.None);
        var saved = LedgerSalvage.Run(home.File, Path.Combine(home.Path, "saved.db"), home.Clock, CancellationToken.None);

        Assert.Empty(backup.Check.Problems);
        Assert.Empty(saved.Lost);
        Assert.Equal(4, saved.Rows);
        File.Move(saved.File, home.File, overwrite: true);
        Assert.Empty((await home.Open().VerifyAsync()).Problems);
    }

    [Fact]
    public async Task The_check_at_the_start_finds_nothing_wrong_behind_archived_rows()
    {
        const string Sums = "SELECT SUM(booked_nanos) * 1000 + SUM(calls) FROM rollup_slot JOIN dimension ON dimension.id = dimension WHERE whole = 1";
        await using var home = await FilledAsync();
        var sums = home.Scalar(Sums);
        Archive(home, 8);
        await using (var store = home.Open())
        {
            await store.AppendAsync(home.Row("late", 1, at: Month(7)));
        }

        var again = home.Open();
        await again.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [Budget.Yearly(1m), Budget.Total(1m).ForModel("gpt-4o-mini")]);

        Assert.Equal(sums + 1_001, home.Scalar(Sums));
        Assert.Empty((await again.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task Who_writes_meanwhile_goes_on_and_loses_nothing()
    {
        await using var home = new LedgerHome();
        new MonthLedger(3_000, Month(4), 90).WriteTo(home.Path);
        var store = home.Open();
        using var done = new CancellationTokenSource();
        var written = 0;
        var writing = Task.Run(async () =>
        {
            for (; !done.IsCancellationRequested || written < 10; written++)
            {
                Assert.True(await store.AppendAsync(home.Row($"beside-{written}", 1)));
                Assert.False(await store.AppendAsync(home.Row($"beside-{written}", 1)));
            }
        });

        Archive(home, 8, rowsAtOnce: 50);
        await done.CancelAsync();
        await writing;

        Assert.Equal(3_000 + written, (await RowsAsync(store)).Count);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_killed_run_loses_nothing_and_the_next_one_completes_it()
    {
        await using var home = new LedgerHome();
        var kills = TestSize.Kills / 2;
        new MonthLedger(250 * kills, Month(3), 150).WriteTo(home.Path);
        var before = await ExportAsync(home.Open());
        var random = new Random(20261123);
        for (var kill = 0; kill < kills; kill++)
        {
            using var child = SupportProcess.Start("archive", home.Path, "50");
            for (var steps = random.Next(0, 12); steps > 0 && await child.StandardOutput.ReadLineAsync() is not null; steps--)
            {
            }

            child.Kill();
            await child.WaitForExitAsync();
            if (kill % (kills / 3) == 0)
            {
                Assert.Empty((await home.Open().VerifyAsync()).Problems);
            }
        }

        home.Clock.SetUtcNow(Month(12));
        Archive(home, 8);

        var store = home.Open();
        Assert.Equal(before, await ExportAsync(store));
        Assert.Empty((await store.VerifyAsync()).Problems);
        Assert.Equal(home.Scalar("SELECT MAX(last_seq) FROM archive"), home.Scalar("SELECT COUNT(*) FROM archived_id"));
        Assert.Empty(Directory.GetFiles(LedgerArchive.DirectoryOf(home.File), "*.new*"));
    }

    [Fact]
    public async Task Rows_that_do_not_verify_are_not_archived()
    {
        await using var home = await FilledAsync();
        home.Execute("UPDATE entry SET user = 'mallory' WHERE seq = 3");

        var error = Assert.Throws<StoreUnavailableException>(() => Archive(home, 8));

        Assert.Contains("Row 3 ('c') was changed after it was written.", error.Message, StringComparison.Ordinal);
        Assert.Equal(["ledger-2026-05.db"], Directory.GetFiles(LedgerArchive.DirectoryOf(home.File)).Select(Path.GetFileName));
        Assert.Equal(6, home.Scalar("SELECT COUNT(*) FROM entry"));
    }

    private static async Task ArchivesChangeNothingAsync(int seed, int[] archived)
    {
        await using var home = new LedgerHome(fast: true);
        await using var other = new LedgerHome(fast: true);
        await FillAsync(home, new Random(seed));
        Directory.CreateDirectory(other.Path);
        File.Copy(home.File, other.File);
        foreach (var month in archived)
        {
            Archive(other, month, rowsAtOnce: 50);
            Assert.Equal(await PictureAsync(home), await PictureAsync(other));
        }
    }

    /// <summary>Everything that a ledger answers.</summary>
    private static async Task<string> PictureAsync(LedgerHome home)
    {
        var text = new StringBuilder();
        await using var store = home.Open();
        await store.ConfigureAsync(s_kolkata, DayOfWeek.Monday, Budgets);
        foreach (var (by, thenBy) in ((LedgerDimension?, LedgerDimension?)[])[(null, null), (LedgerDimension.Day, null), (LedgerDimension.Month, LedgerDimension.Model), (LedgerDimension.Session, null), (LedgerDimension.Tag, LedgerDimension.User)])
        {
            foreach (var total in await store.TotalsAsync(by, thenBy, LedgerFilter.All))
            {
                text.Append(total).Append('\n');
            }
        }

        var ragged = new LedgerFilter { Since = Month(3).AddSeconds(12_345), Until = Month(6).AddSeconds(54_321) };
        text.Append((await store.TotalsAsync(null, null, ragged))[0]).Append('\n').AppendJoin(' ', await store.ConversionsAsync(LedgerFilter.All)).Append('\n').AppendJoin(' ', await store.ConversionsAsync(ragged)).Append('\n');
        text.Append(await ExportAsync(store)).Append(await ExportAsync(store, ragged)).Append(await ExportAsync(store, new LedgerFilter { Session = "s1" }));
        foreach (var balance in await store.ReadBalancesAsync())
        {
            text.Append(balance.Window.Budget.Id).Append(' ').Append(balance.Window.Key).Append(' ').Append(balance.Spent).Append('\n');
        }

        // Budgets that begin to be counted only now see what was there before.
        using var connection = home.Connect();
        var seed = new WindowSeed(sql => new SqliteStatement(connection, sql));
        foreach (var budget in (Budget[])[Budget.Total(1m).ForModel("m1"), Budget.Total(1m).ForTag("x"), Budget.Yearly(1m).ForModel("m0"), Budget.Total(BudgetAmount.Tokens(9)).ForSession("s1"), Budget.Total(BudgetAmount.Requests(9)).ForUser("u1").ForModel("m1")])
        {
            var (startsAt, endsAt) = new LedgerCalendar(s_kolkata, DayOfWeek.Monday).WindowOf(budget, home.Clock.GetUtcNow());
            text.Append(budget.Id).Append(' ').Append(seed.Sum(new BudgetWindow(budget, "", startsAt, endsAt))).Append('\n');
            var slices = seed.Sums(new BudgetWindow(budget, "", Month(2).AddDays(9), Month(7)), TimeSpan.FromDays(11));
            text.AppendJoin(' ', slices).Append('\n');
        }

        text.AppendJoin('\n', (await store.VerifyAsync()).Problems);
        return text.ToString();
    }

    private static Budget[] Budgets =>
    [
        Budget.Total(1m), Budget.Total(2m).ForModel("m1"), Budget.Yearly(3m).ForTag("x"), Budget.Yearly(4m), Budget.Rolling(5m, TimeSpan.FromDays(100)), Budget.Rolling(6m, TimeSpan.FromDays(90)).ForModel("m0"),
        Budget.Total(7m).ForEachSession(), Budget.Total(BudgetAmount.Tokens(1_000_000)).ForEachUser(), Budget.Monthly(8m),
    ];

    internal static async Task FillAsync(LedgerHome home, Random random)
    {
        await using var store = home.Open();
        var calendar = new LedgerCalendar(s_kolkata, DayOfWeek.Monday);
        string?[] users = [null, "u1", "u2"];
        var rows = random.Next(20, 90);
        var open = random.Next(rows);
        for (var i = 0; i < rows; i++)
        {
            var at = s_newYear.AddMinutes((long)i * 230 * 24 * 60 / rows + random.Next(-3_000, 3_000));
            var cost = CallCost.Known(Money.FromNanos(random.Next(1, 1_000))) with { Usage = new() { UncachedInputTokens = random.Next(50), OutputTokens = random.Next(50), Requests = 1 } };
            cost = random.Next(9) switch
            {
                0 => CallCost.Unpriced("?"),
                1 => CallCost.Known(Money.Zero) with { Saved = Money.FromNanos(5), CacheLayer = CacheLayer.Disk, Usage = new() { OutputTokens = 5 } },
                2 => CallCost.Between(Money.FromNanos(5), Money.FromNanos(9)),
                _ => cost,
            };
            var who = new Attribution { User = users[random.Next(3)], Session = random.Next(3) == 0 ? null : $"s{random.Next(4)}", Tags = random.Next(3) == 0 ? ["x", "y"] : [] };
            await store.AppendAsync(home.Row($"{i}", 0, who, $"m{random.Next(3)}", at) with
            {
                ModelKey = "k",
                Cost = cost,
                Currency = random.Next(4) == 0 ? "EUR" : "USD",
                FxRate = random.Next(4) == 0 ? 0.9m : null,
                Status = cost.CacheLayer == CacheLayer.None ? CallStatus.Ok : CallStatus.Cached,
            });
            if (random.Next(8) == 0)
            {
                await store.AdjustAsync($"{random.Next(Math.Max(0, i - 4), i + 1)}", CallCost.Known(Money.FromNanos(random.Next(1, 1_000))), "tokenizer");
            }

            if (i == open)
            {
                foreach (var budget in Budgets.Where(budget => !budget.Scope.IsTemplate))
                {
                    var (startsAt, endsAt) = calendar.WindowOf(budget, at);
                    await store.OpenWindowAsync(new BudgetWindow(budget, "", startsAt, endsAt));
                }
            }
        }
    }

    /// <summary>Two calls in each month from May to August, which cost 1, 2, 3, ... nano-dollars.</summary>
    internal static async Task<LedgerHome> FilledAsync(long nanos = 1)
    {
        var home = new LedgerHome();
        await using var store = home.Open();
        for (var i = 0; i < 8; i++)
        {
            await store.AppendAsync(home.Row($"{(char)('a' + i)}", nanos * (i + 1), at: Month(5 + (i / 2)).AddDays(i)));
        }

        return home;
    }

    internal static DateTimeOffset Month(int month) => s_newYear.AddMonths(month - 1);

    internal static System.Collections.Immutable.ImmutableArray<LedgerArchive> Archive(LedgerHome home, int beforeMonth, int rowsAtOnce = 1_000) =>
        new LedgerArchiver(home.File, home.Clock) { RowsAtOnce = rowsAtOnce }.Run(Month(beforeMonth), CancellationToken.None);

    internal static string PathOf(LedgerHome home, string file) => Path.Combine(LedgerArchive.DirectoryOf(home.File), file);

    private static async Task<List<UsageRecord>> RowsAsync(SqliteLedgerStore store, LedgerFilter? filter = null)
    {
        var rows = new List<UsageRecord>();
        await foreach (var row in store.ReadAsync(filter ?? LedgerFilter.All))
        {
            rows.Add(row);
        }

        return rows;
    }

    private static async Task<string> ExportAsync(SqliteLedgerStore store, LedgerFilter? filter = null)
    {
        using var text = new MemoryStream();
        await new Ledger(store).ExportAsync(text, LedgerExportFormat.Jsonl, filter);
        return Encoding.UTF8.GetString(text.ToArray());
    }

    private static string Read(LedgerHome home, string file, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={PathOf(home, file)};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (string)command.ExecuteScalar()!;
    }

    private static void Tamper(LedgerHome home, string file, string sql)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(PathOf(home, file), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        using var connection = new SqliteConnection($"Data Source={PathOf(home, file)};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
