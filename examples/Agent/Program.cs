// An agent decides by itself how often it calls the model. Here every one of these calls is counted, capped and attributed.
//
//   dotnet run --project examples/Agent      offline: a scripted model answers

using System.Globalization;
using AgentExample;
using LlmCostCache.AI;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;

const string Session = "trip-to-lisbon";
var home = Directory.CreateTempSubdirectory("llmcost-agent-").FullName;
try
{
    // Two cents for everything that happens in this session, however many runs and rounds it takes.
    var budget = Budget.Total(0.02m).ForSession(Session);
    await using var costs = LlmCosts.Open(o =>
    {
        o.HomeDirectory = home;
        o.Budgets.Add(budget);
    });

    // The agent puts function invocation around the client it is given, so cache and budget are inside of it and see each round by itself.
    using var model = new ScriptedModel().AsBuilder().UseCostCache(costs).UseBudget(costs).Build();
    var agent = new ChatClientAgent(model, new ChatClientAgentOptions
    {
        Name = "travel-planner",
        ChatOptions = new ChatOptions
        {
            Instructions = "Plan the trip. Look flights and hotels up; never guess a price.",
            MaxOutputTokens = 300,
            Tools =
            [
                AIFunctionFactory.Create((string when) => $"{when}: 08:40 for 129 EUR, 13:15 for 158 EUR", "find_flights"),
                AIFunctionFactory.Create((string when) => $"{when}: Hotel Alfama 94 EUR, Hotel Rossio 121 EUR", "find_hotels"),
            ],
        },
    });

    // The scope names who pays: the agent for the reports, the session for the budget.
    using (CostScope.Begin(project: "agent-example", session: Session, agent: agent.Name))
    {
        var conversation = await agent.CreateSessionAsync();
        var answer = await agent.RunAsync("Book me a weekend in Lisbon.", conversation);
        Console.WriteLine($"travel-planner: {answer.Text}");
        Console.WriteLine($"                {answer.AsChatResponse().GetCost().Amount} for the whole answer, tool rounds included");
        Console.WriteLine();

        try
        {
            await agent.RunAsync("Now find the cheapest weekend of the year.", conversation);
            return 1;
        }
        catch (BudgetExceededException refused)
        {
            Console.WriteLine($"travel-planner: {refused.Message}");
        }
    }

    // One row for each call the agent made, and for the one it was not allowed to make.
    await costs.FlushAsync();
    Console.WriteLine();
    Console.WriteLine("  agent           session         status   tokens in  tokens out        cost");
    Console.WriteLine("  --------------  --------------  -------  ---------  ----------  ----------");
    await foreach (var row in costs.Ledger.ReadAsync(new LedgerFilter { Agent = agent.Name }))
    {
        var (who, used) = (row.Attribution, row.Cost.Usage);
        Console.WriteLine($"  {who.Agent,-14}  {who.Session,-14}  {row.Status,-7}  {Numbers(used, row.Cost.Amount)}");
    }

    var total = (await costs.Ledger.TotalsAsync(filter: new LedgerFilter { Session = Session }))[0];
    Console.WriteLine("  --------------  --------------  -------  ---------  ----------  ----------");
    Console.WriteLine($"  {$"{total.Calls - total.Blocked} paid, {total.Blocked} refused",-39}  {Numbers(total.Usage, total.Spent)}");
    Console.WriteLine();
    Console.WriteLine($"{total.Spent} spent of {budget.Limit}. The rest does not cover the worst case of another call, so none was sent.");
    return total.Blocked == 1 && total.Spent <= budget.Limit ? 0 : 1;
}
finally
{
    Directory.Delete(home, recursive: true);
}

static string Numbers(TokenUsage usage, Money? cost) =>
    string.Create(CultureInfo.InvariantCulture, $"{usage.TotalInputTokens,9}  {usage.TotalOutputTokens,10}  {cost,10:0.0000000}");
