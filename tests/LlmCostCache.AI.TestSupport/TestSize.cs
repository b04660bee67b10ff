namespace LlmCostCache.AI;

/// <summary>How much the property, crash and competition tests do: a little in <c>dotnet test</c>, ten times that in CI (LLMCOSTCACHE_TEST_SIZE=ci), and what is run once and recorded (LLMCOSTCACHE_TEST_SIZE=full).</summary>
public static class TestSize
{
    public static bool IsFull { get; } = Environment.GetEnvironmentVariable("LLMCOSTCACHE_TEST_SIZE") == "full";

    public static bool IsCi { get; } = IsFull || Environment.GetEnvironmentVariable("LLMCOSTCACHE_TEST_SIZE") == "ci";

    /// <summary>Cases of each property over keys, money and budgets.</summary>
    public static long Cases => IsFull ? 20_000_000 : IsCi ? 200_000 : 20_000;

    /// <summary>Steps of the protocol simulation.</summary>
    public static int SimulationSteps => IsFull ? 100_000_000 : IsCi ? 1_000_000 : 100_000;

    /// <summary>How often a writer is killed.</summary>
    public static int Kills => IsFull ? 1_000 : IsCi ? 100 : 10;

    /// <summary>How often the power goes.</summary>
    public static int PowerLosses => IsFull ? 200 : IsCi ? 20 : 0;

    /// <summary>How many processes compete for one hard limit, and for how long.</summary>
    public static (int Processes, TimeSpan Duration) Competition => IsFull ? (6, TimeSpan.FromMinutes(10)) : IsCi ? (6, TimeSpan.FromSeconds(30)) : (4, TimeSpan.FromSeconds(5));
}
