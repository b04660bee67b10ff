using System.CommandLine;
using LlmCostCache.AI.Cli.Completion;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost completion words</c>: what the scripts ask for. Whatever goes wrong, it says nothing: somebody is typing.</summary>
internal sealed class CompletionWordsCommand : Command
{
    private readonly CliHost _host;
    private readonly Option<bool> _next = new("--next") { Description = "The word that is completed is not begun yet" };
    private readonly Argument<string[]> _words = new("WORD") { Description = "What was typed behind llmcost; the last one is completed", Arity = ArgumentArity.ZeroOrMore };

    public CompletionWordsCommand(CliHost host)
        : base("words", "Print what can stand at the end of a command line")
    {
        _host = host;
        Hidden = true;
        Options.Add(_next);
        Arguments.Add(_words);
        SetAction(Run);
    }

    private int Run(ParseResult parse)
    {
        string[] words = [.. parse.GetValue(_words) ?? [], .. parse.GetValue(_next) ? [""] : Array.Empty<string>()];
        var place = CompletionPlace.Of(CommandLine.Build(_host), words);
        var offer = new CompletionOffer(new CompletionNames(_host)).For(place);
        var writer = _host.Console.Profile.Out.Writer;
        writer.Write($"{offer.Kind}\n");
        foreach (var (word, description) in offer.Words)
        {
            writer.Write(description.Length == 0 ? $"{word}\n" : $"{word}\t{description}\n");
        }

        return ExitCode.Done;
    }
}
