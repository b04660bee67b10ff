using System.Diagnostics;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>What the command line offers, and that real shells offer it.</summary>
public class CompletionTests
{
    private const string Hostile = "$(touch pwned) `id` 'x\" \\ *";

    [Theory]
    [InlineData("ledger", "led")]
    [InlineData("verify", "ledger", "v")]
    [InlineData("--then-by", "report", "--then")]
    [InlineData("--home", "ledger", "verify", "--ho")]
    [InlineData("session", "report", "ses")]
    [InlineData("cache-layer", "report", "--then-by", "cache")]
    [InlineData("--sort=tokens", "report", "--sort=t")]
    [InlineData("model,user", "report", "--by", "model,u")]
    [InlineData("focus-parquet", "export", "--format", "focus-")]
    [InlineData("zsh", "completion", "z")]
    [InlineData("Europe/Berlin", "report", "--timezone", "Europe/Berl")]
    [InlineData("gpt-4o-mini", "price", "gpt-4o-min")]
    public async Task The_only_word_that_fits_is_offered(string expected, params string[] words)
    {
        var offered = await OfferAsync(words);

        Assert.Equal(expected, offered[0]);
    }

    [Theory]
    [InlineData("files", "import", "")]
    [InlineData("files", "export", "--output", "x")]
    [InlineData("directories", "report", "--home", "")]
    [InlineData("words", "report", "--since", "")]
    public async Task Where_a_file_is_meant_the_shell_offers_its_own(string kind, params string[] words)
    {
        var run = await CliRun.Of(["completion", "words", "--", .. words]);

        Assert.Equal([kind], run.Lines);
    }

    [Fact]
    public async Task What_stands_in_the_line_already_is_not_offered_again_and_what_is_hidden_never()
    {
        Assert.DoesNotContain("--compare", await OfferAsync("report", "--compare", "--"));
        Assert.DoesNotContain("words", await OfferAsync("completion", ""));
        Assert.Contains("--latency", await OfferAsync("report", "--compare", "--"));
    }

    [Fact]
    public async Task Names_of_the_ledger_are_offered_where_they_are_meant()
    {
        using var home = await LedgerAsync();

        Assert.Equal(["alice", "bob"], await OfferAsync("report", "--home", home.Path, "--user", ""));
        Assert.Equal(["team-red"], await OfferAsync("budget", "show", $"--home={home.Path}", "--name", "team"));
        Assert.Equal(["llama3:8b"], await OfferAsync("report", "--home", home.Path, "--model", "lla"));
        Assert.Equal([Hostile], await OfferAsync("report", "--home", home.Path, "--feature", ""));
    }

    [Theory]
    [InlineData("")]
    [InlineData("this is no ledger")]
    public async Task A_ledger_that_cannot_be_read_is_no_matter_for_somebody_who_types(string content)
    {
        using var home = new TempHome();
        await File.WriteAllTextAsync(Path.Combine(home.Path, "ledger.db"), content);

        var run = await CliRun.Of("completion", "words", "--", "report", "--home", home.Path, "--user", "");

        Assert.Equal((0, "words\n", ""), (run.Code, run.Output, run.Error));
    }

    [ShellFact("bash")]
    public async Task Bash_completes_commands_options_words_and_names()
    {
        using var shell = await Shell.CreateAsync("bash");
        using var home = await LedgerAsync();
        var at = $"llmcost report --home {home.Path}";

        Assert.Equal(["compact"], await Bash("llmcost ledger co"));
        Assert.Equal(["--then-by"], await Bash("llmcost report --then"));
        Assert.Equal(["tokens"], await Bash("llmcost report --sort=to"));
        Assert.Equal(["alice", "bob"], await Bash($"{at} --user "));

        // Bash replaces only what is behind the colon.
        Assert.Equal(["8b"], await Bash($"{at} --model llama3:"));
        Assert.Empty(await Bash("llmcost import "));

        async Task<string[]> Bash(string line) => await shell.RunAsync($$"""
            source "$1"
            complete -p llmcost > /dev/null || exit 9
            COMP_LINE={{Quoted(line)}} COMP_POINT={{line.Length}}
            COMP_WORDS=({{string.Join(' ', line.Replace(":", " : ", StringComparison.Ordinal).Replace("=", " = ", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries))}} {{(line.EndsWith(' ') ? "''" : "")}})
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _llmcost
            printf '%s\n' "${COMPREPLY[@]}"
            """);
    }

    [ShellFact("bash")]
    public async Task A_name_that_would_like_to_be_run_is_quoted_by_bash()
    {
        using var shell = await Shell.CreateAsync("bash");
        using var home = await LedgerAsync();
        var line = $"llmcost report --home {home.Path} --feature ";

        var typed = await shell.RunAsync($$"""
            cd "$2"
            source "$1"
            COMP_LINE={{Quoted(line)}} COMP_POINT={{line.Length}} COMP_WORDS=({{line}} '') COMP_CWORD=5
            _llmcost
            eval "set -- ${COMPREPLY[0]}"
            printf '%s\n' "$#" "$1"
            ls
            """);

        // One word, the same as in the ledger, after a shell has read what would stand in the line; and nothing was run.
        Assert.Equal(["1", Hostile], typed[..2]);
        Assert.DoesNotContain("pwned", typed[2..]);
    }

    [ShellFact("zsh")]
    public async Task Zsh_completes_commands_options_words_and_names()
    {
        using var shell = await Shell.CreateAsync("zsh");
        using var home = await LedgerAsync();

        Assert.Equal(["compact"], await Zsh("llmcost", "ledger", "co"));
        Assert.Equal(["--sort=tokens"], await Zsh("llmcost", "report", "--sort=to"));
        Assert.Equal(["alice", "bob"], await Zsh("llmcost", "report", "--home", home.Path, "--user", ""));
        Assert.Equal([Hostile], await Zsh("llmcost", "report", "--home", home.Path, "--feature", ""));
        Assert.Equal(["(files)"], await Zsh("llmcost", "import", ""));

        async Task<string[]> Zsh(params string[] line) => await shell.RunAsync($$"""
            compdef() { : }
            _files() { print -r -- '(files)' }
            compadd() { print -rl -- "${(@P)@[-1]}" }
            source "$1"
            words=({{string.Join(' ', line.Select(Quoted))}}) CURRENT={{line.Length}} PREFIX={{Quoted(line[^1])}}
            _llmcost
            """);
    }

    [ShellFact("fish")]
    public async Task Fish_completes_commands_options_words_and_names()
    {
        using var shell = await Shell.CreateAsync("fish");
        using var home = await LedgerAsync();

        Assert.Equal(["compact"], await Fish("llmcost ledger co"));
        Assert.Equal(["--then-by"], await Fish("llmcost report --then"));
        Assert.Equal(["alice", "bob"], await Fish($"llmcost report --home {home.Path} --user "));
        Assert.Equal(["llama3:8b"], await Fish($"llmcost report --home {home.Path} --model lla"));

        async Task<string[]> Fish(string line) => [.. (await shell.RunAsync($"source $argv[1]; complete -C {Quoted(line)}")).Select(word => word.Split('\t')[0])];
    }

    [Fact]
    public async Task Scripts_are_json_too()
    {
        var json = (await CliRun.Of("completion", "fish", "--json")).Json;

        Assert.Equal(("completion/1", "fish"), (json.GetProperty("schema").GetString(), json.GetProperty("shell").GetString()));
        Assert.Equal((await CliRun.Of("completion", "fish")).Output, json.GetProperty("script").GetString());
    }

    private static async Task<string[]> OfferAsync(params string[] words)
    {
        var run = await CliRun.Of(["completion", "words", "--", .. words]);
        Assert.Equal((0, "", "words"), (run.Code, run.Error, run.Lines[0]));
        return [.. run.Lines[1..].Select(line => line.Split('\t')[0])];
    }

    private static Task<SampleHome> LedgerAsync() => SampleHome.CreateAsync(
        options => options.Budgets.Add(Budget.Daily(1m).Named("team-red")),
        SampleHome.Call("2026-11-20T10:00:00Z", 1m, "llama3:8b", "alice"),
        SampleHome.Call("2026-11-20T11:00:00Z", 1m, user: "bob") with { Attribution = Attribution.None with { User = "bob", Feature = Hostile } },
        SampleHome.Call("2026-11-20T12:00:00Z", 1m, user: "eve\u001b[31m"));

    private static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>A shell with the script for it, and with llmcost where it looks for programs.</summary>
    private sealed class Shell(string name) : IDisposable
    {
        private readonly TempHome _files = new();

        public static async Task<Shell> CreateAsync(string name)
        {
            var shell = new Shell(name);
            var program = Path.Combine(shell._files.Path, "llmcost");
            await File.WriteAllTextAsync(program, $"#!/bin/sh\nexec dotnet {Quoted(CliProcess.Assembly)} \"$@\"\n");
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            await File.WriteAllTextAsync(shell.Script, (await CliRun.Of("completion", name)).Output);
            return shell;
        }

        private string Script => Path.Combine(_files.Path, "completion");

        /// <summary>Runs lines of the shell, whose first argument is the script and whose second an empty directory.</summary>
        public async Task<string[]> RunAsync(string lines)
        {
            var empty = Directory.CreateDirectory(Path.Combine(_files.Path, "empty")).FullName;
            var start = new ProcessStartInfo(name, name == "fish" ? ["--no-config", "-c", lines, Script, empty] : name == "zsh" ? ["-f", "-c", lines, "zsh", Script, empty] : ["--norc", "-c", lines, "bash", Script, empty])
            {
                RedirectStandardOutput = true,
                RedirectStandardInput = true,
            };
            start.Environment["PATH"] = $"{_files.Path}:{start.Environment["PATH"]}";
            start.Environment["HOME"] = _files.Path;
            start.Environment["LLMCOSTCACHE_HOME"] = empty;
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            var output = await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(1));
            await process.WaitForExitAsync();
            return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }

        public void Dispose() => _files.Dispose();
    }
}
