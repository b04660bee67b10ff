// Quickstart: a chat client that remembers its answers, stays within its budget and writes every cent down.
//
//   dotnet run --project examples/Quickstart                 offline: a local endpoint stands in for OpenAI; costs nothing
//   dotnet run --project examples/Quickstart -- --live       against api.openai.com with OPENAI_API_KEY; costs less than five cents
//   dotnet run --project examples/Quickstart -- --home DIR   keeps ledger and cache in DIR; the second run then finds its answers there

using System.ClientModel;
using System.Globalization;
using LlmCostCache.AI;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using Quickstart;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

const string Model = "gpt-4o-mini";
if (CommandLine.Parse(args) is not { } arguments)
{
    return 2;
}

var keepsHome = arguments.Home is not null;
var home = arguments.Home ?? Directory.CreateTempSubdirectory("llmcost-quickstart-").FullName;
try
{
    // The provider: OpenAI itself with --live, else an endpoint on this machine that speaks the same wire format. In both cases the client
    // is the real one.
    await using var local = arguments.Live ? null : await LocalOpenAI.StartAsync(Workload.Questions);
    var openAI = local is null
        ? new OpenAIClient(arguments.ApiKey!)
        : new OpenAIClient(new ApiKeyCredential("offline"), new OpenAIClientOptions { Endpoint = local.Endpoint });

    // Whoever loops, loops for a cent: each session has its own. A budget is strict unless it says .Balanced() or .Warn().
    var perSession = Budget.Daily(0.01m).ForEachSession().Named("one agent run");

    // One object owns prices, ledger, cache and budgets. Dispose it at the end and everything is on the disk.
    await using var costs = LlmCosts.Open(o =>
    {
        o.HomeDirectory = home;
        o.Budgets.Add(perSession);
        o.Budgets.Add(Budget.Daily(0.05m).ForProject("quickstart"));
    });

    // The pipeline. Two lines are ours; cache and budget are inside function invocation, so that every round of a tool loop is seen.
    using var client = openAI.GetChatClient(Model).AsIChatClient()
        .AsBuilder()
        .UseFunctionInvocation(configure: functions => functions.MaximumIterationsPerRequest = 1_000)
        .UseCostCache(costs)
        .UseBudget(costs)
        .Build();

    var isFirstRun = (await costs.Ledger.TotalsAsync())[0].Calls == 0;
    var startedAt = DateTimeOffset.UtcNow;
    var checks = new Checks();

    var provider = arguments.Live ? "at api.openai.com" : "offline (a local endpoint answers)";
    Console.WriteLine($"LlmCostCache.AI quickstart: {Model}, {provider}");
    Console.WriteLine($"Ledger and cache: {home}{(keepsHome ? "" : " (deleted at the end; --home DIR keeps it)")}");

    // 1. Four features of an application ask 48 times. The scope says who asks; it is all that reports need later.
    var costsOf = new Dictionary<Question, List<CallCost>>();
    foreach (var scenario in Workload.Scenarios)
    {
        foreach (var (question, i) in scenario.Calls.Select((question, i) => (question, i)))
        {
            using (CostScope.Begin(project: "quickstart", feature: scenario.Feature))
            {
                List<ChatMessage> messages = [new(ChatRole.User, question.Prompt)];
                if (scenario.System is not null)
                {
                    messages.Insert(0, new(ChatRole.System, scenario.System));
                }

                // Every third call streams. Streamed and whole answers share their entry in the cache.
                var response = i % 3 == 2
                    ? await client.GetStreamingResponseAsync(messages).ToChatResponseAsync()
                    : await client.GetResponseAsync(messages);
                checks.That(local is null || response.Text == question.Answer, $"another answer to '{question.Prompt}'");
                (costsOf.TryGetValue(question, out var seen) ? seen : costsOf[question] = []).Add(response.GetCost());
            }
        }
    }

    Console.WriteLine();
    Console.WriteLine($"1. {Workload.CallCount} calls of four features, {Workload.Questions.Count} different questions");
    Console.WriteLine();

    // Hits are written behind the caller's back; wait for the last of them before reading.
    await costs.FlushAsync();
    var here = new LedgerFilter { Project = "quickstart", Since = startedAt };
    var byFeature = (await costs.Ledger.TotalsAsync(LedgerDimension.Feature, filter: here)).ToDictionary(total => total.Key ?? "");
    var all = (await costs.Ledger.TotalsAsync(filter: here))[0];
    TextTable.Print(
        ["scenario", "calls", "hits", "hit rate", "spent", "saved"],
        [
            .. Workload.Scenarios.Select(scenario => Row(scenario.Name, byFeature[scenario.Feature])),
            Row("total", all),
        ],
        lastIsTotal: true);

    // What GetCost() says about one question and its repetition.
    var ofFirstQuestion = costsOf[Workload.Scenarios[0].Questions[0]];
    var (first, again) = (ofFirstQuestion[0], ofFirstQuestion[1]);
    Console.WriteLine();
    Console.WriteLine($"  The first question: {Describe(first)}");
    Console.WriteLine($"  The same again:     {Describe(again)}");
    Console.WriteLine();

    // What the table means in money, with the formula. A hit rate is not a saving: dear questions may be asked once and cheap ones often.
    var without = all.Spent + all.Saved;
    var aYear = all.Saved.Usd / all.Calls * 10_000 * 12;
    var (less, fewer) = (Percent(all.Saved.Usd, without.Usd), Percent(all.Hits, all.Calls));
    Console.WriteLine($"  Without the cache {without}, with it {all.Spent}: {less} less money for {fewer} fewer requests.");
    Console.WriteLine($"  At 10,000 such calls a month: {all.Saved} / {all.Calls} x 10,000 x 12 = {Money.FromUsd(aYear):0.00} a year.");

    checks.That(all.Calls == 48 && Workload.CallCount == 48, $"{all.Calls} calls instead of 48");
    checks.That(all.Unpriced == 0 && all.Failed == 0, "calls failed or have no price");
    if (isFirstRun && !arguments.Live)
    {
        checks.That(all.Hits == 28, $"{all.Hits} hits instead of 28");
        foreach (var scenario in Workload.Scenarios)
        {
            var hits = byFeature[scenario.Feature].Hits;
            checks.That(hits == scenario.ExpectedHits, $"{scenario.Name}: {hits} hits instead of {scenario.ExpectedHits}");
        }
    }
    else if (!isFirstRun)
    {
        Console.WriteLine("  This home was used before: answers of earlier runs that are younger than a day came from its disk.");
    }

    // 2. A model that never stops calling a tool. Function invocation would go on for 1,000 rounds; the budget of one cent per session ends
    //    it, before the call that might cross it and not after.
    Console.WriteLine();
    Console.WriteLine("2. A tool loop that would not end, on a budget of one cent");
    Console.WriteLine();
    var rounds = 0;
    var session = Guid.NewGuid().ToString("N");
    var buildStatus = AIFunctionFactory.Create(() => BuildLog(++rounds), "get_build_status", "The state of the build and its log.");
    var options = new ChatOptions { Tools = [buildStatus], MaxOutputTokens = 300 };
    string end;
    using (CostScope.Begin(project: "quickstart", feature: "build-agent", session: session, agent: "build-watcher"))
    {
        try
        {
            await client.GetResponseAsync("Watch the build: ask for its status until it has finished, then summarise the log.", options);
            end = "the model stopped by itself";
        }
        catch (BudgetExceededException refused)
        {
            end = $"{nameof(BudgetExceededException)}, before the next request was sent:\n  {refused.Message}";
            checks.That(refused.Spent <= refused.Limit, $"{refused.Spent} spent of {refused.Limit}");
        }
    }

    await costs.FlushAsync();
    var loop = (await costs.Ledger.TotalsAsync(filter: new LedgerFilter { Session = session }))[0];
    Console.WriteLine($"  rounds   {loop.Calls - loop.Blocked} paid, {loop.Blocked} refused");
    Console.WriteLine($"  spent    {loop.Spent}");
    Console.WriteLine($"  limit    {perSession.Limit}");
    Console.WriteLine($"  ended    {end}");
    Console.WriteLine();
    Console.WriteLine("  A strict budget holds the most a call can cost: every byte a token, no prompt cache, the longest answer.");
    checks.That(arguments.Live || loop.Blocked == 1, "the loop was not stopped by its budget");
    checks.That(arguments.Live || loop.Calls - loop.Blocked == rounds, $"{loop.Calls - loop.Blocked} paid calls for {rounds} rounds");
    checks.That(loop.Spent <= perSession.Limit, $"the loop spent {loop.Spent}");

    // 3. The ledger: every call, hit and refusal is a row; any dimension of the scope adds it up.
    Console.WriteLine();
    Console.WriteLine("3. The ledger by feature");
    Console.WriteLine();
    var totals = await costs.Ledger.TotalsAsync(LedgerDimension.Feature, filter: here);
    var sum = (await costs.Ledger.TotalsAsync(filter: here))[0];
    TextTable.Print(
        ["feature", "rows", "hits", "refused", "tokens in", "from prompt cache", "tokens out", "spent", "saved"],
        [.. totals.Select(total => LedgerRow(total.Key ?? "(none)", total)), LedgerRow("total", sum)],
        lastIsTotal: true);
    var paid = sum.Calls - sum.Hits - sum.Blocked;
    checks.That(local is null || local.Requests == paid, $"the endpoint saw {local?.Requests} requests, the ledger has {paid}");

    if (keepsHome)
    {
        Console.WriteLine();
        Console.WriteLine($"Run it again with the same home and nothing is paid twice; delete {home} when you are done.");
    }

    return checks.Report();
}
catch (ClientResultException refused) when (arguments.Live)
{
    Console.Error.WriteLine($"api.openai.com: {refused.Message}");
    return 1;
}
finally
{
    if (!keepsHome)
    {
        Directory.Delete(home, recursive: true);
    }
}

static string[] Row(string name, LedgerTotal total) =>
    [name, Number(total.Calls), Number(total.Hits), Percent(total.Hits, total.Calls), Dollars(total.Spent), Dollars(total.Saved)];

static string[] LedgerRow(string name, LedgerTotal total) =>
[
    name, Number(total.Calls), Number(total.Hits), Number(total.Blocked),
    Number(total.Usage.TotalInputTokens), Number(total.Usage.CachedInputTokens), Number(total.Usage.TotalOutputTokens),
    Dollars(total.Spent), Dollars(total.Saved),
];

static string Describe(CallCost cost) => cost.CacheLayer == CacheLayer.None
    ? $"{cost.Amount} for {cost.Usage.TotalInputTokens} tokens in, {cost.Usage.TotalOutputTokens} out."
    : $"{cost.Amount}, {cost.Saved} saved; the answer came from the cache ({cost.CacheLayer}).";

static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

static string Percent(decimal part, decimal whole) => (whole == 0 ? 0 : part / whole).ToString("0.0 %", CultureInfo.InvariantCulture);

// Eight places show every digit: one token of this model costs $0.00000015.
static string Dollars(Money amount) => amount.ToString("0.00000000", CultureInfo.InvariantCulture);

static string BuildLog(int round) =>
    string.Create(CultureInfo.InvariantCulture, $"state: running, step {round} of 400, {round * 11} tests passed, 0 failed; ") +
    string.Join("; ", Enumerable.Range(round * 7, 7).Select(i => $"compiled src/Module{i:000}/Module{i:000}.csproj"));
