using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace LlmCostCache.AI;

/// <summary>A <see cref="RequestOutline"/> as bytes, sealed like the answer it stands beside.</summary>
internal static class OutlineFrame
{
    /// <summary>No outline is larger; a conversation of ten thousand messages has half of it.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>The outline in a frame; null when it is too large to be worth keeping.</summary>
    public static byte[]? Encode(CacheKey key, RequestOutline outline, AnswerSeal seal)
    {
        var buffer = FrameWriter.EmptyBuffer();
        var to = new FrameWriter(buffer);
        to.Text(outline.Prompt);
        to.Int32(outline.Parts.Count);
        foreach (var part in outline.Parts)
        {
            to.Text(part.Name);
            to.Int64(unchecked((long)part.Digest));
        }

        return buffer.WrittenCount > MaxBytes / 2 ? null : seal.Seal(key, SealedPart.Outline, buffer.WrittenSpan);
    }

    /// <summary>Reads an outline back; <see cref="SealResult.Broken"/> for everything that is not exactly what <see cref="Encode"/> wrote for this key.</summary>
    public static SealResult TryDecode(CacheKey key, ReadOnlySpan<byte> frame, AnswerSeal seal, out RequestOutline? outline)
    {
        outline = null;
        if (frame.Length > MaxBytes)
            return SealResult.Broken;

        var opened = seal.TryOpen(key, SealedPart.Outline, frame, out var body);
        return opened == SealResult.Opened && !TryRead(body, out outline) ? SealResult.Broken : opened;
    }

    private static bool TryRead(ReadOnlySpan<byte> body, [NotNullWhen(true)] out RequestOutline? outline)
    {
        outline = null;
        try
        {
            var from = new FrameReader(body);
            var prompt = from.Text();
            var count = from.Count();
            var parts = new List<RequestPart>();
            for (var i = 0; i < count; i++)
                parts.Add(new(from.RequiredText(), unchecked((ulong)from.Int64())));

            if (!from.IsAtEnd)
                return false;

            outline = new RequestOutline(parts) { Prompt = prompt };
            return true;
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException)
        {
            return false;
        }
    }
}
