using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Caching;

/// <summary>Tells whoever waits how far it is: after a second, and then each time after twice as long, so that a log stays short.</summary>
internal sealed class WaitingWord(CliHost host, string what)
{
    private readonly long _startedAt = host.Time.GetTimestamp();
    private TimeSpan _next = TimeSpan.FromSeconds(1);

    public void Say(long done)
    {
        if (host.Time.GetElapsedTime(_startedAt) >= _next)
        {
            host.Error.WriteLine($"llmcost: {Amounts.Count(done)} entries {what} so far");
            _next *= 2;
        }
    }
}
