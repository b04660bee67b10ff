using System.Text;
using Spectre.Console;

namespace LlmCostCache.AI.Cli;

/// <summary>What the command line touches of the outside world: streams, terminal, clock and environment.</summary>
internal sealed class CliHost
{
    /// <summary>Wider than any table, so that nothing is cut when nobody looks at a terminal.</summary>
    private const int Unlimited = 10_000;

    public required Stream Input { get; init; }

    /// <summary>Bytes of data: JSON, JSON lines, CSV.</summary>
    public required Stream Output { get; init; }

    /// <summary>The same standard output for people: tables and sentences.</summary>
    public required IAnsiConsole Console { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>Whether somebody sits there who can answer a question.</summary>
    public bool IsInteractive { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public Func<string, string?> Environment { get; init; } = _ => null;

    /// <summary>How wide help may be.</summary>
    public int Width => Math.Clamp(Console.Profile.Width, 60, 120);

    public static CliHost OfProcess()
    {
        // Windows consoles start with a legacy code page; amounts and names are UTF-8 everywhere.
        if (OperatingSystem.IsWindows())
        {
            System.Console.OutputEncoding = Encoding.UTF8;
        }

        var plain = IsPlain(System.Console.IsOutputRedirected, System.Environment.GetEnvironmentVariable);
        return new()
        {
            Input = System.Console.OpenStandardInput(),
            Output = System.Console.OpenStandardOutput(),
            Console = ConsoleFor(System.Console.Out, plain, System.Console.IsOutputRedirected),
            Error = System.Console.Error,
            IsInteractive = !System.Console.IsInputRedirected && !System.Console.IsErrorRedirected,
            Environment = System.Environment.GetEnvironmentVariable,
        };
    }

    /// <summary>Whether escape sequences are unwelcome: in pipes and files, and for people who set NO_COLOR to anything (no-color.org).</summary>
    public static bool IsPlain(bool isRedirected, Func<string, string?> environment) => isRedirected || !string.IsNullOrEmpty(environment("NO_COLOR"));

    /// <param name="writer">Where the text goes.</param>
    /// <param name="plain">Without escape sequences: for pipes, files and people who set NO_COLOR.</param>
    /// <param name="unlimited">Without a right margin.</param>
    public static IAnsiConsole ConsoleFor(TextWriter writer, bool plain, bool unlimited)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = plain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = plain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        if (unlimited)
        {
            console.Profile.Width = Unlimited;
        }

        return console;
    }
}
