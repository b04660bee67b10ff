using System.CommandLine;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost cache clear</c></summary>
internal sealed class CacheClearCommand : Command, IHasExamples
{
    // What application's limit holds is not ours to know; a command that forgets one entry must not evict others.
    private const long NoLimit = 1L << 40;

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly EntryOptions _entries = new("Forget");
    private readonly SecretOptions _secrets = new();
    private readonly Argument<string?> _key = new("KEY") { Description = "Forget the entry whose key begins so", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<bool> _all = new("--all") { Description = "Forget everything" };
    private readonly Option<string?> _systemPrompt = new("--system-prompt") { Description = "Forget entries whose instructions begin with this text, letter for letter", HelpName = "TEXT" };
    private readonly Option<string?> _olderThan = new("--older-than") { Description = "Forget only what was asked for longer ago than this: 12h, 30d, 4w; alone or with one of the names above", HelpName = "SPAN" };
    private readonly Option<bool> _expired = new("--expired") { Description = "Delete what has expired, also what is kept for the day the provider fails" };
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Do not ask" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Only say how many entries would be forgotten" };

    public CacheClearCommand(CommonOptions common, CliHost host)
        : base("clear", "Forget entries, here and in the memory of the applications that use this cache.db")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_key);
        Options.Add(_all);
        _entries.AddTo(this);
        foreach (var option in (ReadOnlySpan<Option>)[_systemPrompt, _olderThan, _expired, _yes, _dryRun])
        {
            Options.Add(option);
        }

        _secrets.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost cache clear --tag prompt-v6 --dry-run",
        "llmcost cache clear --model gpt-4o --older-than 30d --yes",
        "llmcost cache clear 3f9a0c41d2b7",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var choice = ClearChoice.Of(_entries.Read(parse), parse.GetValue(_key), parse.GetValue(_all), parse.GetValue(_systemPrompt), parse.GetValue(_expired), parse.GetValue(_olderThan) is not null);
        var now = _host.Time.GetUtcNow();
        var filter = choice.Filter with { ExpiredAt = choice.IsExpired ? now : null, AskedUpTo = OlderThan(parse, choice, now) };
        var home = _common.HomeOf(parse, _host);
        var seal = _secrets.SealOf(parse, _host);
        var isDryRun = parse.GetValue(_dryRun);
        var json = parse.GetValue(_common.Json);
        using var file = CacheFile.TryOpen(home);
        if (file is null)
        {
            return Tell(json, 0, isDryRun, Shown.OneLine($"no cache.db in {home}: there is nothing to forget"));
        }

        CacheEntry? entry = null;
        if (choice.Digits is { } digits)
        {
            entry = EntryChoice.Find(file, digits, seal, _host);
            if (entry is null)
            {
                return ExitCode.Found;
            }
        }
        else if (choice.Scope.Name.Length > 0 && !seal.Encrypts && file.Totals(now).Sealed > 0)
        {
            throw new UsageException($"The names in this cache are encrypted, so nobody can tell which entries are meant: give the key with --key-file or {CacheEncryptionKey.VariableName}.");
        }

        var count = entry is not null ? 1 : file.Count(filter, seal);
        if (isDryRun)
        {
            return Tell(json, count, isDryRun, $"{Entries(count)} would be forgotten.");
        }

        if (choice.IsExpired && count == 0)
        {
            return Tell(json, 0, isDryRun, "No entry has expired; nothing was forgotten.");
        }

        if (!parse.GetValue(_yes) && !await Confirmation.AskAsync(_host, $"This forgets {Entries(count)}.", cancellationToken).ConfigureAwait(false))
        {
            return Tell(json, 0, isDryRun, "Nothing was forgotten.");
        }

        var forgotten = choice.IsExpired
            ? EntryRemoval.OfExpired(CacheFile.PathIn(home), now)
            : await ForgetAsync(home, choice, entry, filter.AskedUpTo ?? StampOf(file), seal).ConfigureAwait(false);
        return Tell(json, forgotten, isDryRun, $"{Entries(forgotten)} {(forgotten == 1 ? "was" : "were")} forgotten.{(choice.IsExpired ? "" : " Applications that use this cache.db forget them within a second.")}");
    }

    /// <summary>As an application would: what is noted in the file reaches all others that use it.</summary>
    private async Task<long> ForgetAsync(string home, ClearChoice choice, CacheEntry? entry, long upTo, AnswerSeal seal)
    {
        var failure = "";
        var invalidations = new Invalidations(_host.Time);
        using var disk = DiskLayer.TryOpen(home, NoLimit, seal, _host.Time, invalidations, NullLogger.Instance, what => failure = what);
        if (disk is not null)
        {
            var scope = entry is null ? choice.Scope : new Invalidations.Scope(Invalidations.Kind.Key, entry.Key.ToString());
            var forgotten = await disk.InvalidateAsync(scope, upTo).ConfigureAwait(false);
            await disk.FlushAsync().ConfigureAwait(false);
            if (failure.Length == 0)
            {
                return forgotten;
            }
        }

        throw SqliteFile.Refusal(CacheFile.PathIn(home), $"could not be written: {failure}. Nothing was forgotten; try again.");
    }

    /// <summary>Everything that is there now is meant, also what was asked by a process whose clock goes a little ahead of ours.</summary>
    private long StampOf(CacheFile file)
    {
        var now = _host.Time.GetUtcNow();
        return Math.Max(now.UtcTicks, Math.Min(file.LatestAskedAt() ?? 0, (now + StoredAnswer.ClockTolerance).UtcTicks));
    }

    private long? OlderThan(ParseResult parse, ClearChoice choice, DateTimeOffset now)
    {
        if (parse.GetValue(_olderThan) is not { } text)
        {
            return null;
        }

        return choice.Digits is null && !choice.IsExpired
            ? (now - TimeBound.ParseSpan(_olderThan.Name, text)).UtcTicks - 1
            : throw new UsageException("--older-than goes alone, or with --all, --model, --namespace, --tenant, --tag or --system-prompt.");
    }

    private int Tell(bool json, long count, bool isDryRun, string sentence)
    {
        if (json)
        {
            JsonOutput.Write(_host.Output, "cache-clear/1", fields =>
            {
                fields.WriteBoolean("dry_run", isDryRun);
                fields.WriteNumber("entries", count);
            });
        }
        else
        {
            _host.Console.WriteLine(sentence);
        }

        return ExitCode.Done;
    }

    private static string Entries(long count) => count == 1 ? "1 entry" : $"{Amounts.Count(count)} entries";
}
