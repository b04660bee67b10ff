namespace LlmCostCache.AI;

/// <summary>
/// Lets a door that sees only the outside of a call learn that a meter of ours counted it further in. A door that is given its own options passes a
/// <see cref="CallToken"/> instead; a kernel's filter cannot, because other people's code makes the call.
/// </summary>
internal sealed class MeterWatch
{
    private static readonly AsyncLocal<MeterWatch?> s_current = new();

    private readonly Lock _lock = new();
    private CallCost? _cost;
    private string? _finishReason;
    private bool _saw;
    private bool _heldBudget;
    private bool _fellBack;
    private Purchase? _purchase;

    /// <summary>Who watches the calls that are made from here; set it inside an async method, so that the caller keeps its own.</summary>
    public static MeterWatch? Current
    {
        get => s_current.Value;
        set => s_current.Value = value;
    }

    /// <summary>Who watches an operation; answers are watched for, embeddings are not.</summary>
    public static MeterWatch? Of(string operation) => operation == "chat" ? Current : null;

    /// <summary>Whether a call passed a meter or a cache of ours.</summary>
    public bool Saw
    {
        get
        {
            lock (_lock)
            {
                return _saw;
            }
        }
    }

    /// <summary>Whether a call was held to the budgets further in.</summary>
    public bool HeldBudget
    {
        get
        {
            lock (_lock)
            {
                return _heldBudget;
            }
        }
    }

    /// <summary>Whether a budget had a cheaper model answer.</summary>
    public bool FellBack
    {
        get
        {
            lock (_lock)
            {
                return _fellBack;
            }
        }
    }

    /// <summary>The sum of what was counted; null when nothing has ended yet.</summary>
    public CallCost? Cost
    {
        get
        {
            lock (_lock)
            {
                return _cost;
            }
        }
    }

    /// <summary>Why the last answer ended.</summary>
    public string? FinishReason
    {
        get
        {
            lock (_lock)
            {
                return _finishReason;
            }
        }
    }

    /// <summary>On which terms the answer was bought; null when no meter recorded one.</summary>
    public Purchase? Purchase
    {
        get
        {
            lock (_lock)
            {
                return _purchase;
            }
        }
    }

    /// <summary>What was seen so far belongs to something else.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            (_saw, _heldBudget, _fellBack, _cost, _finishReason, _purchase) = (false, false, false, null, null, null);
        }
    }

    /// <summary>A call begins.</summary>
    public void Begin(bool heldBudget, bool fellBack)
    {
        lock (_lock)
        {
            _saw = true;
            _heldBudget |= heldBudget;
            _fellBack |= fellBack;
        }
    }

    /// <summary>A call has ended and was counted.</summary>
    public void End(CallCost cost, string? finishReason, Purchase? purchase = null)
    {
        lock (_lock)
        {
            _saw = true;
            _cost = _cost is null ? cost : _cost + cost;
            _finishReason = finishReason;
            _purchase = purchase is null ? _purchase : Purchase.And(_purchase, purchase);
        }
    }
}
