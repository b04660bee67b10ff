namespace LlmCostCache.AI.Tests;

/// <summary>Tests of which some need that nobody else in the process listens to our activity source.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public class TelemetryListeners
{
    public const string Name = "telemetry";
}
