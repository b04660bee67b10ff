using System.Text;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Tests;

/// <summary>Bytes that change by themselves, or by a hand that knows no SQL.</summary>
public class DamageTests
{
    private static readonly int s_flips = TestSize.IsCi ? 2_000 : 200;

    [Fact]
    public async Task Every_bit_that_flips_in_the_file_and_changes_what_a_row_says_is_reported()
    {
        await using var home = new LedgerHome(fast: true);
        await FillAsync(home, 60);
        home.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        var sound = await File.ReadAllBytesAsync(home.File);
        var rows = Rows(home.File);
        var random = new Random(20261123);
        var changed = 0;
        for (var flip = 0; flip < s_flips; flip++)
        {
            await using var copy = await DamagedAsync(sound, random.NextInt64(sound.Length * 8L));
            if (Rows(copy.File) == rows)
            {
                continue;
            }

            changed++;
            Assert.False(IsIntact(copy));
        }

        Assert.InRange(changed, s_flips / 10, s_flips);
    }

    [Fact]
    public async Task A_write_ahead_log_that_loses_transactions_is_reported()
    {
        await using var home = new LedgerHome();
        await using var other = new LedgerHome();
        var store = home.Open();
        for (var i = 0; i < 30; i++)
        {
            await store.AppendAsync(home.Row($"row-{i}", i));
        }

        // As after a crash: nobody moved the log into the file.
        Directory.CreateDirectory(other.Path);
        File.Copy(home.File, other.File);
        var log = await File.ReadAllBytesAsync(home.File + "-wal");
        log[log.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(other.File + "-wal", log);

        Assert.NotNull(WriteAheadLog.Damage(other.File));
        Assert.Null(WriteAheadLog.Damage(home.File));
        using var reader = LedgerReader.Open(other.File, other.Clock);
        Assert.Contains(reader.Verify(null, CancellationToken.None).Findings, finding => finding.Kind == LedgerFindingKind.FileDamaged);
    }

    [Fact]
    public async Task A_log_that_is_being_written_and_begun_anew_is_never_called_damaged()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        using var done = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            for (var i = 0; !done.IsCancellationRequested; i++)
            {
                await store.AppendAsync(home.Row($"row-{i}", i));
            }
        });
        for (var i = 0; i < 200; i++)
        {
            Assert.Null(WriteAheadLog.Damage(home.File));
        }

        await done.CancelAsync();
        await writing;
    }

    [Fact]
    public async Task What_can_be_read_of_a_damaged_ledger_is_saved_and_what_is_lost_is_said()
    {
        await using var home = new LedgerHome();
        await FillAsync(home, 400);
        home.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        Wipe(home, pages: [0.4, 0.41]);
        var target = Path.Combine(home.Path, "saved.db");

        var saved = LedgerSalvage.Run(home.File, target, home.Clock, CancellationToken.None);

        Assert.NotEmpty(saved.Lost);
        Assert.Equal(400, saved.Rows + saved.Lost.Sum(lost => lost.Last - lost.First + 1));
        Assert.InRange(saved.Rows, 300, 399);
        using var reader = LedgerReader.Open(target, home.Clock);
        var found = reader.Verify(null, CancellationToken.None);
        Assert.All(found.Findings, finding => Assert.Equal(LedgerFindingKind.RowMissing, finding.Kind));
        Assert.Equal(saved.Lost[0].First, found.FirstBadSequence);
    }

    [Fact]
    public async Task A_sound_ledger_is_saved_whole()
    {
        await using var home = new LedgerHome();
        await FillAsync(home, 40);
        var target = Path.Combine(home.Path, "saved.db");

        var saved = LedgerSalvage.Run(home.File, target, home.Clock, CancellationToken.None);

        Assert.Equal((40, 0, 0), (saved.Rows, saved.Lost.Length, saved.LostTables.Length));
        Assert.Equal(Rows(home.File), Rows(target));
        using var reader = LedgerReader.Open(target, home.Clock);
        Assert.True(reader.Verify(null, CancellationToken.None).IsIntact);
    }

    /// <summary>Until the fifth schema a table of its own said what is held.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task What_a_ledger_of_an_older_schema_holds_is_saved_with_it(int version)
    {
        await using var home = MigrationTests.OfSchema(version);
        var target = Path.Combine(home.Path, "saved.db");

        var saved = LedgerSalvage.Run(home.File, target, home.Clock, CancellationToken.None);

        Assert.Equal((6, 0, 0), (saved.Rows, saved.Lost.Length, saved.LostTables.Length));
        foreach (var end in (string[])["", "-wal", "-shm"])
        {
            File.Delete(home.File + end);
        }

        File.Move(target, home.File);
        var store = home.Open();
        Assert.Empty((await store.VerifyAsync()).Problems);
        Assert.Equal((58, 500), ((await store.ReadBalancesAsync())[0].Spent.Count, (await store.ReadBalancesAsync())[0].Reserved.Count));
        Assert.True(await store.AppendAsync(home.Row("f", 42)));
        Assert.Equal((100, 0), ((await store.ReadBalancesAsync())[0].Spent.Count, (await store.ReadBalancesAsync())[0].Reserved.Count));
        Assert.False(await store.AppendAsync(home.Row("c", 42)));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    private static async Task FillAsync(LedgerHome home, int rows)
    {
        await using var store = home.Open();
        await store.ReserveAsync(home.Request("row-0", home.Hold(Budget.Daily(1m), 100)));
        for (var i = 0; i < rows; i++)
        {
            await store.AppendAsync(home.Row($"row-{i}", i, new Attribution { User = "alice", Project = "shop" }));
        }
    }

    /// <summary>Overwrites pages of the table of rows, given as shares of its extent.</summary>
    private static void Wipe(LedgerHome home, double[] pages)
    {
        var size = home.Scalar("PRAGMA page_size");
        var leaves = new List<long>();
        using (var connection = home.Connect())
        {
            using var command = connection.CreateCommand();
            var root = home.Scalar("SELECT rootpage FROM sqlite_schema WHERE name = 'entry'");
            var bytes = File.ReadAllBytes(home.File);

            // The root is an interior page here: its cells point to the leaves.
            var start = (int)((root - 1) * size);
            var cells = (bytes[start + 3] << 8) | bytes[start + 4];
            for (var i = 0; i < cells; i++)
            {
                var cell = start + ((bytes[start + 12 + (2 * i)] << 8) | bytes[start + 13 + (2 * i)]);
                leaves.Add(System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(cell)));
            }
        }

        using var file = File.OpenHandle(home.File, FileMode.Open, FileAccess.ReadWrite);
        foreach (var share in pages)
        {
            RandomAccess.Write(file, new byte[size], (leaves[(int)(leaves.Count * share)] - 1) * size);
        }
    }

    private static async Task<LedgerHome> DamagedAsync(byte[] sound, long bit)
    {
        var home = new LedgerHome(fast: true);
        Directory.CreateDirectory(home.Path);
        var bytes = (byte[])sound.Clone();
        bytes[bit / 8] ^= (byte)(1 << (int)(bit % 8));
        await File.WriteAllBytesAsync(home.File, bytes);
        return home;
    }

    private static bool IsIntact(LedgerHome home)
    {
        try
        {
            using var reader = LedgerReader.Open(home.File, home.Clock);
            return reader.Verify(null, CancellationToken.None).IsIntact;
        }
        catch (StoreUnavailableException)
        {
            return false;
        }
    }

    /// <summary>Everything that the rows say, as text; or that they cannot be read.</summary>
    private static string Rows(string file)
    {
        var text = new StringBuilder();
        try
        {
            using var connection = new SqliteConnection($"Data Source={file};Mode=ReadOnly;Pooling=False");
            connection.Open();
            using var select = new SqliteStatement(connection, $"SELECT {LedgerBook.Columns} FROM entry ORDER BY seq");
            while (select.Step())
            {
                for (var i = 0; i < select.Columns; i++)
                {
                    text.Append(select.TypeOf(i)).Append(' ').Append(select.TypeOf(i) == 4 ? Convert.ToHexString(select.Bytes(i)) : select.NullableText(i)).Append('|');
                }

                text.Append('\n');
            }

            return text.ToString();
        }
        catch (SqliteException error)
        {
            return error.Message;
        }
    }
}
