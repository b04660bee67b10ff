namespace LlmCostCache.AI.Tests;

/// <summary>What a check names: which row, which id, what is wrong with it.</summary>
public class EvidenceTests
{
    private const string Swap = "UPDATE entry SET seq = -1 WHERE seq = 3; UPDATE entry SET seq = 3 WHERE seq = 4; UPDATE entry SET seq = 4 WHERE seq = -1";

    [Theory]
    [InlineData("UPDATE entry SET booked_nanos = 1 WHERE seq = 4", LedgerFindingKind.RowChanged, 4, "d")]
    [InlineData("UPDATE entry SET hash = zeroblob(32) WHERE seq = 4", LedgerFindingKind.RowChanged, 4, "d")]
    [InlineData("DELETE FROM entry WHERE seq <= 2", LedgerFindingKind.RowMissing, 1, null)]
    [InlineData("DELETE FROM entry WHERE seq = 3", LedgerFindingKind.RowMissing, 3, null)]
    [InlineData("DELETE FROM entry WHERE seq >= 5", LedgerFindingKind.RowMissing, 5, null)]
    [InlineData(Swap, LedgerFindingKind.RowMoved, 3, "d")]
    [InlineData("UPDATE entry SET seq = -seq WHERE seq = 2", LedgerFindingKind.RowAdded, -2, "b")]
    [InlineData("UPDATE meta SET value = '4:' || (SELECT lower(hex(hash)) FROM entry WHERE seq = 4) WHERE key = 'head'", LedgerFindingKind.RowAdded, 5, "e")]
    public async Task A_row_that_was_tampered_with_is_named_with_place_and_id(string attack, LedgerFindingKind kind, long sequence, string? id)
    {
        await using var home = await FilledAsync();

        home.Execute(attack);

        var found = await home.Open().VerifyAsync();
        Assert.Contains(found.Findings, finding => finding.Kind == kind && finding.Sequence == sequence && finding.Id == id);
        Assert.Equal(found.Problems, found.Findings.Select(finding => finding.Message));
    }

    [Fact]
    public async Task Both_rows_of_an_exchange_are_said_to_have_been_moved()
    {
        await using var home = await FilledAsync();

        home.Execute(Swap);

        var moved = (await home.Open().VerifyAsync()).Findings.Where(finding => finding.Kind == LedgerFindingKind.RowMoved);
        Assert.Equal(["Row 3 ('d') was moved: it was written as row 4.", "Row 4 ('c') was moved: it was written as row 3."], moved.Select(finding => finding.Message));
    }

    [Fact]
    public async Task Only_the_row_whose_hash_was_changed_is_named()
    {
        await using var home = await FilledAsync();

        home.Execute("UPDATE entry SET hash = zeroblob(32) WHERE seq = 4");

        Assert.Equal("Row 4 ('d') was changed after it was written.", Assert.Single((await home.Open().VerifyAsync()).Problems));
    }

    [Fact]
    public async Task A_row_that_was_replaced_with_a_right_hash_is_named_and_not_the_one_behind_it()
    {
        await using var home = await FilledAsync();
        await using var other = await FilledAsync(nanos: 99);
        var columns = LedgerBook.Columns;

        // The other ledger has other hashes from its first row on, so its third row is sound in itself and continues nothing here.
        home.Execute($"ATTACH '{other.File}' AS other; DELETE FROM entry WHERE seq = 3; INSERT INTO entry ({columns}) SELECT {columns} FROM other.entry WHERE seq = 3; DETACH other");

        var found = await home.Open().VerifyAsync();
        Assert.Equal("Row 3 ('c') was replaced: row 4 ('d') continues another row in its place.", found.Problems[0]);
        Assert.DoesNotContain(found.Findings, finding => finding.Sequence is { } sequence && sequence != 3);
    }

    [Fact]
    public async Task A_copy_of_a_row_is_called_a_copy()
    {
        await using var home = await FilledAsync();
        var rest = string.Join(", ", LedgerBook.Columns.Split(',').Skip(2));

        home.Execute($"INSERT INTO entry (seq, id, {rest}) SELECT 7, 'copy', {rest} FROM entry WHERE seq = 2");

        Assert.Contains("Row 7 ('copy') was put in: it is a copy of another row.", (await home.Open().VerifyAsync()).Problems);
    }

    [Theory]
    [InlineData("DELETE FROM entry WHERE seq >= 5", 5)]
    [InlineData("DELETE FROM entry", 1)]
    public async Task No_later_row_takes_the_place_of_one_that_was_lost_at_the_end(string attack, long firstLost)
    {
        await using var home = await FilledAsync();
        home.Execute(attack);
        var store = home.Open();

        await store.AppendAsync(home.Row("later", 1));

        Assert.Equal(7, home.Scalar("SELECT seq FROM entry WHERE id = 'later'"));
        Assert.Equal(firstLost, (await store.VerifyAsync()).FirstBadSequence);
    }

    [Fact]
    public async Task An_end_that_was_noted_proves_that_nothing_before_it_was_written_anew()
    {
        await using var home = await FilledAsync();
        await using var forged = await FilledAsync(nanos: 11);
        var head = (await home.Open().VerifyAsync()).Head!;
        var forgery = forged.Open();

        Assert.True((await forgery.VerifyAsync()).IsIntact);
        Assert.False(forgery.VerifySince(head).IsIntact);
        Assert.True(home.Open().VerifySince(head).IsIntact);
    }

    [Fact]
    public async Task Rows_written_since_do_not_disturb_an_end_that_was_noted()
    {
        await using var home = await FilledAsync();
        var store = home.Open();
        var head = (await store.VerifyAsync()).Head!;

        await store.AppendAsync(home.Row("later", 1));

        Assert.True(store.VerifySince(head).IsIntact);
    }

    [Theory]
    [InlineData("UPDATE dimension SET user = 'mallory'")]
    [InlineData("UPDATE dimension SET digest = zeroblob(32) WHERE whole = 0")]
    [InlineData("DELETE FROM reservation")]
    [InlineData("UPDATE reservation SET holds = '[]'")]
    [InlineData("UPDATE reservation SET holds = json_set(holds, '$[0][3]', 1)")]
    [InlineData("UPDATE reservation SET holds = 'not json'")]
    [InlineData("UPDATE reservation SET holds = '[7, \"x\", {}]'")]
    [InlineData("DELETE FROM meta WHERE key = 'head'")]
    [InlineData("DELETE FROM budget_window")]
    [InlineData("UPDATE rollup_slot SET output_tokens = output_tokens + 1")]
    [InlineData("INSERT INTO rollup_slot SELECT dimension, slot + 1, calls, unpriced, booked_nanos, low_nanos, high_nanos, saved_nanos, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM rollup_slot")]
    public async Task What_is_kept_beside_the_rows_is_checked_against_them(string attack)
    {
        await using var home = await FilledAsync();

        home.Execute(attack);

        var found = await home.Open().VerifyAsync();
        Assert.Contains(found.Findings, finding => finding.Kind == LedgerFindingKind.CounterWrong);
        Assert.DoesNotContain(found.Findings, finding => finding.Sequence is not null);
    }

    [Fact]
    public async Task An_index_that_has_lost_a_row_is_noticed()
    {
        await using var home = await FilledAsync();
        home.Execute("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = (SELECT SUM(rootpage) FROM sqlite_schema WHERE name IN ('entry_session', 'entry_at')) - rootpage WHERE name IN ('entry_session', 'entry_at'); PRAGMA writable_schema = RESET");

        Assert.Contains((await home.Open().VerifyAsync()).Findings, finding => finding.Kind == LedgerFindingKind.FileDamaged);
    }

    internal static async Task<LedgerHome> FilledAsync(long nanos = 10)
    {
        var home = new LedgerHome();
        await using var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(Budget.Daily(1m), 100)));
        await store.ReserveAsync(home.Request("open", home.Hold(Budget.Daily(1m), 7)));
        for (var i = 0; i < 6; i++)
        {
            await store.AppendAsync(home.Row(((char)('a' + i)).ToString(), nanos + i));
        }

        return home;
    }
}
