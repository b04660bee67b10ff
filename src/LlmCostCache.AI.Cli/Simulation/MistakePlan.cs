using System.CommandLine;
using LlmCostCache.AI.Cli.Traces;

namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>How many calls of a made-up ledger go wrong, and how.</summary>
internal sealed class MistakePlan
{
    // Doctor calls a context too long from eight times the usual one on.
    private const int TimesTooLong = 20;

    private static readonly (string Word, CallMistakes Mistake)[] s_words =
    [
        ("retries", CallMistakes.Retries), ("lost_answers", CallMistakes.LostAnswers), ("no_scope", CallMistakes.NoScope), ("no_session", CallMistakes.NoSession),
        ("no_usage", CallMistakes.NoUsage), ("oversized_contexts", CallMistakes.OversizedContexts),
    ];

    private readonly List<(CallMistakes Mistake, decimal Share)> _shares = [];

    public static MistakePlan None { get; } = new();

    public bool Retries => _shares.Exists(static share => share.Mistake == CallMistakes.Retries);

    private static string Words => string.Join(", ", s_words.Select(static word => word.Word));

    public static Option<string[]> Option() => new("--mistake")
    {
        Description = $"A share of the calls that go wrong, such as retries=0.08, for doctor to find: {Words}; several times for several",
        HelpName = "CHECK=SHARE",
    };

    /// <exception cref="UsageException">One is none.</exception>
    public static MistakePlan Read(IEnumerable<string> texts)
    {
        var plan = new MistakePlan();
        foreach (var text in texts)
        {
            var (word, share) = text.Split('=', 2) is [var name, var value] ? (name, value) : (text, "");
            var known = s_words.FirstOrDefault(known => known.Word == word);
            if (known.Mistake == CallMistakes.None || share.Length == 0)
            {
                throw new UsageException($"--mistake '{text}' is not one of {Words} with a share, such as retries=0.08.");
            }

            plan._shares.Add((known.Mistake, CallShare.Read($"--mistake {word}", share)!.Value));
        }

        return plan;
    }

    /// <param name="number">The number of the call in the trace.</param>
    public CallMistakes Of(long number)
    {
        var mistakes = CallMistakes.None;
        foreach (var (mistake, share) in _shares)
        {
            // Each kind begins somewhere else, so that not the same calls have all of them.
            mistakes |= CallShare.Holds(share, number + ((long)mistake * 1_000), null) ? mistake : CallMistakes.None;
        }

        return mistakes;
    }

    /// <summary>The call as it is made with its mistakes.</summary>
    public static TraceCall With(CallMistakes mistakes, TraceCall call)
    {
        if (mistakes.HasFlag(CallMistakes.OversizedContexts))
        {
            // Nothing is known of the blocks of so long a prompt.
            call = call with { Usage = call.Usage with { UncachedInputTokens = call.Usage.UncachedInputTokens * TimesTooLong }, Blocks = null };
        }

        return mistakes.HasFlag(CallMistakes.NoScope) ? call with { Attribution = Attribution.None }
            : mistakes.HasFlag(CallMistakes.NoSession) ? call with { Attribution = call.Attribution with { Session = null } }
            : call;
    }
}
