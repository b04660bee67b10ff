using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace LlmCostCache.AI.Cli;

/// <summary>The usual help, and below it how the command is used.</summary>
internal sealed class HelpWithExamples : SynchronousCommandLineAction
{
    private readonly HelpAction _help;

    public HelpWithExamples(HelpAction help, CliHost host)
    {
        _help = help;
        _help.MaxWidth = host.Width;
    }

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        // What a command takes is not taken by those below it, though the parser would let it stand before their names.
        var above = parseResult.CommandResult.Command.Parents.OfType<Command>().SelectMany(command => command.Arguments).Where(argument => !argument.Hidden).ToList();
        above.ForEach(argument => argument.Hidden = true);
        var code = _help.Invoke(parseResult);
        above.ForEach(argument => argument.Hidden = false);
        if (parseResult.CommandResult.Command is IHasExamples { Examples: { Count: > 0 } examples })
        {
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine(examples.Count == 1 ? "Example:" : "Examples:");
            foreach (var example in examples)
            {
                output.WriteLine($"  {example}");
            }
        }

        return code;
    }
}
