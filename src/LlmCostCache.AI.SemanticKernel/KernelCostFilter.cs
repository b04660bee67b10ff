using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using FunctionInvocationContext = Microsoft.SemanticKernel.FunctionInvocationContext;

namespace LlmCostCache.AI;

/// <summary>
/// The kernel's door to cache, budgets and meter. A function filter opens a scope around every function; the prompt filter learns that a model is about to be
/// asked, and is the last place to answer from the cache or to refuse; the automatic-function filter sees the rounds that nobody else sees.
/// </summary>
internal sealed class KernelCostFilter : IFunctionInvocationFilter, IPromptRenderFilter, IAutoFunctionInvocationFilter
{
    // Rounds of services that are asked outside any prompt function: several functions of one round come with the same message.
    private readonly ConditionalWeakTable<ChatMessageContent, object> _rounds = [];

    private LlmCosts? _costs;

    public LlmCostFilterOptions Options { get; } = new();

    public void Configure(LlmCosts? costs, Action<LlmCostFilterOptions>? configure)
    {
        if (costs is not null)
        {
            costs.ThrowIfOther(_costs);
            _costs = costs;
        }

        configure?.Invoke(Options);
    }

    /// <summary>Runs a function inside its scope. A streamed one has not begun when <paramref name="next"/> returns, so its stream is wrapped.</summary>
    public async Task OnFunctionInvocationAsync(FunctionInvocationContext context, Func<FunctionInvocationContext, Task> next)
    {
        var call = FunctionCall.Begin(context.Function, Costs(context.Kernel), Options);
        if (context.IsStreaming)
        {
            await call.RunAsync(() => next(context)).ConfigureAwait(false);
            context.Result = FunctionStream.Wrap(context.Result, call);
            return;
        }

        using (call)
        {
            try
            {
                await call.RunAsync(() => next(context)).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                await call.FailAsync(exception).ConfigureAwait(false);
                throw;
            }

            await call.CompleteAsync(context.Result).ConfigureAwait(false);
            context.Result = call.Explained(context.Result);
        }

        call.ThrowIfRefused();
    }

    /// <summary>The prompt is ready and a model is about to be asked, unless another filter, the cache or a budget prevents it.</summary>
    public async Task OnPromptRenderAsync(PromptRenderContext context, Func<PromptRenderContext, Task> next)
    {
        await next(context).ConfigureAwait(false);
        if (FunctionCall.Current is not { } call || (context.Result is not null && !context.IsStreaming))
        {
            return;
        }

        call.Costs.ThrowIfDisposed();
        var request = ModelRequest.Of(context, call.Costs);
        if (await FunctionCache.FindAsync(call, request, context, Options).ConfigureAwait(false) is { } answer)
        {
            call.Answer = answer;
            if (context.IsStreaming)
            {
                // A result is ignored here when the function is streamed; the wrapped stream catches this and replays the answer.
                throw new AnsweredFromCacheException();
            }

            context.Result = answer.ToResult(context.Function, context.Kernel.Culture);
            return;
        }

        if (!request.Service.HoldsBudgets && await call.FindSpentAsync(request, context.CancellationToken).ConfigureAwait(false) is { } refusal)
        {
            throw refusal;
        }

        if (call.Run?.FindStopped(default, request.Model) is { } stopped)
        {
            throw stopped;
        }

        call.Ask(request);
    }

    /// <summary>
    /// A model asked for a function: its round is over and paid for. When nothing is left the loop ends here; an exception would be swallowed by the kernel,
    /// which then asks the model again.
    /// </summary>
    public async Task OnAutoFunctionInvocationAsync(AutoFunctionInvocationContext context, Func<AutoFunctionInvocationContext, Task> next)
    {
        var call = FunctionCall.Current;
        var refusal = await EndRoundAsync(call, context).ConfigureAwait(false);
        if (refusal is null)
        {
            try
            {
                await next(context).ConfigureAwait(false);
                return;
            }
            catch (LlmCostException exception) when (exception is BudgetExceededException or QuotaExceededException { Budget: not null } or RunawayException)
            {
                refusal = exception;
            }
        }

        call?.Refuse(refusal);
        context.Terminate = true;
    }

    private async ValueTask<LlmCostException?> EndRoundAsync(FunctionCall? call, AutoFunctionInvocationContext context)
    {
        if (call?.Refusal is { } already)
        {
            return already;
        }

        if (call is { Request: { } request })
        {
            if (!call.TryEndRound(context.RequestSequenceIndex))
            {
                return null;
            }

            var spent = await call.CompleteRoundAsync(context).ConfigureAwait(false)
                ? await call.FindSpentAsync(request, context.CancellationToken).ConfigureAwait(false)
                : null;
            return (LlmCostException?)spent ?? call.FindStopped(context);
        }

        // The service was asked directly. Its usage is recorded where it shows; its last answer does not pass here.
        var answer = KernelAnswer.Of(context.ChatMessageContent);
        if (answer.Usage is null || answer.IsMetered(call?.Watch) || !_rounds.TryAdd(context.ChatMessageContent, this))
        {
            return null;
        }

        var costs = Costs(context.Kernel);
        var direct = ModelRequest.Of(context, costs);
        using var round = FunctionCall.ForRound(call, costs);
        await round.RecordAsync(direct, answer, direct.StartedAt, aggregated: false).ConfigureAwait(false);
        return await round.FindSpentAsync(direct, context.CancellationToken).ConfigureAwait(false) ?? (call ?? round).FindStopped(context);
    }

    // Not decided before the first call: the kernel's services may not be complete when the filters are added.
    private LlmCosts Costs(Kernel kernel) => _costs ??= kernel.Services.GetService(typeof(LlmCosts)) as LlmCosts
        ?? (kernel.Services.GetService(typeof(IChatClient)) as IChatClient)?.GetService<LlmCosts>()
        ?? UseCostExtensions.Resolve(null, kernel.Services);
}
