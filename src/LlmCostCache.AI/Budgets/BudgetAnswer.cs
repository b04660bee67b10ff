namespace LlmCostCache.AI;

/// <summary>What the application decides about a call that does not fit a budget; see <see cref="Budget.Ask"/>.</summary>
public sealed record BudgetAnswer
{
    private BudgetAnswer()
    {
    }

    /// <summary>Lets this call exceed the budget; the others that count it still have their say.</summary>
    public static BudgetAnswer Allow { get; } = new() { IsAllowed = true };

    /// <summary>Refuses the call with a <see cref="BudgetExceededException"/>.</summary>
    public static BudgetAnswer Block { get; } = new();

    internal bool IsAllowed { get; private init; }

    internal string? Model { get; private init; }

    internal string? Problem { get; private init; }

    internal Exception? Cause { get; private init; }

    /// <summary>Asks another model, which is checked against all budgets and priced as itself; its answer is never stored as the answer of the requested model.</summary>
    /// <param name="model">The model.</param>
    public static BudgetAnswer UseModel(string model)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        return new() { Model = model };
    }

    /// <summary>What the application says about a call that a budget refuses; null when the budget does not ask.</summary>
    internal static async ValueTask<BudgetAnswer?> AskAsync(BudgetDemand demand, BudgetExceededException refusal, CancellationToken cancellationToken)
    {
        if (refusal.Budget is not { Callback: { } callback } budget)
        {
            return null;
        }

        var question = new BudgetQuestion
        {
            Budget = budget,
            Tally = refusal.Tally,
            ResetsAt = refusal.ResetsAt,
            Model = demand.Model,
            Provider = demand.Client.ProviderName,
            Operation = demand.Operation,
            Attribution = demand.Attribution,
            Attempt = demand.Attempt,
        };
        try
        {
            return await callback(question, cancellationToken).ConfigureAwait(false) ?? new() { Problem = "it gave no answer" };
        }
        catch (Exception exception) when (!(exception is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            // Its message may quote anything; whoever catches the refusal finds the exception inside.
            return new() { Problem = $"it failed ({exception.GetType().Name})", Cause = exception };
        }
    }

    /// <summary>The refusal, with what the application did about it.</summary>
    internal BudgetExceededException Explain(BudgetExceededException refusal)
    {
        var why = Problem is { } problem ? $"The application was asked about it, but {problem}." : Model is { } model ? $"The application named '{model}', which cannot be asked any more." : "The application was asked and blocked it.";
        return refusal.With($"{refusal.Message} {why}", Cause);
    }
}
