using System.Numerics;

namespace LlmCostCache.AI;

/// <summary>Which questions were put out lately, in a table of fixed size: a print that falls on another's place makes it forgotten. Not safe for several threads.</summary>
internal sealed class GhostTable
{
    private readonly ulong[] _prints;

    /// <param name="answers">About how many answers there is room for; as many are remembered, but no more than a million.</param>
    public GhostTable(long answers) => _prints = new ulong[BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(answers, 64, 1 << 20))];

    public void Add(RequestPrint print) => Slot(print) = print.High;

    /// <returns>Whether it was there.</returns>
    public bool Remove(RequestPrint print)
    {
        ref var slot = ref Slot(print);
        if (slot != print.High)
            return false;

        slot = 0;
        return true;
    }

    private ref ulong Slot(RequestPrint print) => ref _prints[(uint)print.Low & (uint)(_prints.Length - 1)];
}
