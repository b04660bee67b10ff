namespace LlmCostCache.AI.Tests;

/// <summary>A run that was killed between giving a file its name and telling the ledger: the next one goes on by itself, and never with rows that are not those of the ledger.</summary>
public class ArchiveRecoveryTests
{
    [Fact]
    public async Task A_finished_file_that_the_ledger_does_not_know_yet_is_taken_over()
    {
        await using var home = await ArchiveTests.FilledAsync();
        File.Copy(home.File, home.File + ".before");
        ArchiveTests.Archive(home, 6);
        var made = await File.ReadAllBytesAsync(ArchiveTests.PathOf(home, "ledger-2026-05.db"));

        // As if the process had died between giving the file its name and telling the ledger.
        File.Move(home.File + ".before", home.File, overwrite: true);
        ArchiveTests.Archive(home, 6);

        Assert.Equal(made, await File.ReadAllBytesAsync(ArchiveTests.PathOf(home, "ledger-2026-05.db")));
        Assert.Empty((await home.Open().VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_file_with_other_rows_is_neither_used_nor_overwritten()
    {
        await using var home = await ArchiveTests.FilledAsync();
        await using var other = await ArchiveTests.FilledAsync(nanos: 7);
        ArchiveTests.Archive(other, 6);
        Directory.CreateDirectory(LedgerArchive.DirectoryOf(home.File));
        File.Copy(ArchiveTests.PathOf(other, "ledger-2026-05.db"), ArchiveTests.PathOf(home, "ledger-2026-05.db"));

        var error = Assert.Throws<StoreUnavailableException>(() => ArchiveTests.Archive(home, 6));

        Assert.Contains("holds rows that the ledger does not have", error.Message, StringComparison.Ordinal);
        Assert.Equal(8, home.Scalar("SELECT COUNT(*) FROM entry"));
    }

    [Fact]
    public async Task A_finished_file_with_a_row_that_has_to_stay_by_now_is_made_anew()
    {
        await using var home = await ArchiveTests.FilledAsync();
        File.Copy(home.File, home.File + ".before");
        ArchiveTests.Archive(home, 6);
        File.Move(home.File + ".before", home.File, overwrite: true);
        await using (var store = home.Open())
        {
            // The second call of May is corrected by a row that is too young to move.
            await store.AdjustAsync("b", CallCost.Known(Money.FromNanos(9)), "invoice");
        }

        var archive = Assert.Single(ArchiveTests.Archive(home, 6));

        Assert.Equal(("ledger-2026-05.db", 1, 1), (archive.File, archive.FirstSequence, archive.LastSequence));
        Assert.Equal(["ledger-2026-05.db"], Directory.GetFiles(LedgerArchive.DirectoryOf(home.File)).Select(Path.GetFileName));
        Assert.True((File.GetAttributes(ArchiveTests.PathOf(home, archive.File)) & FileAttributes.ReadOnly) != 0);
        var again = home.Open();
        Assert.Equal(36 - 2 + 9, (await again.TotalsAsync(null, null, LedgerFilter.All))[0].Spent.Nanos);
        Assert.Empty((await again.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task Each_finished_file_that_the_ledger_does_not_know_yet_is_looked_at_on_its_own()
    {
        await using var home = await ArchiveTests.FilledAsync();
        File.Copy(home.File, home.File + ".before");
        ArchiveTests.Archive(home, 7);
        File.Move(home.File + ".before", home.File, overwrite: true);
        File.Delete(ArchiveTests.PathOf(home, "ledger-2026-05.db"));

        // The file of June is there and that of May is not: each is looked at on its own.
        Assert.Equal(["ledger-2026-05.db", "ledger-2026-06.db"], ArchiveTests.Archive(home, 7).Select(archive => archive.File));
        Assert.Empty((await home.Open().VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_file_that_knows_more_than_a_ledger_that_was_put_back_is_left_alone()
    {
        await using var home = await ArchiveTests.FilledAsync();
        await using (var store = home.Open())
        {
            await store.AppendAsync(home.Row("i", 100, at: ArchiveTests.Month(5)));
        }

        File.Copy(home.File, home.File + ".before");
        home.Clock.SetUtcNow(ArchiveTests.Month(11));
        ArchiveTests.Archive(home, 10);
        var newest = Directory.GetFiles(LedgerArchive.DirectoryOf(home.File)).Order(StringComparer.Ordinal).Last();
        var content = await File.ReadAllBytesAsync(newest);
        File.Move(home.File + ".before", home.File, overwrite: true);

        // The last row is lost with the ledger's newest state; the file of its month still has it.
        home.Execute("DELETE FROM entry WHERE id = 'i'; UPDATE meta SET value = (SELECT seq || ':' || lower(hex(hash)) FROM entry ORDER BY seq DESC LIMIT 1) WHERE key = 'head'");
        var error = Assert.Throws<StoreUnavailableException>(() => ArchiveTests.Archive(home, 10));

        Assert.Contains("holds rows that the ledger does not have. Move it away", error.Message, StringComparison.Ordinal);
        Assert.Equal(content, await File.ReadAllBytesAsync(newest));
    }

    [Fact]
    public async Task A_draft_that_was_left_behind_is_made_anew()
    {
        await using var home = await ArchiveTests.FilledAsync();
        Directory.CreateDirectory(LedgerArchive.DirectoryOf(home.File));
        var draft = ArchiveTests.PathOf(home, "ledger-2026-05.db.new");
        await File.WriteAllTextAsync(draft, "half");
        File.SetAttributes(draft, FileAttributes.ReadOnly);

        ArchiveTests.Archive(home, 6);

        Assert.False(File.Exists(draft));
        Assert.Empty((await home.Open().VerifyAsync()).Problems);
    }
}
