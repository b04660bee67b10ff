using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace LlmCostCache.AI;

/// <summary>A name that may not stand in clear, such as that of a tenant whose answers are invalidated.</summary>
internal static class SealedName
{
    public static byte[] Seal(string name, AnswerSeal seal) => seal.Seal(default, SealedPart.Name, Encoding.UTF8.GetBytes(name));

    public static bool TryOpen(ReadOnlySpan<byte> frame, AnswerSeal seal, [NotNullWhen(true)] out string? name)
    {
        var opened = seal.TryOpen(default, SealedPart.Name, frame, out var body) == SealResult.Opened;
        name = opened ? Encoding.UTF8.GetString(body) : null;
        return opened;
    }
}
