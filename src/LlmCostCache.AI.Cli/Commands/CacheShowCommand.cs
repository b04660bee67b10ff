using System.CommandLine;
using System.Text.Json;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost cache show</c></summary>
internal sealed class CacheShowCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly SecretOptions _secrets = new();
    private readonly Argument<string> _key = new("KEY") { Description = "The key of the entry, or its first digits" };
    private readonly Option<bool> _content = new("--show-content") { Description = "Also show the beginning of the prompt and the answer" };

    public CacheShowCommand(CommonOptions common, CliHost host)
        : base("show", "Show everything that is known about an entry; texts only when asked for")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_key);
        Options.Add(_content);
        _secrets.AddTo(this);
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples => ["llmcost cache show 3f9a0c", "llmcost cache show 3f9a0c41d2b7 --show-content"];

    private int Run(ParseResult parse)
    {
        var seal = _secrets.SealOf(parse, _host);
        var digits = EntryChoice.DigitsOf(parse.GetValue(_key)!);
        var home = _common.HomeOf(parse, _host);
        using var file = CacheFile.TryOpen(home);
        if (EntryChoice.Find(file, digits, seal, _host) is not { } entry)
        {
            return ExitCode.Found;
        }

        var content = EntryContent.Read(file!, file!.Open(entry, seal), seal);
        var shows = parse.GetValue(_content);
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "cache-show/1", json => WriteFields(json, content, shows));
        }
        else
        {
            Show(content, shows);
        }

        return content.Fault is null ? ExitCode.Done : ExitCode.Found;
    }

    private void Show(EntryContent content, bool shows)
    {
        var (entry, now) = (content.Entry, _host.Time.GetUtcNow());
        var facts = new FittingTable().Words("").Words("");
        foreach (var (name, value) in Facts(content, now))
        {
            facts.Row(name, value);
        }

        facts.WriteTo(_host.Console);
        if (content.Fault is { } fault)
        {
            _host.Error.WriteLine($"llmcost: the entry cannot be read: {fault}. {(entry.SealedBy != 0 ? $"Give its key with --key-file or {CacheEncryptionKey.VariableName}." : "")}".TrimEnd());
        }
        else if (shows)
        {
            ShowText("prompt (its beginning)", content.Prompt);
            ShowText("instructions (their beginning)", content.Answer?.SystemPrompt);
            ShowText("answer", content.Text);
        }
    }

    private void ShowText(string heading, string? text)
    {
        _host.Console.WriteLine();
        _host.Console.WriteLine(text is null ? $"{heading}: not kept" : $"{heading}:");
        if (text is not null)
        {
            // Not through the console: it would wrap lines of the answer.
            _host.Console.Profile.Out.Writer.WriteLine(Shown.Lines(text));
        }
    }

    private static IEnumerable<(string Name, string Value)> Facts(EntryContent content, DateTimeOffset now)
    {
        var entry = content.Entry;
        yield return ("key", entry.Key.ToString());
        yield return ("kind", entry.IsEmbedding ? "embedding" : "chat");
        yield return ("model", EntryFields.Model(entry));
        if (content.Answer?.ResponseModel is { } answered)
        {
            yield return ("answered by", answered);
        }

        yield return ("namespace", EntryFields.Namespace(entry) is { Length: > 0 } name ? name : "(none)");
        yield return ("tenant", EntryFields.Tenant(entry) is { Length: > 0 } tenant ? tenant : "(none)");
        if (content.Tags.Count > 0)
        {
            yield return ("tags", string.Join(", ", content.Tags));
        }

        yield return ("stored", Sizes.Text(entry.StoredAt));
        yield return ("expires", entry.IsExpired(now) ? $"{Sizes.Text(entry.ExpiresAt)} (expired)" : Sizes.Text(entry.ExpiresAt));
        if (content.Answer?.SlidingFor is { } sliding)
        {
            yield return ("unused at most", sliding.ToString("c", System.Globalization.CultureInfo.InvariantCulture));
        }

        if (entry.KeptUntil > entry.ExpiresAt)
        {
            yield return ("kept until", Sizes.Text(entry.KeptUntil));
        }

        yield return ("last used", entry.Hits == 0 ? "never" : Sizes.Text(entry.UsedAt));
        yield return ("hits", Amounts.Count(entry.Hits));
        yield return ("saved", Amounts.Text(entry.Saved));
        yield return ("size", Sizes.Text(entry.Bytes));
        if (entry.SealedBy != 0)
        {
            yield return ("encrypted", entry.IsSealed ? "yes, with a key that was not given" : "yes");
        }

        if (content.Answer is { } answer)
        {
            yield return ("cost when bought", answer.Original.Amount is { } amount ? Amounts.Text(amount) : "unknown");
            yield return ("tokens", $"{Amounts.Count(answer.Original.Usage.TotalInputTokens)} in, {Amounts.Count(answer.Original.Usage.TotalOutputTokens)} out");
            yield return ("finish reason", answer.FinishReason ?? "(none)");
        }

        if (content.Outline is { } outline)
        {
            yield return ("question", string.Join(", ", outline.Parts.Select(part => part.Name)));
        }
    }

    private void WriteFields(Utf8JsonWriter json, EntryContent content, bool shows)
    {
        EntryFields.WriteFields(json, content.Entry, _host.Time.GetUtcNow());
        json.WriteStartArray("tags");
        foreach (var tag in content.Tags)
        {
            json.WriteStringValue(tag);
        }

        json.WriteEndArray();
        json.WriteString("unreadable", content.Fault);
        json.WriteString("answered_by", content.Answer?.ResponseModel);
        json.WriteString("finish_reason", content.Answer?.FinishReason);
        json.WriteString("cost_usd", content.Answer?.Original.Amount is { } amount ? Decimals.Text(amount) : null);
        json.WriteNumber("input_tokens", content.Answer?.Original.Usage.TotalInputTokens ?? 0);
        json.WriteNumber("output_tokens", content.Answer?.Original.Usage.TotalOutputTokens ?? 0);
        json.WriteStartArray("parts");
        foreach (var part in content.Outline?.Parts ?? [])
        {
            json.WriteStringValue(part.Name);
        }

        json.WriteEndArray();
        if (shows)
        {
            json.WriteStartObject("content");
            json.WriteString("prompt", content.Prompt);
            json.WriteString("instructions", content.Answer?.SystemPrompt);
            json.WriteString("answer", content.Text);
            json.WriteEndObject();
        }
    }
}
