using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using LlmCostCache.AI.Cli.Commands;

namespace LlmCostCache.AI.Cli;

/// <summary>Runs a command line: parse, act, and turn whatever goes wrong into a sentence on standard error and an exit code.</summary>
internal static class CommandLine
{
    // "@alice" is a name here, not a file of further arguments.
    private static readonly ParserConfiguration s_parsing = new() { ResponseFileTokenReplacer = null };

    public static async Task<int> RunAsync(IReadOnlyList<string> args, CliHost host, CancellationToken cancellationToken = default)
    {
        try
        {
            var parse = Build(host).Parse(args, s_parsing);
            if (parse.Action is ParseErrorAction)
            {
                return WrongUsage(host, string.Join(Environment.NewLine, parse.Errors.Select(error => error.Message)), parse.CommandResult.Command);
            }

            var writer = new StringWriter();
            var invocation = new InvocationConfiguration { Output = writer, Error = host.Error, EnableDefaultExceptionHandler = false };
            var code = await parse.InvokeAsync(invocation, cancellationToken).ConfigureAwait(false);
            host.Console.Profile.Out.Writer.Write(writer.ToString());
            return code;
        }
        catch (UsageException wrong)
        {
            return WrongUsage(host, wrong.Message, null);
        }
        catch (StoreUnavailableException unusable)
        {
            return Fail(host, unusable.Message, ExitCode.StoreUnusable);
        }
        catch (LlmCostException wrong)
        {
            return Fail(host, wrong.Message, ExitCode.WrongUsage);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Cancelled;
        }
#pragma warning disable CA1031 // The last handler of the process: an exit code instead of a core dump.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            return Fail(host, $"This is a fault of llmcost; please report it with the lines below.{Environment.NewLine}{fault}", ExitCode.Fault, oneLine: false);
        }
    }

    /// <summary>Every command with its help.</summary>
    public static RootCommand Build(CliHost host)
    {
        var common = new CommonOptions();
        var root = new RootCommand("What was spent on language models, on what, and what was saved.");
        root.Options.Add(common.Home);
        root.Options.Add(common.Json);
        root.Subcommands.Add(new PriceCommand(common, host));
        root.Subcommands.Add(new VersionCommand(common, host));

        var help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Show help and examples";
        help.Action = new HelpWithExamples((HelpAction)help.Action!, host);
        var version = root.Options.OfType<VersionOption>().Single();
        version.Description = "Show the version";
        version.Action = new VersionCommand.OptionAction(common, host);
        return root;
    }

    private static int WrongUsage(CliHost host, string message, Command? command)
    {
        var path = command is null or RootCommand ? "llmcost" : $"llmcost {command.Name}";
        return Fail(host, $"{message}{Environment.NewLine}Try '{path} --help'.", ExitCode.WrongUsage, oneLine: false);
    }

    private static int Fail(CliHost host, string message, int code, bool oneLine = true)
    {
        host.Error.WriteLine($"llmcost: {(oneLine ? Rendering.Shown.OneLine(message) : Rendering.Shown.Lines(message))}");
        return code;
    }
}
