using System.Diagnostics;
using System.Text;
using LlmCostCache.AI.Cli.Rendering;
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

    /// <summary>Whether somebody watches standard error while we work.</summary>
    public bool IsWatched { get; init; }

    /// <summary>Whether text is drawn for a screen: with bars, as wide as it is. In a pipe or a file it is not.</summary>
    public bool IsDrawn => Console.Profile.Width < Unlimited;

    /// <summary>Shows a file with the program that the system has for it.</summary>
    public Action<string> Open { get; init; } = static file =>
    {
        using var shown = Process.Start(new ProcessStartInfo(file) { UseShellExecute = true });
    };

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

        var isRedirected = System.Console.IsOutputRedirected;
        var plain = IsPlain(isRedirected, System.Environment.GetEnvironmentVariable);
        var output = isRedirected ? new PipeOutput(System.Console.OpenStandardOutput()) : System.Console.OpenStandardOutput();
        return new()
        {
            Input = System.Console.OpenStandardInput(),
            Output = output,
            Console = ConsoleFor(isRedirected ? new StreamWriter(output, new UTF8Encoding(false)) { AutoFlush = true } : System.Console.Out, plain, isRedirected),
            Error = new ErrorOutput(System.Console.Error),
            IsInteractive = !System.Console.IsInputRedirected && !System.Console.IsErrorRedirected,
            IsWatched = !System.Console.IsErrorRedirected,
            Time = SaidTime.Of(System.Environment.GetEnvironmentVariable),
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

    /// <summary>Tells whoever waits what is done meanwhile.</summary>
    public void SayProgress(string what) => Error.WriteLine($"llmcost: {Rendering.Shown.OneLine(what)}");
}
