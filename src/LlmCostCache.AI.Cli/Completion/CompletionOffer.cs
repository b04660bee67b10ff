using System.CommandLine;
using System.CommandLine.Completions;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Completion;

/// <summary>What can stand at a place of a command line.</summary>
internal sealed class CompletionOffer(CompletionNames names)
{
    private const int MostWords = 500;
    private const int LongestDescription = 70;

    private static readonly string[] s_tiers = ["standard", "batch", "flex", "priority"];
    private static readonly string[] s_fileArguments = ["FILE", "REQUEST", "OTHER", "A", "B"];

    /// <returns>The kind of what is meant (<c>words</c>, <c>files</c>, <c>directories</c>), and the words that fit, with what they mean.</returns>
    public (string Kind, IReadOnlyList<(string Word, string Description)> Words) For(CompletionPlace place)
    {
        if (place.Option is { } option)
        {
            return option.HelpName switch
            {
                "FILE" => ("files", []),
                "DIR" => ("directories", []),
                _ => Words(place, Plain(ValuesOf(option, place.Home))),
            };
        }

        if (!place.OnlyArguments && place.Typed.StartsWith('-'))
        {
            return Words(place, place.Options.Where(other => !place.Given.Contains(other) || other.Arity.MaximumNumberOfValues > 1).Select(other => (other.Name, other.Description)));
        }

        var commands = place.Position == 0 && !place.OnlyArguments ? place.Command.Subcommands.Where(command => !command.Hidden).Select(command => (command.Name, command.Description)) : [];
        var arguments = place.Command.Arguments;
        var argument = arguments.Count == 0 ? null : place.Position < arguments.Count ? arguments[place.Position] : arguments[^1].Arity.MaximumNumberOfValues > 1 ? arguments[^1] : null;
        return argument is not null && s_fileArguments.Contains(argument.Name)
            ? ("files", [])
            : Words(place, commands.Concat(Plain(argument is null ? [] : argument.Name == "MODEL" ? names.Models(place.Home) : Fixed(argument.GetCompletions(CompletionContext.Empty)))));
    }

    private IEnumerable<string> ValuesOf(Option option, string? home)
    {
        var known = Fixed(option.GetCompletions(CompletionContext.Empty)).ToList();
        return known.Count > 0 ? known : (option.Name, option.HelpName) switch
        {
            (_, "MODEL") => names.Models(home),
            (_, "ZONE") => TimeZoneInfo.GetSystemTimeZones().Select(zone => zone.Id),
            (_, "TIER") => s_tiers,
            (_, "DIMENSION[,DIMENSION]") => Dimensions.Words.Concat(Dimensions.Words.SelectMany(first => Dimensions.Words.Where(second => second != first).Select(second => $"{first},{second}"))),
            ("--name", _) => names.Budgets(home),
            _ => names.OfOption(option.Name, home),
        };
    }

    private static IEnumerable<string> Fixed(IEnumerable<CompletionItem> items) => items.Select(item => item.Label);

    private static IEnumerable<(string Word, string? Description)> Plain(IEnumerable<string> words) => words.Select(word => (word, (string?)null));

    /// <summary>Those that begin as typed. A name with control characters in it can be neither shown nor typed, so it is not offered.</summary>
    private static (string Kind, IReadOnlyList<(string Word, string Description)> Words) Words(CompletionPlace place, IEnumerable<(string Word, string? Description)> words) => ("words",
    [
        .. words.Where(item => item.Word.StartsWith(place.Typed, StringComparison.Ordinal) && item.Word.Length > 0 && Shown.OneLine(item.Word) == item.Word)
            .DistinctBy(item => item.Word, StringComparer.Ordinal)
            .OrderBy(item => item.Word, StringComparer.Ordinal)
            .Take(MostWords)
            .Select(item => (place.Kept + item.Word, Short(item.Description))),
    ]);

    private static string Short(string? description) => description is null ? ""
        : description.Length <= LongestDescription ? description : $"{description[..(description.LastIndexOf(' ', LongestDescription) is > 0 and var end ? end : LongestDescription)]} ...";
}
