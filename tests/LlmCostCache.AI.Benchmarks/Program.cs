using BenchmarkDotNet.Running;
using LlmCostCache.AI;
using LlmCostCache.AI.Benchmarks;

// --smoke            every benchmark once, quickly; fails when one throws
// --record [--short] every benchmark, or those whose class is named behind it; the tables go to docs/benchmarks.md
// --soak             ten million distinct questions through the memory layer; the table goes to docs/benchmarks.md
// --budgets          reservations beside ten and beside ten thousand budgets; the table goes to docs/benchmarks.md
// --ledger [--short] calls a second that the ledger takes, beside a plain INSERT a call; the table goes to docs/benchmarks.md, but a short one to the terminal
// anything else      BenchmarkSwitcher, with its own arguments
switch (args)
{
    case ["--smoke"]:
        return SmokeRun.Run();
    case ["--record", ..]:
        return Recording.Run(args[1..]);
    case ["--soak"]:
        var soak = new CacheSoak(CacheSoak.FullSize).Run();
        new ResultPage(Path.Combine(Repository.Root, "docs", "benchmarks.md")).Put(nameof(CacheSoak), soak.Table);
        return soak.Ratio <= 1.25m ? 0 : 1;
    case ["--budgets"]:
        var budgets = new BudgetCountRun(BudgetCountRun.FullSize).Run();
        new ResultPage(Path.Combine(Repository.Root, "docs", "benchmarks.md")).Put(nameof(BudgetCountRun), budgets.Table);
        return budgets.Ratio <= 2m ? 0 : 1;
    case ["--ledger", "--short"]:
        Console.Out.Write(new LedgerSpeed(TimeSpan.FromMilliseconds(700), 3).Run());
        return 0;
    case ["--ledger"]:
        new ResultPage(Path.Combine(Repository.Root, "docs", "benchmarks.md")).Put(nameof(LedgerSpeed), new LedgerSpeed(TimeSpan.FromSeconds(2), 9).Run());
        return 0;
    default:
        BenchmarkSwitcher.FromTypes(BenchmarkTypes.All).Run(args);
        return 0;
}
