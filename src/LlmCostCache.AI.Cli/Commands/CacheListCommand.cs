using System.CommandLine;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost cache list</c></summary>
internal sealed class CacheListCommand : Command, IHasExamples
{
    private const int MostRows = 100_000;

    private static readonly Dictionary<string, EntryOrder> s_orders = Enum.GetValues<EntryOrder>().ToDictionary(order => order.ToString().ToLowerInvariant());

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly EntryOptions _entries = new();
    private readonly SecretOptions _secrets = new();
    private readonly Option<string> _sort = new("--sort")
    {
        Description = "What to sort by: value (what was saved), age (oldest first), size, hits, expires (next first)",
        HelpName = "ORDER",
        DefaultValueFactory = _ => "value",
    };

    private readonly Option<int> _top = new("--top") { Description = "How many at most", HelpName = "N", DefaultValueFactory = _ => 20 };

    public CacheListCommand(CommonOptions common, CliHost host)
        : base("list", "List the entries of cache.db, without a word of what is in them")
    {
        (_common, _host) = (common, host);
        _sort.AcceptOnlyFromAmong([.. s_orders.Keys]);
        _top.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, out var count) && count is > 0 and <= MostRows))
            {
                result.AddError($"--top '{token.Value}' is not a number from 1 to {Amounts.Count(MostRows)}.");
            }
        });
        Options.Add(_sort);
        Options.Add(_top);
        _entries.AddTo(this);
        _secrets.AddTo(this);
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples => ["llmcost cache list --top 10", "llmcost cache list --sort expires --model gpt-4o-mini --json"];

    private int Run(ParseResult parse)
    {
        var home = _common.HomeOf(parse, _host);
        var filter = _entries.Read(parse);
        var seal = _secrets.SealOf(parse, _host);
        var now = _host.Time.GetUtcNow();
        using var file = CacheFile.TryOpen(home);
        var count = file?.Count(filter, seal) ?? 0;
        IReadOnlyList<CacheEntry> entries = file is null ? [] : [.. file.First(filter, s_orders[parse.GetValue(_sort)!], parse.GetValue(_top), seal).Select(entry => file.Open(entry, seal))];
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "cache-list/1", json =>
            {
                json.WriteNumber("count", count);
                json.WriteStartArray("entries");
                foreach (var entry in entries)
                {
                    json.WriteStartObject();
                    EntryFields.WriteFields(json, entry, now);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            });
        }
        else if (entries.Count == 0)
        {
            _host.Console.WriteLine(file is null ? Shown.OneLine($"no cache.db in {home}: nothing is stored on disk") : filter.IsAll ? "cache.db is empty" : "no entry matches");
        }
        else
        {
            EntryFields.Table(entries, now).WriteTo(_host.Console);
            if (count > entries.Count)
            {
                _host.Console.WriteLine($"{Amounts.Count(entries.Count)} of {Amounts.Count(count)} entries; --top shows more.");
            }

            if (entries.Any(entry => entry.IsSealed))
            {
                _host.Console.WriteLine($"Names are encrypted: give the key with --key-file or {CacheEncryptionKey.VariableName}.");
            }
        }

        return ExitCode.Done;
    }
}
