using System.CommandLine;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary><c>docs/walk.md</c> is written, and compared with what the commands say, by <c>eng/walk.sh</c>; here only that nothing was left out.</summary>
public class WalkTests
{
    [Fact]
    public void The_walk_passes_every_command()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "walk.md"));
        var shown = string.Concat(page.Split('\n').Where(line => line.StartsWith("$ ", StringComparison.Ordinal)).Select(line => $"{line}\n"));

        Assert.DoesNotContain(Leaves("llmcost", CommandLine.Build(Host())), path => !shown.Contains($"{path} ", StringComparison.Ordinal) && !shown.Contains($"{path}\n", StringComparison.Ordinal));
    }

    /// <summary>The commands that do something; those that only have commands below them do not.</summary>
    private static IEnumerable<string> Leaves(string path, Command command) =>
        command.Subcommands.Where(inner => !inner.Hidden).SelectMany(inner => Leaves($"{path} {inner.Name}", inner)).Concat(command.Action is null ? [] : [path]);

    private static CliHost Host() => new()
    {
        Input = Stream.Null,
        Output = Stream.Null,
        Console = CliHost.ConsoleFor(TextWriter.Null, plain: true, unlimited: true),
        Error = TextWriter.Null,
    };
}
