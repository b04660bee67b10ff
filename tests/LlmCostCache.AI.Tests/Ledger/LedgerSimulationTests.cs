using System.Diagnostics;
using Xunit.Sdk;

namespace LlmCostCache.AI.Tests;

public class LedgerSimulationTests
{
    private const int StepsPerSeed = 2_000;

    /// <summary>The names of the bugs that somebody could write into the protocol.</summary>
    public static TheoryData<string> Faults => [.. PlantedFault.All.Select(fault => fault.Name)];

    [Fact]
    public async Task Any_history_of_reservations_keeps_every_promise_of_the_ledger()
    {
        var seeds = Math.Max(1, TestSize.SimulationSteps / StepsPerSeed);
        await Parallel.ForEachAsync(Enumerable.Range(0, seeds), new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (seed, _) =>
        {
            await using var simulation = new LedgerSimulation(seed);
            await simulation.RunAsync(StepsPerSeed);
        });
    }

    /// <summary>The test of the test above: what it says is worth nothing if it would say the same about a protocol that is wrong.</summary>
    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_bug_that_is_planted_into_the_protocol_is_found(string name)
    {
        var fault = PlantedFault.All.Single(fault => fault.Name == name);
        for (var seed = 0; seed < 10; seed++)
        {
            await using var simulation = new LedgerSimulation(seed, fault);
            try
            {
                await simulation.RunAsync(StepsPerSeed);
            }
            catch (Exception found) when (found is XunitException or KeyNotFoundException)
            {
                return;
            }
        }

        throw new UnreachableException($"Ten histories did not notice that {name}.");
    }
}
