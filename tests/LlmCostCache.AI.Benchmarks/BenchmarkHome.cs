namespace LlmCostCache.AI.Benchmarks;

/// <summary>A home directory that is gone afterwards; in memory where that is asked for and possible.</summary>
internal sealed class BenchmarkHome(bool inMemory = false) : IDisposable
{
    private const string SharedMemory = "/dev/shm";

    public static bool HasMemory { get; } = Directory.Exists(SharedMemory);

    public string Path { get; } = Directory.CreateDirectory(
        System.IO.Path.Combine(inMemory && HasMemory ? SharedMemory : System.IO.Path.GetTempPath(), $"llmcost-benchmark-{Guid.NewGuid():N}")).FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
