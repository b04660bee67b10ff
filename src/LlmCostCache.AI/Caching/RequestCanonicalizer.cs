using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Writes everything of a question that can shape its answer, in one canonical form of bytes.</summary>
/// <remarks>
/// What is left out is listed in <see cref="KeyExclusions"/>. What cannot be put into bytes faithfully makes the question unkeyable, with a reason;
/// a needless miss costs a call, a wrong hit costs trust. One is filled by <c>TryWrite</c>, read by one caller, and given back with <see cref="Return"/>;
/// one that is not given back is only lost.
/// </remarks>
internal sealed class RequestCanonicalizer
{
    // Raise it whenever the bytes of any question change: old rows then simply miss.
    private const byte Version = 1;

    private const byte Chat = 1;
    private const byte Embeddings = 2;

    [ThreadStatic]
    private static RequestCanonicalizer? t_idle;

    private readonly CanonicalWriter _out = new();
    private readonly CanonicalValues _values;
    private readonly CanonicalContents _contents;
    private readonly CanonicalOptions _options;

    private RequestCanonicalizer()
    {
        var json = new CanonicalJson(_out);
        _values = new CanonicalValues(_out, json);
        _contents = new CanonicalContents(_out, _values);
        _options = new CanonicalOptions(_out, _values, json, new CanonicalTools(_out, _values, json, _contents));
    }

    /// <summary>The canonical form; of nobody after <see cref="Return"/>.</summary>
    public ReadOnlySpan<byte> Bytes => _out.Bytes;

    /// <summary>Which of the bytes are which part of the request.</summary>
    public IReadOnlyList<RequestMark> Marks => _out.Marks;

    /// <summary>The first text of the last message of the user.</summary>
    public string? Prompt { get; private set; }

    /// <summary>The instructions of the options, else the first text of the first system message.</summary>
    public string? SystemPrompt { get; private set; }

    /// <summary>Writes a conversation and its options.</summary>
    /// <returns>The canonical form, or null when there is none, for the reason given.</returns>
    public static RequestCanonicalizer? TryWrite(IEnumerable<ChatMessage> messages, ChatOptions? options, in QuestionScope scope, bool allowUriContent,
        out string? whyNot)
    {
        whyNot = WhyNotKeyable(options);
        if (whyNot is not null)
            return null;

        var canonicalizer = Rent();
        try
        {
            canonicalizer._contents.AllowUris = allowUriContent;
            canonicalizer._contents.Normalization = scope.Normalization;
            canonicalizer.Head(Chat, scope);
            canonicalizer.Messages(messages);
            if (options is not null)
                canonicalizer._options.Write(options, scope.Normalization);

            canonicalizer.SystemPrompt = options?.Instructions ?? canonicalizer.SystemPrompt;
            return canonicalizer.Finish(out whyNot);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return canonicalizer.Fail(exception, out whyNot);
        }
    }

    /// <summary>Writes a text that is to be embedded, and its options.</summary>
    /// <returns>The canonical form, or null when there is none, for the reason given.</returns>
    public static RequestCanonicalizer? TryWrite(string text, EmbeddingGenerationOptions? options, in QuestionScope scope, out string? whyNot)
    {
        if (options?.RawRepresentationFactory is not null)
        {
            whyNot = "RawRepresentationFactory is set";
            return null;
        }

        var canonicalizer = Rent();
        try
        {
            canonicalizer.Head(Embeddings, scope);
            canonicalizer._out.Optional(0x20, text);
            canonicalizer._out.EndPart("text");
            canonicalizer._out.Optional(0x21, options?.Dimensions);
            canonicalizer._out.EndPart("dimensions");
            canonicalizer._values.AdditionalProperties(0x22, options?.AdditionalProperties);
            canonicalizer.Prompt = text;
            return canonicalizer.Finish(out whyNot);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return canonicalizer.Fail(exception, out whyNot);
        }
    }

    /// <summary>Lets the next question have the memory.</summary>
    public void Return()
    {
        _out.Clear();
        _contents.Clear();
        Prompt = null;
        SystemPrompt = null;
        t_idle = this;
    }

    private static string? WhyNotKeyable(ChatOptions? options) => options switch
    {
        null => null,
        { ConversationId: not null } => "ConversationId is set",
        { ContinuationToken: not null } => "ContinuationToken is set",
        { AllowBackgroundResponses: true } => "AllowBackgroundResponses is set",
        { RawRepresentationFactory: not null } => "RawRepresentationFactory is set",
        _ => null,
    };

    private static RequestCanonicalizer Rent()
    {
        // Taken out while in use: a tool's schema may well run code that asks the cache.
        var canonicalizer = t_idle ?? new RequestCanonicalizer();
        t_idle = null;
        return canonicalizer;
    }

    private RequestCanonicalizer? Finish(out string? whyNot)
    {
        whyNot = _out.Refusal;
        if (whyNot is null)
            return this;

        Return();
        return null;
    }

    // Tools, schemas and values are other people's code. A key that cannot be made is a bypass, never a failed call.
    private RequestCanonicalizer? Fail(Exception exception, out string? whyNot)
    {
        whyNot = $"the request cannot be read ({exception.GetType().Name})";
        Return();
        return null;
    }

    private void Head(byte operation, in QuestionScope scope)
    {
        _out.Byte(Version);
        _out.Byte(operation);
        if (scope.Normalization != CacheNormalization.None)
            _out.Field(0x07, (long)scope.Normalization);

        _out.EndPart("form of the key");
        _out.Optional(0x01, string.IsNullOrEmpty(scope.Namespace) ? null : scope.Namespace);
        _out.EndPart("namespace");
        _out.Optional(0x02, scope.CallNamespace);
        _out.EndPart("call namespace");
        _out.Optional(0x03, scope.Tenant);
        _out.EndPart("tenant");
        _out.Optional(0x04, scope.Endpoint.Provider);
        _out.EndPart("provider");
        _out.Optional(0x05, scope.Endpoint.Uri is { } uri ? uri.IsAbsoluteUri ? uri.AbsoluteUri : uri.OriginalString : null);
        _out.EndPart("endpoint");
        _out.Optional(0x06, string.IsNullOrEmpty(scope.Model) ? null : scope.Model);
        _out.EndPart("model");
    }

    private void Messages(IEnumerable<ChatMessage> messages)
    {
        var number = 0;
        if (messages is IList<ChatMessage> list)
        {
            for (var i = 0; i < list.Count; i++)
                Message(list[i], ++number);
        }
        else
        {
            foreach (var message in messages)
                Message(message, ++number);
        }

        _out.Byte(CanonicalWriter.End);
        _out.EndFrame();
    }

    private void Message(ChatMessage message, int number)
    {
        if (message.GetType() != typeof(ChatMessage))
            _out.Refuse($"a message is of the unknown type {message.GetType().Name}");

        var role = message.Role;
        _out.Field(0x10, role.Value.AsSpan());
        _out.Optional(0x11, message.AuthorName);
        _values.Properties(0x12, message.AdditionalProperties, 0);
        _contents.WriteAll(0x13, message.Contents, 0);
        _out.EndPart("message", role.Value, number);
        if (role == ChatRole.User)
            Prompt = FirstText(message);
        else if (SystemPrompt is null && role == ChatRole.System)
            SystemPrompt = FirstText(message);
    }

    private static string? FirstText(ChatMessage message)
    {
        var contents = message.Contents;
        for (var i = 0; i < contents.Count; i++)
        {
            if (contents[i] is TextContent text)
                return text.Text;
        }

        return null;
    }
}
