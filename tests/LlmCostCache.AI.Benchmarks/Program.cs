using BenchmarkDotNet.Running;
using LlmCostCache.AI.Benchmarks;

// --smoke            every benchmark once, quickly; fails when one throws
// --record [--short] every benchmark, or those whose class is named behind it; the tables go to docs/benchmarks.md
// anything else      BenchmarkSwitcher, with its own arguments
switch (args)
{
    case ["--smoke"]:
        return SmokeRun.Run();
    case ["--record", ..]:
        return Recording.Run(args[1..]);
    default:
        BenchmarkSwitcher.FromTypes(BenchmarkTypes.All).Run(args);
        return 0;
}
