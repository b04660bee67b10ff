using System.CommandLine;

namespace LlmCostCache.AI.Cli.Completion;

/// <summary>Where in a command line the cursor stands, and so what is meant to stand there.</summary>
internal sealed record CompletionPlace
{
    /// <summary>The commands from the root to the one that is being typed.</summary>
    public required IReadOnlyList<Command> Path { get; init; }

    /// <summary>What is typed of the word.</summary>
    public required string Typed { get; init; }

    /// <summary>What of it stays as it is, such as <c>--model=</c>.</summary>
    public string Kept { get; init; } = "";

    /// <summary>The option whose value is being typed; null when none is.</summary>
    public Option? Option { get; init; }

    /// <summary>Options that stand in the line already.</summary>
    public required IReadOnlySet<Option> Given { get; init; }

    /// <summary>Which argument of the command is next.</summary>
    public int Position { get; init; }

    /// <summary>Behind <c>--</c> nothing is an option or a command any more.</summary>
    public bool OnlyArguments { get; init; }

    /// <summary>The home directory that the line names; null for the usual one.</summary>
    public string? Home { get; init; }

    public Command Command => Path[^1];

    /// <summary>The options that can stand here.</summary>
    public IEnumerable<Option> Options => Command.Options.Concat(Path.SkipLast(1).SelectMany(command => command.Options.Where(option => option.Recursive))).Where(option => !option.Hidden);

    /// <param name="root">Every command.</param>
    /// <param name="words">What stands behind the name of the program; the last one is being typed.</param>
    public static CompletionPlace Of(Command root, IReadOnlyList<string> words)
    {
        var (path, given, position, onlyArguments) = (new List<Command> { root }, new HashSet<Option>(), 0, false);
        var place = new CompletionPlace { Path = path, Given = given, Typed = words.Count == 0 ? "" : words[^1] };
        Option? waiting = null;
        foreach (var word in words.SkipLast(1))
        {
            if (waiting is not null)
            {
                place = waiting.Name == CommonOptions.HomeName ? place with { Home = word } : place;
                waiting = null;
            }
            else if (!onlyArguments && word == "--")
            {
                onlyArguments = true;
            }
            else if (!onlyArguments && word.StartsWith('-') && word.Length > 1)
            {
                var (option, value) = place.Read(word);
                waiting = option is not null && value is null && TakesValue(option) ? option : null;
                place = option?.Name == CommonOptions.HomeName && value is not null ? place with { Home = value } : place;
                _ = option is not null && given.Add(option);
            }
            else if (!onlyArguments && position == 0 && path[^1].Subcommands.FirstOrDefault(command => command.Name == word) is { } command)
            {
                path.Add(command);
            }
            else
            {
                position++;
            }
        }

        place = place with { Position = position, OnlyArguments = onlyArguments, Option = waiting };
        if (waiting is null && !onlyArguments && place.Typed.StartsWith("--", StringComparison.Ordinal) && place.Read(place.Typed) is ({ } named, { } begun))
        {
            return place with { Option = named, Kept = place.Typed[..^begun.Length], Typed = begun };
        }

        return place;
    }

    private static bool TakesValue(Option option) => option.ValueType != typeof(bool) && option.Arity.MaximumNumberOfValues > 0;

    private (Option? Option, string? Value) Read(string word)
    {
        var parts = word.Split('=', 2);
        return (Options.FirstOrDefault(option => option.Name == parts[0] || option.Aliases.Contains(parts[0])), parts.Length > 1 ? parts[1] : null);
    }
}
