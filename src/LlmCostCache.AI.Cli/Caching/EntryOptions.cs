using System.CommandLine;

namespace LlmCostCache.AI.Cli.Caching;

/// <summary>Which entries of the cache a command means.</summary>
internal sealed class EntryOptions
{
    private readonly Option<string?> _model;
    private readonly Option<string?> _namespace;
    private readonly Option<string?> _tenant;
    private readonly Option<string?> _tag;

    /// <param name="verb">How the descriptions begin: "Only", "Forget".</param>
    public EntryOptions(string verb = "Only")
    {
        _model = Text("--model", $"{verb} entries of this model, as it was asked for");
        _namespace = Text("--namespace", $"{verb} entries of this namespace");
        _tenant = Text("--tenant", $"{verb} entries of this tenant");
        _tag = Text("--tag", $"{verb} entries with this tag");
    }

    public void AddTo(Command command)
    {
        foreach (var option in (ReadOnlySpan<Option<string?>>)[_model, _namespace, _tenant, _tag])
        {
            command.Options.Add(option);
        }
    }

    public EntryFilter Read(ParseResult parse) => new()
    {
        Model = parse.GetValue(_model),
        Namespace = parse.GetValue(_namespace),
        Tenant = parse.GetValue(_tenant),
        Tag = parse.GetValue(_tag),
    };

    private static Option<string?> Text(string name, string description) => new(name) { Description = description, HelpName = "NAME" };
}
