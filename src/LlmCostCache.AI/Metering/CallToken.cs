using System.Collections.Concurrent;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// One logical call on its way inward through our clients. It is made by the outermost of them and found again by the inner ones, so that a call is
/// metered by the innermost meter alone, its reservation reaches the row that settles it, and attribution and span are those of the moment it was made.
/// </summary>
/// <remarks>
/// It travels as an id among the options' additional properties: an AsyncLocal would be lost after the first piece of a stream, and would wrongly reach
/// calls that a tool makes on its own. Only the last step, from a meter to meters that a router may hide, goes through an AsyncLocal, because there the
/// next one may be the provider's adapter, which must not see anything of ours.
/// </remarks>
internal sealed class CallToken : IDisposable
{
    public const string Key = "llmcostcache.call";

    // Weak, because a stream that is begun and neither read to its end nor disposed never ends its call: its token goes when the stream does.
    private static readonly ConcurrentDictionary<string, WeakReference<CallToken>> s_live = new(StringComparer.Ordinal);
    private static readonly AsyncLocal<MeteredAttempt?> s_ambient = new();

    private ConcurrentQueue<(string? ResponseId, TokenUsage? Usage)>? _counted;
    private int _attempts;
    private Purchase? _purchase;

    private CallToken(LlmCosts costs, CallSpan span, Attribution attribution)
    {
        Costs = costs;
        Span = span;
        Attribution = attribution;
        s_live[Id] = new WeakReference<CallToken>(this);
    }

    ~CallToken() => s_live.TryRemove(Id, out _);

    /// <summary>Calls that have begun and not ended, as far as anybody still holds them.</summary>
    internal static int LiveCount => s_live.Count;

    public string Id { get; } = NewId();

    public LlmCosts Costs { get; }

    public CallSpan Span { get; }

    public Attribution Attribution { get; }

    /// <summary>On which terms the answer was bought; null until a meter has recorded one.</summary>
    public Purchase? Purchase => Volatile.Read(ref _purchase);

    /// <summary>What the budgets decided; null when the call did not pass a budget.</summary>
    public BudgetPass? Budget { get; set; }

    /// <summary>The model that was asked instead, when the requested one did not fit: its answer is not the answer to the question that was asked.</summary>
    public bool FellBack => Budget?.FallbackModel is not null;

    /// <summary>An id that sorts by time.</summary>
    public static string NewId() => AttemptId.New();

    public static CallToken Begin(LlmCosts costs, string operation, string? requestedModel) =>
        new(costs, costs.Telemetry.Begin(operation, requestedModel), CostScope.Current);

    public static CallToken Begin(LlmCosts costs, CallSpan span, Attribution attribution) => new(costs, span, attribution);

    /// <summary>The call that these options belong to, if one of our clients made it, and made it for the same ledger: another's budgets and rows are its own.</summary>
    public static CallToken? Find(LlmCosts costs, AdditionalPropertiesDictionary? properties) =>
        properties is not null && properties.TryGetValue(Key, out var value) && value is string id && s_live.TryGetValue(id, out var live) && live.TryGetTarget(out var token)
            && ReferenceEquals(token.Costs, costs) ? token
        : s_ambient.Value?.Token is { } ambient && ReferenceEquals(ambient.Costs, costs) ? ambient
        : null;

    /// <summary>The attempt of a meter further out that this call runs in; a meter further in takes it over.</summary>
    /// <param name="operation">What the meter further in counts: an embedding that is made on the way to a chat is not that chat.</param>
    public MeteredAttempt? OuterOf(string operation) =>
        s_ambient.Value is { } attempt && ReferenceEquals(attempt.Token, this) && attempt.Operation == operation ? attempt : null;

    /// <summary>A cache had the answer: the attempt of a meter further out, which a router hides from it, has sent nothing.</summary>
    public void Served(string operation)
    {
        if (OuterOf(operation) is { } attempt)
        {
            attempt.IsServed = true;
        }
    }

    public static void SetAmbient(MeteredAttempt? attempt) => s_ambient.Value = attempt;

    /// <summary>Remembers an answer that a meter further in has counted, so that a meter further out knows it again.</summary>
    public void Counted(string? responseId, TokenUsage? usage) =>
        LazyInitializer.EnsureInitialized(ref _counted, static () => new()).Enqueue((responseId, usage));

    /// <summary>Whether an answer with this id or exactly this usage was counted further in.</summary>
    public bool HasCounted(string? responseId, TokenUsage usage) =>
        Volatile.Read(ref _counted) is { } counted && counted.Any(answer => (responseId is not null && answer.ResponseId == responseId) || answer.Usage == usage);

    /// <summary>Remembers on which terms an attempt was answered. Attempts of one call that end at the same moment may lose one; they are several either way.</summary>
    public void Bought(Purchase purchase) => Volatile.Write(ref _purchase, Purchase.And(Purchase, purchase));

    public int NextAttempt() => Interlocked.Increment(ref _attempts);

    /// <summary>A copy of the options that carries this call; the caller's options are never changed.</summary>
    public ChatOptions Carry(ChatOptions? options)
    {
        var copy = options?.Clone() ?? new ChatOptions();
        (copy.AdditionalProperties ??= [])[Key] = Id;
        return copy;
    }

    /// <inheritdoc cref="Carry(ChatOptions?)"/>
    public EmbeddingGenerationOptions Carry(EmbeddingGenerationOptions? options)
    {
        var copy = options?.Clone() ?? new EmbeddingGenerationOptions();
        (copy.AdditionalProperties ??= [])[Key] = Id;
        return copy;
    }

    public void Dispose()
    {
        s_live.TryRemove(Id, out _);
        GC.SuppressFinalize(this);
        Span.End();
    }
}
