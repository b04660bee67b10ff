// What the cache of Microsoft.Extensions.AI (UseDistributedCache over MemoryDistributedCache) and ours (UseCostCache) do with the same questions.
//
//   dotnet run --project examples/StockCache      offline: a scripted model answers
//
// Each cell is what was observed in this run. The exit code is 1 when ours does not show what one would want, or when the stock cache does not show
// what this example says it does.

using StockCacheExample;

var rows = new List<string[]>();
var failures = new List<string>();
var (wantedOfStock, wantedOfOurs) = (0, 0);
foreach (var trap in Traps.All)
{
    var stock = await SeeAsync(trap, clock => new Candidate.Stock { Clock = clock, Backend = new Backend(clock) });
    var ours = await SeeAsync(trap, clock => new Candidate.Ours(trap.IsAboutBackend) { Clock = clock, Backend = new Backend(clock) });
    wantedOfStock += stock == trap.Wanted ? 1 : 0;
    wantedOfOurs += ours == trap.Wanted ? 1 : 0;
    rows.Add([trap.Asked, Mark(stock, trap), Mark(ours, trap)]);
    if (ours != trap.Wanted)
    {
        failures.Add($"{trap.Asked}: UseCostCache shows '{ours}', wanted is '{trap.Wanted}'.");
    }

    if (stock != trap.Stock)
    {
        failures.Add($"{trap.Asked}: UseDistributedCache shows '{stock}', not '{trap.Stock}'; if its version changed, correct Traps.cs.");
    }
}

TextTable.Print(["What was asked", "UseDistributedCache", "UseCostCache"], rows);
Console.WriteLine();
Console.WriteLine($"As one would want it: UseDistributedCache {wantedOfStock} of {rows.Count}, UseCostCache {wantedOfOurs} of {rows.Count}. An x marks the others.");
failures.ForEach(Console.Error.WriteLine);
return failures.Count == 0 ? 0 : 1;

static string Mark(string seen, Trap trap) => (seen == trap.Wanted ? "  " : "x ") + seen;

static async Task<string> SeeAsync(Trap trap, Func<SettableClock, Candidate> make)
{
    await using var candidate = make(new SettableClock());
    try
    {
        return await trap.Observe(candidate);
    }
    catch (Exception e)
    {
        return $"the call fails ({e.GetType().Name})";
    }
}
