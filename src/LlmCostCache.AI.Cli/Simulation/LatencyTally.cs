namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>Mean and 95th percentile to the millisecond, in memory that does not grow with the calls.</summary>
internal sealed class LatencyTally
{
    /// <summary>An hour, in milliseconds: no answer takes longer.</summary>
    public const int Longest = 3_600_000;

    private readonly Dictionary<int, long> _counts = [];
    private decimal _sum;
    private long _answers;

    public decimal? Mean => _answers == 0 ? null : decimal.Round(_sum / _answers, 1);

    public void Add(decimal ms)
    {
        _sum += ms;
        _answers++;
        var rounded = (int)decimal.Round(Math.Min(ms, Longest));
        _counts[rounded] = _counts.GetValueOrDefault(rounded) + 1;
    }

    /// <summary>The least time that so many percent of the answers do not exceed; null without answers.</summary>
    public int? Percentile(int percent)
    {
        var left = ((_answers * percent) + 99) / 100;
        foreach (var (ms, count) in _counts.OrderBy(pair => pair.Key))
        {
            left -= count;
            if (left <= 0)
            {
                return ms;
            }
        }

        return null;
    }
}
