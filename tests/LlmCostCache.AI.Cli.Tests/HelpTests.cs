using System.CommandLine;
using System.Text.RegularExpressions;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Tests;

public partial class HelpTests
{
    public static TheoryData<string> Commands => [.. All().Select(command => command.Path)];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Every_command_has_help_and_an_example_that_parses(string path)
    {
        var run = await CliRun.Of([.. Arguments(path), "--help"]);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("Usage:", run.Output, StringComparison.Ordinal);
        var examples = run.Output[run.Output.LastIndexOf("Example", StringComparison.Ordinal)..].Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..];
        Assert.NotEmpty(examples);
        foreach (var example in examples)
        {
            var line = example[example.IndexOf("llmcost", StringComparison.Ordinal)..].Split('>')[0].Trim();
            Assert.Empty(CommandLine.Build(Host()).Parse(line["llmcost".Length..].Trim()).Errors);
        }
    }

    /// <summary>zsh, which macOS comes with, refuses a word with a star that no file matches.</summary>
    [Theory]
    [MemberData(nameof(Commands))]
    public void No_example_has_a_star_that_a_shell_would_take_for_file_names(string path)
    {
        var examples = (All().Single(command => command.Path == path).Command as IHasExamples)?.Examples ?? [];

        Assert.DoesNotContain(examples, static example => Quoted().Replace(example, "").Contains('*', StringComparison.Ordinal));
    }

    /// <summary>The help in <c>docs/reference/cli.md</c> is what the commands say. With UPDATE_DOCS=1 the test writes it there instead.</summary>
    [Fact]
    public async Task The_reference_says_what_the_commands_say()
    {
        var file = Path.Combine(RepositoryRoot(), "docs", "reference", "cli.md");
        var text = (await File.ReadAllTextAsync(file)).ReplaceLineEndings("\n");
        var written = text;
        foreach (var (path, _) in All())
        {
            var help = await CliRun.Of([.. Arguments(path), "--help"]);
            var section = new Regex($"(?<=<!-- help: {Regex.Escape(path)} -->\n```text\n).*?(?=```\n<!-- end -->)", RegexOptions.Singleline);
            Assert.True(section.IsMatch(written), $"docs/reference/cli.md has no section for '{path}'.");
            written = section.Replace(written, _ => TrailingSpace().Replace(help.Output, "").Trim('\n') + "\n");
        }

        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1")
        {
            await File.WriteAllTextAsync(file, written);
        }
        else
        {
            Assert.Equal(written, text);
        }
    }

    /// <summary>Whoever parses our output finds each field explained.</summary>
    [Fact]
    public async Task The_reference_names_every_field_of_the_json()
    {
        var reference = string.Concat(((string[])["cli.md", "json.md"]).Select(page => File.ReadAllText(Path.Combine(RepositoryRoot(), "docs", "reference", page))));
        using var home = await SampleHome.CreateAsync(options => options.Budgets.Add(Budget.Daily(1m)), SampleHome.Call("2026-11-22T10:00:00Z", 1.25m));
        using var cache = await CacheHome.WithAnswersAsync();
        var exported = Path.Combine(cache.Path, "answers.jsonl");
        CliRun[] runs =
        [
            await CliRun.Of("--home", home.Path, "--json"),
            await CliRun.Of("report", "--home", home.Path, "--then-by", "user", "--json"),
            await CliRun.Of("report", "user", "--home", home.Path, "--last", "7d", "--compare", "--breakdown", "--latency", "--top", "1", "--json"),
            await CliRun.Of("reprice", "--home", home.Path, "--by", "model", "--json"),
            await CliRun.Of("ledger", "archive", "--home", home.Path, "--keep", "0", "--dry-run", "--json"),
            await CliRun.Of("price", "gpt-4o", "--input", "1", "--cached", "3", "--json"),
            await CliRun.Of("price", "deepseek-chat", "--provider", "deepseek-cn", "--input", "1", "--json"),
            await CliRun.Of("price", "no-such-model", "--json"),
            await CliRun.WithInput("Hello", "estimate", "--model", "gpt-4o", "--json"),
            await CliRun.Of("prices", "list", "gpt-4o", "--provider", "openai", "--json"),
            await CliRun.Of("prices", "show", "gpt-4o", "--json"),
            await CliRun.Of("prices", "show", "no-such-model", "--json"),
            await CliRun.WithEnvironment(new() { ["LLMCOSTCACHE_PRICES"] = """{"models": [{"id": "m", "input": "9000", "output": "1"}]}""" }, "", "prices", "check", "--json"),
            await CliRun.WithInput(PriceLists.LiteLlm, "prices", "import", "-", "--json"),
            await CliRun.Of("prices", "diff", "built-in", "effective", "--json"),
            await CliRun.Of("completion", "bash", "--json"),
            await CliRun.Of("version", "--json"),
            await CliRun.Of("export", "--home", home.Path, "-o", Path.Combine(home.Path, "x.jsonl"), "--json"),
            await CliRun.Of("budget", "set", "--period", "rolling", "--span", "24h", "5", "--home", home.Path, "--json"),
            await CliRun.Of("budget", "set", "--period", "day", "5", "--home", home.Path, "--json"),
            await CliRun.Of("budget", "grant", "1", "--period", "day", "--until", "2026-12-01", "--home", home.Path, "--json"),
            await CliRun.Of("budget", "list", "--home", home.Path, "--json"),
            await CliRun.Of("budget", "show", "--period", "day", "--home", home.Path, "--json"),
            await CliRun.Of("budget", "remove", "--period", "day", "--home", home.Path, "--json"),
            await CliRun.Of("budget", "remove", "--grant", "1", "--home", home.Path, "--json"),
            await CliRun.Of("budget", "history", "--home", home.Path, "--json"),
            await CliRun.Of("ledger", "verify", "--home", home.Path, "--json"),
            await CliRun.Of("ledger", "stats", "--home", home.Path, "--json"),
            await CliRun.Of("ledger", "tail", "--home", home.Path, "--json"),
            await CliRun.Of("ledger", "backup", Path.Combine(home.Path, "copy.db"), "--home", home.Path, "--json"),
            await CliRun.Of("ledger", "repair", "--home", home.Path, "--json"),
            await CliRun.Of("ledger", "repair", "--salvage", Path.Combine(home.Path, "saved.db"), "--home", home.Path, "--json"),
            await CliRun.Of("ledger", "compact", "--home", home.Path, "--json"),
            await CliRun.Of("export", "--home", home.Path, "--format", "focus", "-o", Path.Combine(home.Path, "x.csv"), "--json"),
            await CliRun.WithInput("{\"id\":\"i\",\"at\":\"2026-11-22T10:00:00Z\",\"model\":\"m\",\"cost_usd\":0.1}\n{}\n", "import", "-", "--home", home.Path, "--json"),
            await CliRun.Of("record", "--model", "gpt-4o", "--input", "1", "--home", home.Path, "--json"),
            await CliRun.Of("merge", home.Path, "--home", cache.Path, "--json"),
            await CliRun.Of("cache", "stats", "--home", cache.Path, "--json"),
            await CliRun.Of("cache", "list", "--home", cache.Path, "--json"),
            await CliRun.Of("cache", "show", await cache.KeyOfAsync("gpt-4o"), "--home", cache.Path, "--show-content", "--json"),
            await CliRun.Of("cache", "clear", "--all", "--dry-run", "--home", cache.Path, "--json"),
            await CliRun.WithInput("""{"messages":[{"role":"user","content":"Sum up"}],"model":"gpt-4o"}""", "cache", "why-miss", "-", "--show-content", "--home", cache.Path, "--json"),
            await CliRun.Of("cache", "verify", "--home", cache.Path, "--json"),
            await CliRun.Of("cache", "export", exported, "--home", cache.Path, "--json"),
            await CliRun.Of("cache", "import", exported, "--home", cache.Path, "--json"),
        ];

        var fields = runs.SelectMany(run => Field().Matches(run.Output)).Select(match => match.Groups[1].Value).Distinct().ToList();

        Assert.True(fields.Count > 40);
        Assert.DoesNotContain(fields, field => !reference.Contains($"`{field}`", StringComparison.Ordinal));
        Assert.All(runs, run => Assert.Contains($"`{run.Json.GetProperty("schema").GetString()}`", reference, StringComparison.Ordinal));
    }

    private static IEnumerable<(string Path, Command Command)> All()
    {
        return Below("llmcost", CommandLine.Build(Host()));

        static IEnumerable<(string, Command)> Below(string path, Command command) =>
            command.Subcommands.Where(inner => !inner.Hidden).SelectMany(inner => Below($"{path} {inner.Name}", inner)).Prepend((path, command));
    }

    private static string[] Arguments(string path) => path.Split(' ')[1..];

    private static CliHost Host() => new()
    {
        Input = Stream.Null,
        Output = Stream.Null,
        Console = CliHost.ConsoleFor(TextWriter.Null, plain: true, unlimited: true),
        Error = TextWriter.Null,
    };

    private static string RepositoryRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "LlmCostCache.AI.sln")))
        {
            directory = Path.GetDirectoryName(directory)!;
        }

        return directory;
    }

    [GeneratedRegex("\"([a-z_0-9]+)\": ")]
    private static partial Regex Field();

    [GeneratedRegex("\"[^\"]*\"|'[^']*'")]
    private static partial Regex Quoted();

    [GeneratedRegex("[ \t]+(?=\n)")]
    private static partial Regex TrailingSpace();
}
