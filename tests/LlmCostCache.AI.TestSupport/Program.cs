// The child process of tests that kill a writer or let several processes compete for one ledger or share one cache. Each verb lives in its own file.
using LlmCostCache.AI;

return args switch
{
    ["append", var home] => await AppendVerb.RunAsync(home),
    ["compete", var home, var limitNanos, var seed] => await CompeteVerb.RunAsync(home, limitNanos, seed),
    ["spend", var home, var limitUsd, var seed, var tasks] => await SpendVerb.RunAsync(home, limitUsd, seed, tasks),
    ["record", var home, var limitUsd, var records] => await RecordVerb.RunAsync(home, limitUsd, records),
    ["share-cache", var home, var questions] => await ShareCacheVerb.RunAsync(home, questions),
    ["endure", var home, var rows] => await EndureVerb.RunAsync(home, rows),
    ["archive", var home, var rowsAtOnce] => ArchiveVerb.Run(home, rowsAtOnce),
    ["ask", var home, var times] => await AskVerb.RunAsync(home, times),
    ["upkeep", var home] => await UpkeepVerb.RunAsync(home),
    ["mix", var home, var what, var seconds] => await MixVerb.RunAsync(home, what, seconds),
    ["lengthen", var home] => await LengthenVerb.RunAsync(home),
    ["spool", var home] => await SpoolVerb.RunAsync(home),
    ["starve", var home] => await StarveVerb.RunAsync(home),
    ["edge", var home, var seed, var calls] => await EdgeVerb.RunAsync(home, seed, calls),
    ["shared"] => await SharedVerb.RunAsync(),
    ["drain", var home] => await DrainVerb.RunAsync(home),
    ["reopen"] => ReopenVerb.Run(),
    _ => Unknown(args),
};

static int Unknown(string[] args)
{
    Console.Error.WriteLine($"Unknown verb '{string.Join(' ', args)}'.");
    return 2;
}
