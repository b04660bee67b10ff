using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>An answer as the cache holds it: never changed, never handed out; every reader gets a copy.</summary>
internal sealed record StoredAnswer
{
    public required IReadOnlyList<StoredMessage> Messages { get; init; }

    /// <summary>The embedding, when this is one; then there are no messages.</summary>
    public ReadOnlyMemory<float>? Vector { get; init; }

    public string? ResponseId { get; init; }

    /// <summary>The model that answered, by its own account.</summary>
    public string? ResponseModel { get; init; }

    public DateTimeOffset? CreatedAt { get; init; }

    public string? FinishReason { get; init; }

    public StoredProperties Properties { get; init; } = StoredProperties.None;

    /// <summary>The model that was asked.</summary>
    public string Model { get; init; } = "";

    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>The namespace the question was asked in: that of the call, else that of the application; empty when there is none.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>Whose question it was; null when the scope named no tenant.</summary>
    public string? Tenant { get; init; }

    /// <summary>The beginning of the question's instructions, <see cref="RequestOutline.ExcerptLength"/> characters at most, so that the
    /// answers to a prompt can be invalidated together; null when it had none.</summary>
    public string? SystemPrompt { get; init; }

    /// <summary>What it cost and used when it was bought.</summary>
    public required CallCost Original { get; init; }

    /// <summary>On which terms it was bought; null when nobody saw them.</summary>
    public Purchase? Purchase { get; init; }

    public AnswerWorth Worth { get; } = new();

    /// <summary>The stamp of the question; see <see cref="Invalidations"/>.</summary>
    public long AskedAt { get; init; }

    public DateTimeOffset StoredAt { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }

    /// <summary>How long it may go unused, within <see cref="ExpiresAt"/>; null when only that counts.</summary>
    public TimeSpan? SlidingFor { get; init; }

    /// <summary>Until when it is kept for the day the provider fails; not before <see cref="ExpiresAt"/>.</summary>
    public DateTimeOffset KeptUntil { get => field > ExpiresAt ? field : ExpiresAt; init; }

    /// <summary>Copies an answer that <see cref="CachePolicy"/> let pass; null when something in it cannot be copied faithfully.</summary>
    public static StoredAnswer? TryCopy(ChatResponse response, CachePlan plan, CallCost cost, DateTimeOffset now, Purchase? purchase = null)
    {
        var messages = new StoredMessage[response.Messages.Count];
        for (var i = 0; i < messages.Length; i++)
        {
            if (StoredMessage.TryCopy(response.Messages[i]) is not { } message)
                return null;

            messages[i] = message;
        }

        return new StoredAnswer
        {
            Messages = messages,
            ResponseId = response.ResponseId,
            ResponseModel = response.ModelId,
            CreatedAt = response.CreatedAt,
            FinishReason = response.FinishReason?.Value,
            Properties = StoredProperties.Copy(response.AdditionalProperties),
            Model = plan.Model,
            Tags = plan.Tags,
            Namespace = plan.Namespace,
            Tenant = plan.Tenant,
            SystemPrompt = plan.SystemPrompt,
            Original = cost,
            Purchase = purchase,
            AskedAt = plan.AskedAt,
            StoredAt = now,
            ExpiresAt = Later(now, plan.TimeToLive),
            SlidingFor = plan.SlidingFor,
            KeptUntil = Later(Later(now, plan.TimeToLive), plan.StaleFor),
        };
    }

    /// <summary>What an answer that is not stored cost, for the rows of those who read it while it came.</summary>
    public static StoredAnswer Bill(CachePlan plan, string? responseModel, CallCost cost, DateTimeOffset now, Purchase? purchase) => new()
    {
        Messages = [],
        ResponseModel = responseModel,
        Model = plan.Model,
        Tags = plan.Tags,
        Namespace = plan.Namespace,
        Tenant = plan.Tenant,
        SystemPrompt = plan.SystemPrompt,
        Original = cost,
        Purchase = purchase,
        AskedAt = plan.AskedAt,
        StoredAt = now,
        ExpiresAt = now,
    };

    public static StoredAnswer Copy(Embedding<float> embedding, CachePlan plan, CallCost cost, DateTimeOffset now, Purchase? purchase = null) => new()
    {
        Messages = [],
        Vector = embedding.Vector.ToArray(),
        ResponseModel = embedding.ModelId,
        CreatedAt = embedding.CreatedAt,
        Properties = StoredProperties.Copy(embedding.AdditionalProperties),
        Model = plan.Model,
        Tags = plan.Tags,
        Namespace = plan.Namespace,
        Tenant = plan.Tenant,
        Original = cost,
        Purchase = purchase,
        AskedAt = plan.AskedAt,
        StoredAt = now,
        ExpiresAt = Later(now, plan.TimeToLive),
        SlidingFor = plan.SlidingFor,
        KeptUntil = Later(Later(now, plan.TimeToLive), plan.StaleFor),
    };

    /// <summary>A fresh answer. It has no usage, nothing was used; and no conversation id, that conversation belongs to someone
    /// else.</summary>
    public ChatResponse ToResponse()
    {
        var messages = new List<ChatMessage>(Messages.Count);
        for (var i = 0; i < Messages.Count; i++)
            messages.Add(Messages[i].ToMessage());

        return new ChatResponse(messages)
        {
            ResponseId = ResponseId,
            ModelId = ResponseModel,
            CreatedAt = CreatedAt,
            FinishReason = FinishReason is { } reason ? new ChatFinishReason(reason) : null,
            AdditionalProperties = Properties.ToDictionary(),
        };
    }

    public Embedding<float> ToEmbedding() => new(Vector.GetValueOrDefault().ToArray())
    {
        ModelId = ResponseModel,
        CreatedAt = CreatedAt,
        AdditionalProperties = Properties.ToDictionary(),
    };

    /// <summary>Whether it may be served now. An answer from the future comes from a clock that jumped; it could live for ever.</summary>
    /// <param name="now">The time.</param>
    /// <param name="counts">Whether this object saw every use, so that <see cref="SlidingFor"/> can be judged by it.</param>
    public bool IsFresh(DateTimeOffset now, bool counts = true) =>
        now < ExpiresAt && IsPlausible(now) && (!counts || SlidingFor is not { } unused || now - LastUsed < unused);

    /// <summary>Whether it is kept, though it may have expired, for the day the provider fails.</summary>
    public bool IsKept(DateTimeOffset now) => now < KeptUntil && KeptUntil > ExpiresAt && IsPlausible(now);

    private DateTimeOffset LastUsed => Worth.LastAsked is var asked && asked > StoredAt.UtcTicks ? new DateTimeOffset(asked, TimeSpan.Zero) : StoredAt;

    private bool IsPlausible(DateTimeOffset now) => StoredAt <= now + ClockTolerance && ExpiresAt - StoredAt <= CachePolicy.LongestTimeToLive;

    public static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);

    /// <summary>About how many bytes it takes in memory.</summary>
    public long SizeInMemory()
    {
        // 600: the objects around an answer (entry, node, record, cost, usage), measured with a heap of 100,000 small answers;
        // 250: its terms and what asking again would cost, counted by their fields.
        var size = 850L + Chars(ResponseId) + Chars(ResponseModel) + Chars(SystemPrompt) + Properties.SizeInMemory() + (4L * Vector.GetValueOrDefault().Length);
        for (var i = 0; i < Tags.Count; i++)
            size += Chars(Tags[i]);

        for (var i = 0; i < Messages.Count; i++)
            size += Messages[i].SizeInMemory();

        return size;
    }

    internal static long Chars(string? text) => text is null ? 0 : 32 + (2L * text.Length);

    private static DateTimeOffset Later(DateTimeOffset now, TimeSpan timeToLive) =>
        now + (timeToLive < CachePolicy.LongestTimeToLive ? timeToLive : CachePolicy.LongestTimeToLive);
}
