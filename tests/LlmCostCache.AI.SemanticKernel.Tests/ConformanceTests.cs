using Microsoft.SemanticKernel;

namespace LlmCostCache.AI.SemanticKernel.Tests;

/// <summary>The cases of the conformance suite that go through the kernel's OpenAI connector; the others are with the core.</summary>
public class ConformanceTests
{
    public static TheoryData<string> Cases => [.. ConformanceCase.All.Keys.Where(name => name.StartsWith("sk-openai/", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_case_costs_what_the_price_list_says(string name)
    {
        var test = ConformanceCase.All[name];
        using var home = new TempHome();
        await using var costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = home.Path;
            o.TimeProvider = new FixedClock(test.At);
        });
        using var wire = new WireHandler(test.Reply);
        using var http = new HttpClient(wire);
        var builder = Kernel.CreateBuilder();
        builder.AddOpenAIChatCompletion(test.Request.Model, "key", httpClient: http);
        builder.AddLlmCostFilters(costs);
        await AskAsync(builder.Build(), test.Request);

        await costs.FlushAsync();
        var row = Assert.Single(await costs.Store.ReadAsync(LedgerFilter.All).ToListAsync());
        var differences = test.Expected.Differences(null, row);
        Assert.True(differences.Count == 0, $"{name}: {test.About}\n{string.Join('\n', differences)}");
    }

    private static async Task AskAsync(Kernel kernel, ConformanceRequest request)
    {
        var settings = request.MaxOutputTokens is { } limit ? new PromptExecutionSettings { ExtensionData = new Dictionary<string, object> { ["max_tokens"] = limit } } : null;
        var function = KernelFunctionFactory.CreateFromPrompt(request.Text, settings);
        if (request.Streamed)
        {
            await foreach (var _ in kernel.InvokeStreamingAsync<StreamingChatMessageContent>(function))
            {
            }
        }
        else
        {
            await kernel.InvokeAsync(function);
        }
    }
}
