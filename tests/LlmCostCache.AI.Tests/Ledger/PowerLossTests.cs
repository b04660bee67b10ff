namespace LlmCostCache.AI.Tests;

/// <summary>What is left after the power went: only the bytes that had been synced.</summary>
public class PowerLossTests
{
    [PowerLossFact]
    public async Task A_power_loss_takes_no_row_that_was_acknowledged()
    {
        await using var home = new LedgerHome();
        var shadow = Directory.CreateDirectory(home.Path + "-shadow").FullName;
        try
        {
            await home.Open().DisposeAsync();
            var shim = await Shim.CompileAsync("powerloss", shadow);
            var random = new Random(20260822);
            var acknowledged = new HashSet<string>();
            for (var loss = 0; loss < TestSize.PowerLosses; loss++)
            {
                foreach (var file in Directory.GetFiles(home.Path, "ledger.db*").Where(file => !file.EndsWith("-shm", StringComparison.Ordinal)))
                {
                    File.Copy(file, Path.Combine(shadow, Path.GetFileName(file)), overwrite: true);
                }

                using var writer = SupportProcess.Start(
                    new Dictionary<string, string> { ["LD_PRELOAD"] = shim, ["POWERLOSS_HOME"] = home.Path, ["POWERLOSS_SHADOW"] = shadow }, "append", home.Path);
                var rows = random.Next(1, 200);
                for (var row = 0; row < rows; row++)
                {
                    acknowledged.Add((await writer.StandardOutput.ReadLineAsync())!);
                }

                writer.Kill();
                acknowledged.UnionWith((await writer.StandardOutput.ReadToEndAsync()).Split('\n')[..^1]);
                await writer.WaitForExitAsync();
                foreach (var file in Directory.GetFiles(home.Path, "ledger.db*"))
                {
                    File.Delete(file);
                }

                foreach (var file in Directory.GetFiles(shadow, "ledger.db*").Where(file => !file.EndsWith(".draft", StringComparison.Ordinal)))
                {
                    File.Copy(file, Path.Combine(home.Path, Path.GetFileName(file)));
                    File.Delete(file);
                }
            }

            var store = home.Open();
            await foreach (var row in store.ReadAsync(LedgerFilter.All))
            {
                acknowledged.Remove(row.Id);
            }

            Assert.Empty(acknowledged);
            Assert.Empty((await store.VerifyAsync()).Problems);
        }
        finally
        {
            Directory.Delete(shadow, recursive: true);
        }
    }
}
