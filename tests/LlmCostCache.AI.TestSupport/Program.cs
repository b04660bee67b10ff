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
    ["ask", var home, var times] => await AskVerb.RunAsync(home, times),
    _ => Unknown(args),
};

static int Unknown(string[] args)
{
    Console.Error.WriteLine($"Unknown verb '{string.Join(' ', args)}'.");
    return 2;
}
