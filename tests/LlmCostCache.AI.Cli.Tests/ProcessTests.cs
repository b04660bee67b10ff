using System.Diagnostics;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>The real executable with real pipes.</summary>
public class ProcessTests
{
    private const string Question = """{"id":1,"model":"gpt-4o-mini","usage":{"input_tokens":1000}}""";

    [Fact]
    public async Task One_question_is_answered_before_the_next_is_asked()
    {
        using var process = CliProcess.Start("price", "--jsonl");
        for (var i = 0; i < 3; i++)
        {
            await process.StandardInput.WriteLineAsync(Question);
            await process.StandardInput.FlushAsync();

            var answer = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1));
            Assert.StartsWith("""{"id":1,"certainty":"known","cost_usd":"0.00015",""", answer, StringComparison.Ordinal);
        }

        process.StandardInput.Close();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task A_pipe_gets_plain_text_without_a_right_margin()
    {
        var model = new string('m', 90);
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T10:00:00Z", 1.25m, model));

        var (code, output, error) = await CliProcess.RunAsync("report", "--home", home.Path);

        Assert.Equal((0, ""), (code, error));
        Assert.Contains(model, output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output);
        Assert.Equal(3, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task Wrong_usage_ends_with_its_own_code()
    {
        var (code, output, error) = await CliProcess.RunAsync("report", "--by", "colour");

        Assert.Equal((ExitCode.WrongUsage, ""), (code, output));
        Assert.Contains("colour", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_c_ends_a_command_that_waits_for_input()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        // A shell that starts something in the background has it ignore Ctrl+C, and so do all its children, this test's included.
        using var process = CliProcess.Start(IgnoresInterrupts() ? ["env", "--default-signal=INT", "dotnet"] : ["dotnet"], "price", "--jsonl");
        await process.StandardInput.WriteLineAsync(Question);
        await process.StandardInput.FlushAsync();
        Assert.NotNull(await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1)));

        using (var kill = Process.Start("kill", ["-INT", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(ExitCode.Cancelled, process.ExitCode);
    }

    /// <summary>Whether this process, and so every one that it starts, ignores SIGINT (2).</summary>
    private static bool IgnoresInterrupts()
    {
        const string Ignored = "SigIgn:";
        const string Status = "/proc/self/status";
        return File.Exists(Status) && File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Ignored, StringComparison.Ordinal)) is { } line
            && (Convert.ToUInt64(line[Ignored.Length..].Trim(), 16) & (1UL << (2 - 1))) != 0;
    }

    /// <summary>As of a service without a home, or a container: the working directory is nobody's home.</summary>
    [UnixFact]
    public async Task A_home_of_the_user_that_does_not_exist_is_named_and_never_replaced_by_the_working_directory()
    {
        using var process = CliProcess.Start(["env", "-u", "LLMCOSTCACHE_HOME", "HOME=/no-such-home-of-a-user", "dotnet"], "report");
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();

        Assert.Contains("/no-such-home-of-a-user/.llmcostcache", await output + await error, StringComparison.Ordinal);
    }
}
