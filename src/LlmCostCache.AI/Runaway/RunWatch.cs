using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>
/// Holds the requests that are made from here to the caps of their run. It is asked where requests are counted, at the meter: wherever the guard stands, a round
/// of function invocation, a retry, and the model that a tool asks, each pass it once.
/// </summary>
internal sealed class RunWatch(LlmCosts costs, RunawayOptions options, Run run, Attribution attribution)
{
    private static readonly AsyncLocal<RunWatch?> s_current = new();

    private readonly Money? _maxCost = options.MaxCostPerRun is { } usd ? Money.FromUsdRoundedUp(usd) : null;

    /// <summary>Who watches the calls that are made from here; set it inside an async method, so that the caller keeps its own.</summary>
    public static RunWatch? Current
    {
        get => s_current.Value;
        set => s_current.Value = value;
    }

    /// <summary>The watch around this one: the run of a tool's own agent is part of the run that called the tool.</summary>
    public RunWatch? Outer { get; } = s_current.Value;

    /// <summary>The watch for a call that is made here and now.</summary>
    public static RunWatch Begin(LlmCosts costs, RunawayOptions options, Attribution attribution) =>
        new(costs, options, costs.Runs.Of(RunKey.Of(attribution, options.Run), options.IdleTimeout), attribution);

    /// <summary>Counts a request that is about to be sent, in every run that it is part of.</summary>
    /// <exception cref="RunawayException">A run ends here. Nothing was sent.</exception>
    public void Admit(IReadOnlyList<ChatMessage> messages, string? model)
    {
        if (options.MaxRepeatedToolRounds is { } most && ToolRounds.AtTheEndOf(messages, most, MayRepeat) is var rounds && rounds.Count >= most)
        {
            throw Stopped(RunawayRule.RepeatedToolRounds, rounds, model);
        }

        Heard();
        var counts = !IsCountedFurtherOut();
        if (run.TryCall(options.MaxCallsPerRun, _maxCost, counts) is { } rule)
        {
            throw Stopped(rule, default, model);
        }

        try
        {
            Outer?.Admit(messages, model);
        }
        catch (RunawayException) when (counts)
        {
            run.TakeBack();
            throw;
        }
    }

    /// <summary>A request that was admitted was not sent after all: a budget refused it, or a cache further in had the answer.</summary>
    public void TakeBack()
    {
        if (!IsCountedFurtherOut())
        {
            run.TakeBack();
        }

        Outer?.TakeBack();
    }

    /// <summary>
    /// For doors that see a request only when it is over: why there must not be another one, null when there may. What they have seen they tell with <see cref="Called"/>.
    /// </summary>
    public RunawayException? FindStopped(ToolRounds rounds, string? model)
    {
        if (options.MaxRepeatedToolRounds is { } most && rounds.Count >= most)
        {
            return Stopped(RunawayRule.RepeatedToolRounds, rounds, model);
        }

        return run.TryCall(options.MaxCallsPerRun, _maxCost, counts: false) is { } rule ? Stopped(rule, default, model) : Outer?.FindStopped(default, model);
    }

    /// <summary>Counts a request that was made without asking.</summary>
    public void Called()
    {
        Heard();
        if (!IsCountedFurtherOut())
        {
            run.TryCall(null, null, counts: true);
        }

        Outer?.Called();
    }

    /// <summary>Whether a tool is polled on purpose.</summary>
    public bool MayRepeat(string tool) => options.MayRepeat(tool);

    /// <summary>What a request of the run cost.</summary>
    public void Spend(CallCost cost)
    {
        Heard();
        if (!IsCountedFurtherOut())
        {
            run.Spend(cost);
        }

        Outer?.Spend(cost);
    }

    private bool IsCountedFurtherOut()
    {
        for (var watch = Outer; watch is not null; watch = watch.Outer)
        {
            if (ReferenceEquals(watch.Run, run))
            {
                return true;
            }
        }

        return false;
    }

    private Run Run => run;

    // A turn can take longer than the time after which a run is forgotten.
    private void Heard() => run.UsedAt = costs.Options.TimeProvider.GetTimestamp();

    private RunawayException Stopped(RunawayRule rule, ToolRounds rounds, string? model)
    {
        var (calls, spent, unpriced) = run.Now;
        var sofar = $"This run has made {calls} request{(calls == 1 ? "" : "s")} for {spent}{(unpriced == 0 ? "" : $", {unpriced} of them without a known price")}.";
        var why = rule switch
        {
            RunawayRule.Cost => $"RunawayOptions.MaxCostPerRun allows {_maxCost}. {sofar} Raise the cap or begin another session",
            RunawayRule.Calls => $"RunawayOptions.MaxCallsPerRun allows {options.MaxCallsPerRun}. {sofar} Raise the cap or begin another session",
            _ => $"the model asked {rounds.Count} times in a row for the same tools with the same arguments ({rounds.Tools}), and RunawayOptions.MaxRepeatedToolRounds allows "
                + $"{options.MaxRepeatedToolRounds}. {sofar} See what these tools answer; if they are polled on purpose, add them to RunawayOptions.RepeatableTools",
        };
        costs.Telemetry.RunStopped(rule);
        if (run.TryReport())
        {
            Log.RunStopped(costs.Logger, rule, calls, spent);
            Report(rule, model);
        }

        return new RunawayException($"The runaway guard stopped the run: {why}. Nothing was sent.")
        {
            Rule = rule,
            Spent = spent,
            Calls = calls,
            RepeatedRounds = rounds.Count,
            Tools = rounds.Count == 0 ? null : rounds.Tools,
        };
    }

    private void Report(RunawayRule rule, string? model) => costs.Store.AppendLater(new UsageRecord
    {
        Id = CallToken.NewId(),
        At = costs.Options.TimeProvider.GetUtcNow(),
        RequestedModel = model,
        Status = CallStatus.Blocked,
        Cost = CallCost.Known(Money.Zero) with { Reason = $"Refused by the runaway guard ({rule})" },
        UsageSource = "none",
        Error = nameof(RunawayException),
        Attribution = attribution,
    });
}
