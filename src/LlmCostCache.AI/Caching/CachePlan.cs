using System.Security.Cryptography;

namespace LlmCostCache.AI;

/// <summary>What the cache will do for one question, decided before anything is looked up.</summary>
/// <remarks>
/// It holds the canonical form of the question as it was when it was asked; what the caller changes afterwards does not reach it. The form is borrowed memory and
/// given back by the first look-up; key, outline and excerpts stay. A plan belongs to one call until it was looked up, and does not change after that.
/// </remarks>
internal sealed class CachePlan
{
    private readonly bool _keepsExcerpts = true;
    private RequestCanonicalizer? _form;
    private byte[]? _canonical;
    private RequestMark[] _marks = [];
    private string? _prompt;
    private string? _systemPrompt;
    private CacheKey _key;
    private RequestOutline? _outline;

    public CachePlan()
    {
    }

    /// <param name="form">The canonical form of the question, which is given back; null when it has none.</param>
    /// <param name="seal">What makes keys of digests.</param>
    /// <param name="keepsExcerpts">Whether beginnings of texts may be kept.</param>
    public CachePlan(RequestCanonicalizer? form, AnswerSeal seal, bool keepsExcerpts)
    {
        _form = form;
        _keepsExcerpts = keepsExcerpts;
        Settle(seal);
    }

    /// <summary>Names the question; meaningless when <see cref="BypassReason"/> says that it cannot be named.</summary>
    public CacheKey Key => _key;

    public bool CanRead { get; init; }

    public bool CanStore { get; init; }

    /// <summary>Why the cache is neither asked nor filled; null when it is.</summary>
    public string? BypassReason { get; init; }

    public TimeSpan TimeToLive { get; init; }

    /// <summary>How long the answer may go unused; null when only <see cref="TimeToLive"/> counts.</summary>
    public TimeSpan? SlidingFor { get; init; }

    /// <summary>How long after its end the answer may be served when the provider fails.</summary>
    public TimeSpan StaleFor { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>The model that is asked; empty when nobody named one.</summary>
    public string Model { get; init; } = "";

    /// <summary>The namespace the question is asked in: that of the call, else that of the application; empty when there is none.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>Whose question it is; null when the scope names no tenant.</summary>
    public string? Tenant { get; init; }

    /// <summary>The beginning of the question's instructions: those of the options, else the first system message; null when it has none or excerpts are not
    /// kept.</summary>
    public string? SystemPrompt => _keepsExcerpts ? RequestOutline.Excerpt(_systemPrompt) : null;

    /// <summary>What the question consists of, worked out when it is first wanted; null when it has no key.</summary>
    public RequestOutline? Outline =>
        _outline ??= _canonical is null ? null : RequestOutline.Of(_canonical, _marks, _keepsExcerpts ? _prompt : null);

    public required CachePolicy Policy { get; init; }

    /// <summary>When the question was asked, for invalidation: an answer asked for before an invalidation is older than it, whenever it
    /// arrives.</summary>
    public long AskedAt { get; init; }

    private void Settle(AnswerSeal seal)
    {
        if (_form is not { } form)
            return;

        _form = null;
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(form.Bytes, digest);
        _key = seal.KeyOf(digest);
        _canonical = form.Bytes.ToArray();
        _marks = [.. form.Marks];
        _prompt = form.Prompt;
        _systemPrompt = form.SystemPrompt;
        form.Return();
    }
}
