using System.Buffers.Binary;
using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>Reads <c>ledger.db-wal</c> as bytes. SQLite stops at the first frame whose checksum is wrong and says nothing of the transactions behind it; this says it.</summary>
/// <remarks>
/// The format is that of sqlite.org/fileformat2.html#walformat. A frame that is broken and has no later commit behind it is what a crash leaves of a transaction that
/// nobody was told of, and is no finding; damage in the last frame of the last transaction cannot be told from that.
/// </remarks>
internal static class WriteAheadLog
{
    private const int Attempts = 10;
    private const int HeaderBytes = 32;
    private const int FrameHeaderBytes = 24;

    /// <summary>What is lost; null when nothing is.</summary>
    public static string? Damage(string ledger)
    {
        var path = ledger + "-wal";
        using var pause = new ManualResetEventSlim();
        for (var attempt = 1; ; attempt++)
        {
            // Whoever writes right now may begin the log anew while it is read, or write frames behind one that was read too early: damage stays where it is.
            var damage = DamageOnce(path, out var place);
            if (damage is null)
            {
                return null;
            }

            pause.Wait(TimeSpan.FromMilliseconds(50));
            damage = DamageOnce(path, out var again);
            if (damage is null || again == place)
            {
                return damage;
            }

            if (attempt == Attempts)
            {
                return null;
            }
        }
    }

    private static string? DamageOnce(string path, out (ulong Salts, long Frame) place)
    {
        place = default;
        if (!File.Exists(path))
        {
            return null;
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16);
        var header = new byte[HeaderBytes];
        if (file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes)
        {
            return null;
        }

        var magic = BinaryPrimitives.ReadUInt32BigEndian(header);
        var isBig = magic == 0x377F0683;
        var pageSize = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(8));
        var salts = BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(16));
        place = (salts, 0);
        var sum = Sum(header.AsSpan(0, 24), (0, 0), isBig);
        if ((magic & 0xFFFFFFFE) != 0x377F0682 || pageSize is < 512 or > 65536 || !Matches(header.AsSpan(24), sum))
        {
            return file.Length > HeaderBytes + FrameHeaderBytes
                ? "The head of the write-ahead log is damaged: what was committed to it and not yet moved into the ledger cannot be read."
                : null;
        }

        var frame = new byte[FrameHeaderBytes + pageSize];
        var (number, firstBad, lost) = (0L, 0L, 0L);
        while (file.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) == frame.Length)
        {
            number++;
            var isOurs = BinaryPrimitives.ReadUInt64BigEndian(frame.AsSpan(8)) == salts;
            if (firstBad == 0)
            {
                sum = Sum(frame.AsSpan(FrameHeaderBytes), Sum(frame.AsSpan(0, 8), sum, isBig), isBig);
                if (!isOurs || !Matches(frame.AsSpan(16), sum))
                {
                    firstBad = number;
                }
            }
            else if (isOurs && BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(4)) != 0)
            {
                lost++;
            }
        }

        place = (salts, firstBad);
        return lost == 0
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"The write-ahead log is damaged at frame {firstBad}: {lost} later {(lost == 1 ? "transaction" : "transactions")} in it cannot be read. Keep a copy of ledger.db-wal before anything opens the ledger.");
    }

    private static bool Matches(ReadOnlySpan<byte> stored, (uint First, uint Second) sum) =>
        BinaryPrimitives.ReadUInt32BigEndian(stored) == sum.First && BinaryPrimitives.ReadUInt32BigEndian(stored[4..]) == sum.Second;

    private static (uint First, uint Second) Sum(ReadOnlySpan<byte> bytes, (uint First, uint Second) sum, bool isBig)
    {
        for (var i = 0; i < bytes.Length; i += 8)
        {
            unchecked
            {
                sum.First += Word(bytes[i..], isBig) + sum.Second;
                sum.Second += Word(bytes[(i + 4)..], isBig) + sum.First;
            }
        }

        return sum;
    }

    private static uint Word(ReadOnlySpan<byte> bytes, bool isBig) => isBig ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
}
