using System.CommandLine;
using System.Text.Json;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost cache stats</c></summary>
internal sealed class CacheStatsCommand : Command, IHasExamples
{
    private const int MostValuable = 5;

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly FilterOptions _filter = new();
    private readonly SecretOptions _secrets = new();
    private readonly Option<string> _by = new("--by")
    {
        Description = $"What to group by: {string.Join(", ", HitReport.Words)}",
        HelpName = "DIMENSION",
        DefaultValueFactory = _ => HitReport.LayerWord,
    };

    public CacheStatsCommand(CommonOptions common, CliHost host)
        : base("stats", "Show how often the cache answered and what that saved, and what cache.db holds")
    {
        (_common, _host) = (common, host);
        _by.AcceptOnlyFromAmong(HitReport.Words);
        Options.Add(_by);
        _filter.AddTo(this, hasStatus: false);
        _secrets.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost cache stats", "llmcost cache stats --by feature --last 7d", "llmcost cache stats --by day --since 2026-08-01 --json"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var by = HitReport.DimensionOf(parse.GetValue(_by)!);
        var choice = _filter.Read(parse, _host.Time);
        var home = _common.HomeOf(parse, _host);
        var seal = _secrets.SealOf(parse, _host);
        var json = parse.GetValue(_common.Json);
        var hits = HitReport.Nothing(by, choice);
        var hasLedger = LedgerView.TryOpen(home, _host.Time, out var view);
        if (view is not null)
        {
            await using (view.ConfigureAwait(false))
            {
                hits = await HitReport.ReadAsync(view, by, choice, cancellationToken).ConfigureAwait(false);
            }
        }

        using var file = CacheFile.TryOpen(home);
        var now = _host.Time.GetUtcNow();
        var totals = file?.Totals(now);
        IReadOnlyList<CacheEntry> valuable = file is null ? [] : [.. file.First(EntryFilter.All, EntryOrder.Value, MostValuable, seal).Where(entry => entry.Hits > 0).Select(entry => file.Open(entry, seal))];
        if (json)
        {
            JsonOutput.Write(_host.Output, "cache-stats/1", fields => WriteFields(fields, hits, totals, valuable, now));
            return ExitCode.Done;
        }

        if (hasLedger)
        {
            hits.Show(_host.Console);
        }
        else
        {
            Empty.Say(_host, home, isNote: false);
        }

        _host.Console.WriteLine();
        Show(totals, valuable, home, now);
        return ExitCode.Done;
    }

    private void Show(CacheFileTotals? totals, IReadOnlyList<CacheEntry> valuable, string home, DateTimeOffset now)
    {
        if (totals is null)
        {
            _host.Console.WriteLine(Shown.OneLine($"no cache.db in {home}: nothing is stored on disk"));
            return;
        }

        var facts = new FittingTable().Words(DiskFile.Name).Words("");
        facts.Row("entries", $"{Amounts.Count(totals.Entries)}{Of(totals.Expired, "expired")}{Of(totals.Embeddings, "embeddings")}{Of(totals.Sealed, "encrypted")}");
        facts.Row("size", $"{Sizes.Text(totals.UsedBytes)} in use, of which {Sizes.Text(totals.Bytes)} answers; {Sizes.Text(totals.FileBytes)} on disk");
        if (totals is { Oldest: { } oldest, Newest: { } newest })
        {
            facts.Row("stored", $"{Sizes.Text(oldest)} to {Sizes.Text(newest)}");
            facts.Row("next expires", totals.NextToExpire is { } next ? Sizes.Text(next) : "all have expired");
            facts.Row("served", $"{Amounts.Count(totals.Hits)} {(totals.Hits == 1 ? "time" : "times")}, which saved {Amounts.Text(totals.Saved)}");
        }

        facts.WriteTo(_host.Console);
        if (valuable.Count > 0)
        {
            _host.Console.WriteLine();
            _host.Console.WriteLine("Most valuable entries:");
            EntryFields.Table(valuable, now).WriteTo(_host.Console);
        }

        static string Of(long count, string what) => count == 0 ? "" : $", {Amounts.Count(count)} {what}";
    }

    private static void WriteFields(Utf8JsonWriter json, HitReport hits, CacheFileTotals? totals, IReadOnlyList<CacheEntry> valuable, DateTimeOffset now)
    {
        hits.WriteFields(json);
        if (totals is null)
        {
            json.WriteNull("file");
        }
        else
        {
            json.WriteStartObject("file");
            json.WriteNumber("entries", totals.Entries);
            json.WriteNumber("expired", totals.Expired);
            json.WriteNumber("embeddings", totals.Embeddings);
            json.WriteNumber("encrypted", totals.Sealed);
            json.WriteNumber("bytes", totals.Bytes);
            json.WriteNumber("used_bytes", totals.UsedBytes);
            json.WriteNumber("file_bytes", totals.FileBytes);
            json.WriteNumber("hits", totals.Hits);
            json.WriteString("saved_usd", Decimals.Text(totals.Saved));
            json.WriteNumber("saved_nanos", totals.Saved.Nanos);
            TotalJson.WriteInstant(json, "oldest", totals.Oldest);
            TotalJson.WriteInstant(json, "newest", totals.Newest);
            TotalJson.WriteInstant(json, "next_to_expire", totals.NextToExpire);
            json.WriteEndObject();
        }

        json.WriteStartArray("most_valuable");
        foreach (var entry in valuable)
        {
            json.WriteStartObject();
            EntryFields.WriteFields(json, entry, now);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
