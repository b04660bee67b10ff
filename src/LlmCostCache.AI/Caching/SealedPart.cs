namespace LlmCostCache.AI;

/// <summary>What a sealed frame contains. One cannot be passed off as the other. The numbers are in the checksums on the disk.</summary>
internal enum SealedPart : byte
{
    Answer = 1,
    Outline = 2,
    Name = 3,
}
