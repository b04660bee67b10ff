using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Processes of one machine that ask the same question at the same moment.</summary>
[Trait("Pace", "Machine")]
public class AskingProcessesTests
{
    [Fact]
    public async Task A_hundred_identical_calls_in_four_processes_ask_the_provider_once()
    {
        using var home = new TempHome();
        var processes = new List<Process>();
        try
        {
            for (var i = 0; i < 4; i++)
            {
                var process = SupportProcess.Start("ask", home.Path, "25");
                processes.Add(process);
                Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
            }

            processes.ForEach(process => process.StandardInput.WriteLine("go"));
            var said = await Task.WhenAll(processes.Select(process => process.StandardOutput.ReadToEndAsync()));
            var numbers = said.Select(line => line.Split(' ').Select(number => int.Parse(number, CultureInfo.InvariantCulture)).ToArray()).ToList();

            Assert.Equal(100, numbers.Sum(pair => pair[1]));

            // One, unless the file was too busy for a lease: then a process asks rather than wait.
            Assert.InRange(numbers.Sum(pair => pair[0]), 1, 4);
        }
        finally
        {
            processes.ForEach(process =>
            {
                process.Kill();
                process.Dispose();
            });
        }
    }

    [Fact]
    public async Task Two_caches_over_one_file_ask_once_and_the_other_finds_the_answer_there()
    {
        using var home = new TempHome();
        var provider = new FakeChatClient { Delay = TimeSpan.FromMilliseconds(300) };
        await using var one = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        await using var two = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        using var first = provider.AsBuilder().UseCostCache(one).Build();
        using var second = provider.AsBuilder().UseCostCache(two).Build();

        var asked = first.GetResponseAsync("Hello");
        while (provider.Calls.Count == 0)
            await Task.Delay(TimeSpan.FromMilliseconds(5));

        var found = await second.GetResponseAsync("Hello");

        Assert.Equal((await asked).Text, found.Text);
        Assert.Single(provider.Calls);
        Assert.Equal(CacheLayer.Disk, found.GetCost().CacheLayer);
    }

    [Fact]
    public async Task When_the_other_cache_gets_an_answer_that_is_not_stored_this_one_asks()
    {
        using var home = new TempHome();
        var provider = new FakeChatClient { Delay = TimeSpan.FromMilliseconds(300) };
        provider.Answer = (_, options, number) =>
        {
            var response = provider.DefaultAnswer(options, $"answer {number}");
            response.FinishReason = number == 1 ? ChatFinishReason.Length : ChatFinishReason.Stop;
            return Task.FromResult(response);
        };
        await using var one = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        await using var two = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        using var first = provider.AsBuilder().UseCostCache(one).Build();
        using var second = provider.AsBuilder().UseCostCache(two).Build();

        var asked = first.GetResponseAsync("Hello");
        while (provider.Calls.Count == 0)
            await Task.Delay(TimeSpan.FromMilliseconds(5));

        Assert.Equal("answer 2", (await second.GetResponseAsync("Hello")).Text);
        Assert.Equal("answer 1", (await asked).Text);
    }
}
