namespace LlmCostCache.AI.Tests;

public class CrashTests
{
    [Fact]
    public async Task A_killed_writer_loses_no_row_that_it_had_acknowledged()
    {
        await using var home = new LedgerHome();
        var random = new Random(20260822);
        var acknowledged = new HashSet<string>();
        for (var kill = 0; kill < TestSize.Kills; kill++)
        {
            using var writer = SupportProcess.Start("append", home.Path);
            var rows = random.Next(1, 400);
            for (var row = 0; row < rows; row++)
            {
                acknowledged.Add((await writer.StandardOutput.ReadLineAsync())!);
            }

            writer.Kill();
            var rest = (await writer.StandardOutput.ReadToEndAsync()).Split('\n');

            // The last piece may be an id that was cut off while it was being printed.
            acknowledged.UnionWith(rest[..^1]);
            await writer.WaitForExitAsync();
        }

        var store = home.Open();
        await foreach (var row in store.ReadAsync(LedgerFilter.All))
        {
            acknowledged.Remove(row.Id);
        }

        Assert.Empty(acknowledged);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }
}
