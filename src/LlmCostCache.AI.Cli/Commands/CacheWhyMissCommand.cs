using System.CommandLine;
using System.Text.Json;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost cache why-miss</c></summary>
internal sealed class CacheWhyMissCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly SecretOptions _secrets = new();
    private readonly Argument<string> _file = new("REQUEST") { Description = "The request as JSON: in the form of OpenAI's chat endpoint, or messages and options as Microsoft.Extensions.AI writes them; - is standard input" };
    private readonly Option<string?> _provider = Text("--provider", "NAME", "The provider as the client names it (ChatClientMetadata.ProviderName), such as openai [default: not compared]");
    private readonly Option<string?> _endpoint = Text("--endpoint", "URL", "The address as the client names it (ChatClientMetadata.ProviderUri) [default: not compared]");
    private readonly Option<string?> _model = Text("--model", "NAME", "The model, when the request names none");
    private readonly Option<string?> _namespace = Text("--namespace", "NAME", "The namespace of the application (LlmCostsOptions.CacheNamespace)");
    private readonly Option<string?> _callNamespace = Text("--call-namespace", "NAME", "The namespace that the call itself asked for");
    private readonly Option<string?> _tenant = Text("--tenant", "NAME", "The tenant of the call");
    private readonly Option<bool> _allowUris = new("--allow-uri-content") { Description = "The client caches questions that name media by address" };
    private readonly Option<bool> _onlyDeterministic = new("--only-deterministic") { Description = "The client caches only questions with a temperature of zero" };
    private readonly Option<bool> _content = new("--show-content") { Description = "Also show the beginning of the nearest entry's prompt" };

    public CacheWhyMissCommand(CommonOptions common, CliHost host)
        : base("why-miss", "Say why a request is not answered from cache.db: the nearest entry, and exactly the parts that differ; exit code 1 unless it would be a hit")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_file);
        foreach (var option in (ReadOnlySpan<Option>)[_provider, _endpoint, _model, _namespace, _callNamespace, _tenant, _allowUris, _onlyDeterministic, _content])
        {
            Options.Add(option);
        }

        _secrets.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost cache why-miss request.json",
        "llmcost cache why-miss request.json --provider openai --endpoint https://api.openai.com/v1 --tenant acme --json",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var endpoint = EndpointOf(parse.GetValue(_endpoint));
        var (secret, keys) = _secrets.Read(parse, _host);
        var seal = AnswerSeal.Of(secret, keys);
        var home = _common.HomeOf(parse, _host);
        var question = await Question.ReadAsync(parse.GetValue(_file)!, _host, cancellationToken).ConfigureAwait(false);
        using var file = CacheFile.TryOpen(home);
        var search = new MissSearch(file, seal, _host.Time.GetUtcNow())
        {
            Unknown = new HashSet<string>([.. parse.GetValue(_provider) is null ? (string[])["provider"] : [], .. endpoint is null ? (string[])["endpoint"] : []]),
        };
        var explanation = search.Explain(PlanOf(parse, question, endpoint, secret, keys), cancellationToken);
        var prompt = explanation.Entry is { } entry && parse.GetValue(_content) ? EntryContent.Read(file!, entry, seal).Prompt : null;
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "cache-why-miss/1", json => WriteFields(json, explanation, question, parse.GetValue(_content), prompt));
        }
        else
        {
            Show(explanation, question, parse.GetValue(_content), prompt);
        }

        return explanation.Verdict == MissVerdict.Hit ? ExitCode.Done : ExitCode.Found;
    }

    /// <summary>What the application's cache would make of the question: a cache without layers makes the same key.</summary>
    private CachePlan PlanOf(ParseResult parse, Question question, Uri? endpoint, CacheSecret? secret, IReadOnlyList<CacheEncryptionKey> keys)
    {
        var options = new LlmCostsOptions { TimeProvider = _host.Time, CacheNamespace = parse.GetValue(_namespace) ?? "", CacheSecret = secret, MemoryCacheBytes = 0, DiskCacheBytes = 0 };
        foreach (var key in keys)
        {
            options.CacheEncryptionKeys.Add(key);
        }

        if (parse.GetValue(_callNamespace) is { } name)
        {
            question.Options.WithCache(cache => cache.Namespace(name));
        }

        var policy = new CachePolicy { AllowUriContent = parse.GetValue(_allowUris), OnlyDeterministic = parse.GetValue(_onlyDeterministic) };
        using var cache = new ResponseCache(options, null, NullLogger.Instance);
        return cache.Plan(question.Messages, question.Options, new CacheEndpoint(parse.GetValue(_provider), endpoint, parse.GetValue(_model)), parse.GetValue(_tenant), policy);
    }

    private void Show(MissExplanation explanation, Question question, bool showsContent, string? prompt)
    {
        var writer = _host.Console.Profile.Out.Writer;
        writer.WriteLine(Shown.OneLine($"This request {explanation.Words}."));
        if (explanation.Entry is { } entry)
        {
            writer.WriteLine();
            var isNearest = explanation.Verdict == MissVerdict.Different;
            writer.WriteLine($"{(isNearest ? "Nearest entry" : "Entry")} {EntryFields.ShortKey(entry)}, stored {Sizes.Text(entry.StoredAt)}{(entry.IsExpired(_host.Time.GetUtcNow()) && isNearest ? " (expired)" : "")}"
                + $"{(isNearest ? $"; {Amounts.Count(explanation.EqualParts)} {(explanation.EqualParts == 1 ? "part is" : "parts are")} the same" : "")}.");
            foreach (var difference in explanation.Differences)
            {
                writer.WriteLine(Shown.OneLine($"  {difference.Words}"));
            }

            if (explanation.CommonPrompt is { } common && isNearest)
            {
                writer.WriteLine($"The last messages of the user are the same in their first {Amounts.Count(common)} characters.");
            }

            if (showsContent)
            {
                writer.WriteLine(prompt is null ? "Its prompt was not kept." : $"Its prompt begins:{Environment.NewLine}{Shown.Lines(prompt)}");
            }
        }

        foreach (var note in Notes(explanation, question))
        {
            writer.WriteLine(Shown.OneLine(note));
        }
    }

    private static IEnumerable<string> Notes(MissExplanation explanation, Question question)
    {
        if (explanation.NotCompared.Count > 0)
        {
            yield return $"Not compared: {string.Join(", ", explanation.NotCompared)}; give {string.Join(" and ", explanation.NotCompared.Select(name => $"--{name}"))}.";
        }

        if (question.Ignored.Count > 0)
        {
            yield return $"Left out, because ChatOptions has no place for it: {string.Join(", ", question.Ignored)}.";
        }

        if (explanation.NotOpened > 0)
        {
            yield return $"{Amounts.Count(explanation.NotOpened)} entries could not be read: give their key with --key-file or {CacheEncryptionKey.VariableName}, or their secret with --secret-file or {CacheSecret.VariableName}.";
        }
    }

    private void WriteFields(Utf8JsonWriter json, MissExplanation explanation, Question question, bool showsContent, string? prompt)
    {
        json.WriteString("verdict", WordOf(explanation.Verdict));
        json.WriteString("explanation", explanation.Words);
        json.WriteString("reason", explanation.Reason);
        if (explanation.Entry is { } entry)
        {
            json.WriteStartObject("entry");
            EntryFields.WriteFields(json, entry, _host.Time.GetUtcNow());
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("entry");
        }

        json.WriteStartArray("differences");
        foreach (var difference in explanation.Differences)
        {
            json.WriteStartObject();
            json.WriteString("part", difference.Name);
            json.WriteString("change", difference.Change switch
            {
                PartChange.OnlyAsked => "only_asked",
                PartChange.OnlyStored => "only_stored",
                PartChange.Moved => "moved",
                _ => "differs",
            });
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("equal_parts", explanation.EqualParts);
        if (explanation.CommonPrompt is { } common)
        {
            json.WriteNumber("common_prompt_characters", common);
        }
        else
        {
            json.WriteNull("common_prompt_characters");
        }

        json.WriteNumber("compared", explanation.Compared);
        json.WriteNumber("not_opened", explanation.NotOpened);
        WriteTexts(json, "not_compared", explanation.NotCompared);
        WriteTexts(json, "left_out", question.Ignored);
        if (showsContent)
        {
            json.WriteString("prompt", prompt);
        }
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static string WordOf(MissVerdict verdict) => verdict switch
    {
        MissVerdict.Hit => "hit",
        MissVerdict.Expired => "expired",
        MissVerdict.Unreadable => "unreadable",
        MissVerdict.Bypass => "bypass",
        MissVerdict.Different => "different",
        _ => "nothing_near",
    };

    private static Uri? EndpointOf(string? endpoint) => endpoint is null ? null
        : Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) ? uri
        : throw new UsageException($"--endpoint '{endpoint}' is not an address like https://api.openai.com/v1.");

    private static Option<string?> Text(string name, string helpName, string description) => new(name) { Description = description, HelpName = helpName };
}
