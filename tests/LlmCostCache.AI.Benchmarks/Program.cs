using System.Globalization;
using BenchmarkDotNet.Running;
using LlmCostCache.AI;
using LlmCostCache.AI.Benchmarks;

// --smoke            every benchmark once, quickly; fails when one throws
// --record [--short] every benchmark, or those whose class is named behind it; the tables go to docs/benchmarks.md
// --soak             ten million distinct questions through the memory layer; the table goes to docs/benchmarks.md
// --budgets          reservations beside ten and beside ten thousand budgets; the table goes to docs/benchmarks.md
// --ledger [--short] calls a second that the ledger takes, beside a plain INSERT a call; the table goes to docs/benchmarks.md, but a short one to the terminal
// --month [N [HOME]] reports, check and export of a month of ten million calls, or N; the ledger of HOME is kept and used again; the table goes to docs/benchmarks.md
// --export [HOME]    rows a second and memory of exports as processes of their own, beside exports by hand; the ledgers of HOME are kept and used again; the table goes to docs/benchmarks.md
// --processes [--short] how long calls wait when four processes write one ledger; the table goes to docs/benchmarks.md, but a short one to the terminal
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
    case ["--month"]:
        new ResultPage(Path.Combine(Repository.Root, "docs", "benchmarks.md")).Put(nameof(MonthRun), new MonthRun(MonthRun.FullSize).Run());
        return 0;
    case ["--month", var rows, .. var home] when long.TryParse(rows, CultureInfo.InvariantCulture, out var count) && count > 0:
        new ResultPage(Path.Combine(Repository.Root, "docs", "benchmarks.md")).Put(nameof(MonthRun), new MonthRun(count, home.FirstOrDefault()).Run());
        return 0;
    case ["--export", .. var home] when home.Length <= 1:
        var exports = new ExportRun(home.FirstOrDefault()).Run();
        new ResultPage(Path.Combine(Repository.Root, "docs", "benchmarks.md")).Put(nameof(ExportRun), exports.Table);
        return exports.Ratio <= 1.25m ? 0 : 1;
    case [NaiveExport.Verb, var ledger, var file, var kind]:
        return NaiveExport.Run(ledger, file, kind);
    case ["--processes", "--short"]:
        Console.Out.Write(new LedgerProcesses(TimeSpan.FromSeconds(3)).Run().Table);
        return 0;
    case ["--processes"]:
        var processes = new LedgerProcesses(TimeSpan.FromSeconds(20)).Run();
        new ResultPage(Path.Combine(Repository.Root, "docs", "benchmarks.md")).Put(nameof(LedgerProcesses), processes.Table);
        return processes is { P99: <= 100m, Longest: <= 5_000m } ? 0 : 1;
    case [LedgerProcesses.Verb, var home, var seconds]:
        return LedgerProcesses.Call(home, double.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture));
    default:
        BenchmarkSwitcher.FromTypes(BenchmarkTypes.All).Run(args);
        return 0;
}
