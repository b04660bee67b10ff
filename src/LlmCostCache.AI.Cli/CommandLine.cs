using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using LlmCostCache.AI.Cli.Commands;

namespace LlmCostCache.AI.Cli;

/// <summary>Runs a command line: parse, act, and turn whatever goes wrong into a sentence on standard error and an exit code.</summary>
internal static class CommandLine
{
    // "@alice" is a name here, not a file of further arguments.
    private static readonly ParserConfiguration s_parsing = new() { ResponseFileTokenReplacer = null };

    public static async Task<int> RunAsync(IReadOnlyList<string> args, CliHost host, CancellationToken cancellationToken = default)
    {
        var parse = Build(host).Parse(args, s_parsing);
        try
        {
            if (parse.Action is ParseErrorAction)
            {
                return WrongUsage(host, string.Join(Environment.NewLine, parse.Errors.Select(Sentence)), parse.CommandResult);
            }

            var writer = new StringWriter();
            var invocation = new InvocationConfiguration { Output = writer, Error = host.Error, EnableDefaultExceptionHandler = false };
            var code = await parse.InvokeAsync(invocation, cancellationToken).ConfigureAwait(false);
            host.Console.Profile.Out.Writer.Write(writer.ToString());
            return code;
        }
        catch (Rendering.ReaderGoneException)
        {
            return ExitCode.ReaderGone;
        }
        catch (UsageException wrong)
        {
            return WrongUsage(host, wrong.Message, parse.CommandResult);
        }
        catch (StoreUnavailableException unusable)
        {
            return Fail(host, unusable.Message, ExitCode.StoreUnusable);
        }
        catch (LlmCostException wrong)
        {
            return Fail(host, wrong.Message, ExitCode.WrongUsage);
        }
        catch (IOException unwritten)
        {
            // What commands read they look after themselves; this is a full disk behind a pipe or a redirection.
            return Fail(host, $"the output could not be written: {unwritten.Message}", ExitCode.StoreUnusable);
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
    public static Command Build(CliHost host)
    {
        var common = new CommonOptions();
        var root = new OverviewCommand(common, host);
        root.Subcommands.Add(new ReportCommand(common, host));
        root.Subcommands.Add(new PriceCommand(common, host));
        root.Subcommands.Add(new EstimateCommand(common, host));
        root.Subcommands.Add(new PricesCommand(common, host));
        root.Subcommands.Add(new RepriceCommand(common, host));
        root.Subcommands.Add(new ExportCommand(common, host));
        root.Subcommands.Add(new ImportCommand(common, host));
        root.Subcommands.Add(new RecordCommand(common, host));
        root.Subcommands.Add(new MergeCommand(common, host));
        root.Subcommands.Add(new WatchCommand(common, host));
        root.Subcommands.Add(new StatusLineCommand(common, host));
        root.Subcommands.Add(new BlocksCommand(common, host));
        root.Subcommands.Add(new SavingsCommand(common, host));
        root.Subcommands.Add(new ShareCommand(common, host));
        root.Subcommands.Add(new ForecastCommand(common, host));
        root.Subcommands.Add(new WhatIfCommand(common, host));
        root.Subcommands.Add(new SimulateCommand(common, host));
        root.Subcommands.Add(new DoctorCommand(common, host));
        root.Subcommands.Add(new BudgetCommand(common, host));
        root.Subcommands.Add(new LedgerCommand(common, host));
        root.Subcommands.Add(new CacheCommand(common, host));
        root.Subcommands.Add(new CompletionCommand(common, host));
        root.Subcommands.Add(new VersionCommand(common, host));

        var help = new HelpOption { Description = "Show help and examples" };
        help.Action = new HelpWithExamples((HelpAction)help.Action!, host);
        root.Options.Add(help);
        root.Options.Add(new Option<bool>("--version") { Description = "Show the version", Action = new VersionCommand.OptionAction(common, host) });
        return root;
    }

    /// <summary>What the parser says, with the name of an argument that is missing, and the words it would take in one line.</summary>
    private static string Sentence(ParseError error) => error.SymbolResult is ArgumentResult { Tokens.Count: 0, Parent: CommandResult } missing
        ? $"{missing.Argument.Name} is missing: {missing.Argument.Description}."
        : NotANumber(error) ?? error.Message.ReplaceLineEndings("\n").Replace(":\n\t", ": ", StringComparison.Ordinal).Replace("\n\t", ", ", StringComparison.Ordinal);

    /// <summary>The parser would name the type of .NET that it could not make; null when that is not what is wrong.</summary>
    private static string? NotANumber(ParseError error)
    {
        var (name, type, tokens) = error.SymbolResult switch
        {
            OptionResult option => (option.Option.Name, option.Option.ValueType, option.Tokens),
            ArgumentResult { Parent: OptionResult option } => (option.Option.Name, option.Option.ValueType, option.Tokens),
            ArgumentResult argument => (argument.Argument.Name, argument.Argument.ValueType, argument.Tokens),
            _ => ("", typeof(string), []),
        };
        type = Nullable.GetUnderlyingType(type) ?? type;
        return (type == typeof(int) || type == typeof(long)) && tokens is [var given] && !(type == typeof(int) ? int.TryParse(given.Value, out _) : long.TryParse(given.Value, out _))
            ? $"{name} '{given.Value}' is not a whole number, or too large."
            : null;
    }

    private static int WrongUsage(CliHost host, string message, CommandResult command)
    {
        var path = command.Command.Name;
        for (var parent = command.Parent; parent is CommandResult outer; parent = outer.Parent)
        {
            path = $"{outer.Command.Name} {path}";
        }

        return Fail(host, $"{message}{Environment.NewLine}Try '{path} --help'.", ExitCode.WrongUsage, oneLine: false);
    }

    private static int Fail(CliHost host, string message, int code, bool oneLine = true)
    {
        host.Error.WriteLine($"llmcost: {(oneLine ? Rendering.Shown.OneLine(message) : Rendering.Shown.Lines(message))}");
        return code;
    }
}
