// One call of a kernel function can be several calls of a model. Here each is filed under the plugin and function that made it.
//
//   dotnet run --project examples/SemanticKernel      offline: a scripted model answers

using System.Globalization;
using LlmCostCache.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using SemanticKernelExample;

var home = Directory.CreateTempSubdirectory("llmcost-kernel-").FullName;
try
{
    await using var costs = LlmCosts.Open(o => o.HomeDirectory = home);
    var builder = Kernel.CreateBuilder();

    // Function invocation outside, the meter inside: every round is a row of its own. The filters file it under plugin and function.
    builder.Services.AddSingleton(new ScriptedModel().AsBuilder().UseKernelFunctionInvocation().UseUsageMetering(costs).Build());
    builder.AddLlmCostFilters(costs, options => options.CacheFunctions.Add("Writer.Slogan"));
    var kernel = builder.Build();

    kernel.ImportPluginFromFunctions("Shop", [KernelFunctionFactory.CreateFromMethod((string product) => $"{product}: 34.90 EUR", "price")]);
    var mayCallFunctions = new PromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() };
    kernel.ImportPluginFromFunctions("Writer",
    [
        KernelFunctionFactory.CreateFromPrompt("Advertise the {{$product}} with its price.", mayCallFunctions, "Advert"),
        KernelFunctionFactory.CreateFromPrompt("A slogan for a {{$product}}, please.", functionName: "Slogan"),
    ]);

    var teapot = new KernelArguments { ["product"] = "teapot" };
    Console.WriteLine($"Writer.Advert: {await kernel.InvokeAsync("Writer", "Advert", teapot)}");
    Console.WriteLine($"Writer.Slogan: {await kernel.InvokeAsync("Writer", "Slogan", teapot)}");
    Console.WriteLine($"Writer.Slogan: {await kernel.InvokeAsync("Writer", "Slogan", teapot)}   (from the cache)");
    Console.WriteLine();

    await costs.FlushAsync();
    Console.WriteLine("  function        calls        cost       saved");
    Console.WriteLine("  --------------  -----  ----------  ----------");
    var totals = await costs.Ledger.TotalsAsync(LedgerDimension.Feature);
    foreach (var total in totals)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {total.Key,-14}  {total.Calls,5}  {total.Spent,10:0.0000000}  {total.Saved,10:0.0000000}"));
    }

    Console.WriteLine();
    Console.WriteLine("Writer.Advert asked the model twice, because it looked the price up. Shop.price is native and costs nothing.");
    return totals.Count == 2 && totals.Sum(total => total.Calls) == 4 ? 0 : 1;
}
finally
{
    Directory.Delete(home, recursive: true);
}
