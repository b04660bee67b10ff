namespace LlmCostCache.AI.Cli.Tests;

/// <summary><c>llmcost ... | head</c>, with the real executable and real pipes.</summary>
public class ReaderGoneTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    public static TheoryData<string> Commands =>
    [
        "", "report", "report session --json", "report --csv", "export", "export --format csv", "export --format focus", "prices list", "prices list --json",
        "ledger tail", "ledger tail --follow", "ledger stats", "savings", "forecast", "blocks", "doctor", "watch", "watch --json", "price gpt-4o", "--help", "--version",
    ];

    [UnixTheory]
    [MemberData(nameof(Commands))]
    public async Task A_command_whose_reader_has_gone_ends_without_a_word(string command)
    {
        using var home = await ReportSample.CreateAsync();
        using var process = CliProcess.Start([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), .. command == "--version" ? Array.Empty<string>() : ["--home", home.Path]]);
        process.StandardOutput.Close();

        var error = await process.StandardError.ReadToEndAsync().WaitAsync(s_patience);
        await process.WaitForExitAsync().WaitAsync(s_patience);

        Assert.Equal((ExitCode.ReaderGone, ""), (process.ExitCode, error));
    }

    /// <summary>As under a supervisor that gives no standard output.</summary>
    [UnixTheory]
    [InlineData("")]
    [InlineData("--json")]
    public async Task An_output_that_is_closed_is_no_fault_of_the_program(string command)
    {
        using var home = await ReportSample.CreateAsync();
        using var process = CliProcess.Start(["sh", "-c", "exec dotnet \"$@\" >&-", "sh"], [.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--home", home.Path]);

        var error = await process.StandardError.ReadToEndAsync().WaitAsync(s_patience);
        await process.WaitForExitAsync().WaitAsync(s_patience);

        Assert.Equal((ExitCode.StoreUnusable, "llmcost: the output could not be written: standard output is closed."), (process.ExitCode, error.TrimEnd()));
    }

    [UnixFact]
    public async Task Watching_ends_when_its_reader_has_seen_enough()
    {
        using var home = await ReportSample.CreateAsync();
        using var process = CliProcess.Start("watch", "--interval", "0.2", "--home", home.Path);
        Assert.NotNull(await process.StandardOutput.ReadLineAsync().WaitAsync(s_patience));
        process.StandardOutput.Close();

        await process.WaitForExitAsync().WaitAsync(s_patience);

        Assert.Equal((ExitCode.ReaderGone, ""), (process.ExitCode, await process.StandardError.ReadToEndAsync()));
    }

    [UnixFact]
    public async Task Lines_that_nobody_wants_the_answers_of_are_not_worked_through()
    {
        using var process = CliProcess.Start("price", "--jsonl");
        var asking = Task.Run(() =>
        {
            try
            {
                while (true)
                {
                    process.StandardInput.WriteLine("""{"id":1,"model":"gpt-4o-mini","usage":{"input_tokens":1000}}""");
                }
            }
            catch (IOException)
            {
                // It has ended, and so has its input.
            }
        });
        Assert.NotNull(await process.StandardOutput.ReadLineAsync().WaitAsync(s_patience));
        process.StandardOutput.Close();

        await process.WaitForExitAsync().WaitAsync(s_patience);
        await asking.WaitAsync(s_patience);

        Assert.Equal(ExitCode.ReaderGone, process.ExitCode);
    }

    /// <summary>A scheduler that closes standard error, or a log on a disk that is full: the work and the exit code are those of every other day.</summary>
    [UnixTheory]
    [InlineData("&-", ExitCode.WrongUsage, "report", "--top", "0")]
    [InlineData("/dev/full", ExitCode.WrongUsage, "report", "--top", "0")]
    [InlineData("/dev/full", ExitCode.Found, "record", "--jsonl", "-")]
    public async Task What_nobody_can_be_told_changes_neither_work_nor_exit_code(string target, int code, params string[] args)
    {
        using var home = new TempHome();
        var redirection = target == "/dev/full" && !File.Exists(target) ? "2>&-" : $"2>{target}";
        using var process = CliProcess.Start(["sh", "-c", $"exec dotnet \"$@\" {redirection}", "sh"], [.. args, "--home", home.Path]);
        await process.StandardInput.WriteAsync("""{"model":"no"}""" + "\n" + """{"id":"b","model":"own","cost":0.25,"input_tokens":-1}""" + "\n");
        process.StandardInput.Close();
        var output = await process.StandardOutput.ReadToEndAsync().WaitAsync(s_patience);
        await process.WaitForExitAsync().WaitAsync(s_patience);

        Assert.Equal(code, process.ExitCode);
        Assert.Equal(args[0] == "record", output.Contains("2 rows read: 1 recorded, 0 already there, 1 rejected.", StringComparison.Ordinal));
    }
}
