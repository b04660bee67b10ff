using Microsoft.SemanticKernel;

namespace LlmCostCache.AI;

/// <summary>How the filters of a kernel attribute its calls, and which of its functions are answered from the cache.</summary>
public sealed class LlmCostFilterOptions
{
    private TimeSpan _timeToLive = CachePolicy.Default.TimeToLive;

    /// <summary>The prompt functions whose answers are cached, as <c>Plugin.Function</c>, or <c>Function</c> without a plugin.</summary>
    /// <value>
    /// None. Only prompt functions are cached, and only while they call no other functions by themselves: replaying an answer would skip what those do.
    /// The question is the rendered prompt with all execution settings, the service and the model; plugin, function and tenant keep questions apart.
    /// </value>
    public ISet<string> CacheFunctions { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Decides for functions that are not named in <see cref="CacheFunctions"/>.</summary>
    /// <value>Null: only the named ones are cached.</value>
    public Func<KernelFunction, bool>? ShouldCache { get; set; }

    /// <summary>How long a cached answer may be served.</summary>
    /// <value>24 hours; more than zero, at most 365 days.</value>
    public TimeSpan TimeToLive
    {
        get => _timeToLive;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, CachePolicy.LongestTimeToLive);
            _timeToLive = value;
        }
    }

    /// <summary>Keeps the cached answers of this kernel apart from those of others.</summary>
    /// <value>Null: shared by all kernels of the same <see cref="LlmCosts"/>.</value>
    /// <exception cref="ArgumentException">The value is blank.</exception>
    public string? CacheNamespace
    {
        get;
        set
        {
            if (value is not null)
            {
                ArgumentException.ThrowIfNullOrWhiteSpace(value);
            }

            field = value;
        }
    }

    /// <summary>
    /// When a run of the kernel is stopped that does not end by itself; without a session or a trace each function that the application invokes is a run. Inside automatic
    /// function calling the loop ends, before the tools of the round that is one too many run, and the function that started it throws the <see cref="RunawayException"/>.
    /// </summary>
    /// <value>Null: runs are not watched, unless a chat client of the kernel is (<c>UseRunawayGuard()</c>).</value>
    public RunawayOptions? Runaway { get; set; }

    /// <summary>The name that a function's calls are filed under as <see cref="Attribution.Feature"/>; null files them under whatever is around.</summary>
    /// <value>
    /// Null: <c>Plugin.Function</c>, or <c>Function</c> without a plugin; a prompt without a name of its own is filed under the function that it is invoked in.
    /// A feature that the application set with <see cref="CostScope"/> is never replaced.
    /// </value>
    public Func<KernelFunction, string?>? Feature { get; set; }

    internal bool Caches(KernelFunction function) => CacheFunctions.Contains(FunctionCall.FullName(function)) || ShouldCache?.Invoke(function) == true;
}
