using System.Globalization;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Checkup;

/// <summary>Finds the same tiny call at regular intervals: a health check or a keep-alive that asks a model and pays for it.</summary>
internal sealed class Heartbeats
{
    private const string Check = "heartbeats";
    private const int MostTokens = 500;
    private const int MostKinds = 20_000;
    private const int LeastCalls = 12;

    /// <summary>Faster than that it is a loop over work, not a pulse.</summary>
    private const decimal ShortestSeconds = 5;

    /// <summary>How much the intervals may differ, as a share of the usual one.</summary>
    private const decimal MostDifference = 0.2m;

    private readonly Dictionary<(string? Provider, string? Model, string? Project, string? Feature, string? Session, string? Agent, long Input), Pulse> _pulses = [];

    public void Add(UsageRecord row)
    {
        var usage = row.Cost.Usage;
        if (usage.TotalTokens is 0 or > MostTokens)
        {
            return;
        }

        var who = row.Attribution;
        var kind = (row.Provider, row.Model, who.Project, who.Feature, who.Session, who.Agent, usage.TotalInputTokens);
        if (!_pulses.TryGetValue(kind, out var pulse))
        {
            if (_pulses.Count == MostKinds)
            {
                return;
            }

            _pulses.Add(kind, pulse = new());
        }

        pulse.Add(row);
    }

    public CheckResult Result()
    {
        var found = _pulses.Where(pulse => pulse.Value.IsRegular).OrderByDescending(pulse => pulse.Value.Cost).ToList();
        if (found.Count == 0)
        {
            return new(Check);
        }

        var (kind, first) = found[0];
        var names = string.Join('/', new[] { kind.Project, kind.Feature, kind.Agent }.OfType<string>());
        return new(Check)
        {
            What = string.Create(
                CultureInfo.InvariantCulture,
                $"{found.Count} series of the same small call at regular intervals, such as {kind.Model} with {kind.Input} tokens every {first.Seconds:0} seconds{(names.Length > 0 ? $" for {names}" : "")}: they look like heartbeats."),
            Calls = found.Sum(pulse => pulse.Value.Calls),
            Cost = found.Aggregate(Money.Zero, (sum, pulse) => sum + pulse.Value.Cost),
            Avoidable = found.Aggregate(Money.Zero, (sum, pulse) => sum + pulse.Value.Cost),
            Remedy = "Check health without asking a model (the provider's model list, a plain request), or ask far less often.",
        };
    }

    /// <summary>The intervals of one kind of call.</summary>
    private sealed class Pulse
    {
        private DateTimeOffset _last;
        private decimal _sum;
        private decimal _squares;

        public long Calls { get; private set; }

        public Money Cost { get; private set; }

        public decimal Seconds => Calls < 2 ? 0 : _sum / (Calls - 1);

        public bool IsRegular => Calls >= LeastCalls && Seconds >= ShortestSeconds
            && _squares / (Calls - 1) - Seconds * Seconds <= MostDifference * MostDifference * Seconds * Seconds;

        public void Add(UsageRecord row)
        {
            if (Calls++ > 0)
            {
                var seconds = Math.Abs((decimal)(row.At - _last).Ticks / TimeSpan.TicksPerSecond);
                _sum += seconds;
                _squares += seconds * seconds;
            }

            _last = row.At;
            Cost += row.Cost.Amount ?? Money.Zero;
        }
    }
}
