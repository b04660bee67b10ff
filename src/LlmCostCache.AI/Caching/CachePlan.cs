using System.Security.Cryptography;

namespace LlmCostCache.AI;

/// <summary>What the cache will do for one question, decided before anything is looked up.</summary>
/// <remarks>
/// It holds the canonical form of the question as it was when it was asked; what the caller changes afterwards does not reach it. The form is borrowed memory and
/// goes back with the first look-up: a hit in memory needs neither key nor outline. What is kept after that does not change any more.
/// </remarks>
internal sealed class CachePlan
{
    private readonly KeySeal _seal;
    private readonly bool _keepsExcerpts;
    private readonly Invalidations? _invalidations;
    private readonly Invalidations.Mark _mark;
    private long _askedAt;
    private RequestCanonicalizer? _form;
    private byte[]? _request;
    private RequestMark[] _marks = [];
    private string? _prompt;
    private string? _systemPrompt;
    private RequestOutline? _outline;
    private CacheKey _key;
    private bool _hasKey;

    /// <summary>A plan for a question that has no key.</summary>
    public CachePlan()
        : this(null, default, KeySeal.None, false)
    {
    }

    /// <param name="form">The canonical form of the question; the plan gives it back. Null when it has none.</param>
    /// <param name="print">Where the memory layer looks for it.</param>
    /// <param name="seal">What makes the key of its digest.</param>
    /// <param name="keepsExcerpts">Whether beginnings of texts may be kept.</param>
    /// <param name="invalidations">What says when it is asked.</param>
    public CachePlan(RequestCanonicalizer? form, RequestPrint print, KeySeal seal, bool keepsExcerpts, Invalidations? invalidations = null)
    {
        _invalidations = invalidations;
        if (invalidations is not null)
        {
            _mark = invalidations.Now();
            _askedAt = form is null ? invalidations.StampSince(_mark) : 0;
        }

        _form = form;
        _seal = seal;
        _keepsExcerpts = keepsExcerpts;
        Print = print;
    }

    /// <summary>Names the question; all zeros when <see cref="BypassReason"/> says that it cannot be named. Worked out when it is first wanted.</summary>
    public CacheKey Key
    {
        get
        {
            Settle();
            if (!_hasKey && _request is not null)
            {
                _key = KeyOf(_request);
                _hasKey = true;
            }

            return _key;
        }
    }

    public RequestPrint Print { get; }

    /// <summary>The canonical bytes by which the memory layer knows the question; empty when its print decides.</summary>
    public ReadOnlySpan<byte> Request => _form is { } form ? form.Bytes.Length <= RequestPrinter.MostCompared ? form.Bytes : default : _request;

    /// <summary>The same bytes, for keeping.</summary>
    public byte[]? KeptRequest
    {
        get
        {
            Settle();
            return _request;
        }
    }

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

    /// <summary>The beginning of the question's instructions: those of the options, else the first system message; null when it has none, when excerpts are not
    /// kept, and after a hit.</summary>
    public string? SystemPrompt
    {
        get
        {
            Settle();
            return _keepsExcerpts ? RequestOutline.Excerpt(_systemPrompt) : null;
        }
    }

    /// <summary>What the question consists of, worked out when it is first wanted; null when it has no key, and after a hit.</summary>
    public RequestOutline? Outline
    {
        get
        {
            Settle();
            return _outline ??= _marks.Length == 0 ? null : RequestOutline.Of(_request, _marks, _keepsExcerpts ? _prompt : null, _seal);
        }
    }

    public required CachePolicy Policy { get; init; }

    /// <summary>When the question was asked, for invalidation: an answer asked for before an invalidation is older than it, whenever it arrives. Worked
    /// out when it is first wanted; zero, older than all, after a hit.</summary>
    public long AskedAt
    {
        get
        {
            Settle();
            return _askedAt;
        }

        init => _askedAt = value;
    }

    /// <summary>The memory layer answers: the form goes back, and the key is that of the entry.</summary>
    public void Answer(MemoryEntry entry)
    {
        if (!_hasKey)
        {
            _key = entry.Key;
            _hasKey = true;
        }

        _request ??= entry.Request;
        if (_form is { } form)
        {
            _form = null;
            form.Return();
        }
    }

    /// <summary>Keeps what the look-up and the store need, and gives the form back.</summary>
    public void Settle()
    {
        if (_form is not { } form)
            return;

        if (_invalidations is not null)
            _askedAt = _invalidations.StampSince(_mark);

        if (form.Bytes.Length <= RequestPrinter.MostCompared)
        {
            _request = form.Bytes.ToArray();
            _marks = CanStore ? [.. form.Marks] : [];
        }
        else
        {
            // Not kept, so what is made of it is made now.
            _key = KeyOf(form.Bytes);
            _hasKey = true;
            _outline = CanStore ? RequestOutline.Of(form.Bytes, form.Marks, _keepsExcerpts ? form.Prompt : null, _seal) : null;
        }

        _prompt = form.Prompt;
        _systemPrompt = form.SystemPrompt;
        _form = null;
        form.Return();
    }

    private CacheKey KeyOf(ReadOnlySpan<byte> canonical)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(canonical, digest);
        return _seal.Seal(digest);
    }
}
