using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.SemanticKernel;

namespace LlmCostCache.AI;

/// <summary>One invocation of a kernel function: who pays for what happens inside it, and, once a prompt was rendered, the model request it makes.</summary>
internal sealed partial class FunctionCall : IDisposable
{
    private const int MaxNameLength = 256;

    private static readonly AsyncLocal<FunctionCall?> s_current = new();

    private readonly Lock _lock = new();
    private readonly string? _ownFeature;
    private readonly RunawayOptions? _runaway;
    private LlmCostException? _refusal;
    private CallToken? _token;
    private string? _roundId;
    private int _rounds;
    private string? _lastRound;
    private int _sameRounds;
    private bool _recordsRounds;

    private FunctionCall(LlmCosts costs, Attribution attribution, string? ownFeature, RunawayOptions? runaway = null)
    {
        Costs = costs;
        Attribution = attribution;
        _ownFeature = ownFeature;
        _runaway = runaway;

        // A function inside another is part of its run; a guard around the kernel has caps of its own, which say nothing about these.
        Run = runaway is null || ReferenceEquals(runaway, Current?._runaway) ? RunWatch.Current : RunWatch.Begin(costs, runaway, attribution);
    }

    /// <summary>The innermost function that runs here.</summary>
    public static FunctionCall? Current => s_current.Value;

    public LlmCosts Costs { get; }

    public Attribution Attribution { get; }

    public MeterWatch Watch { get; } = new();

    /// <summary>Who watches the run that the function is part of; null when nobody does.</summary>
    public RunWatch? Run { get; }

    /// <summary>What a model is asked; null for functions that ask none.</summary>
    public ModelRequest? Request { get; private set; }

    /// <summary>The stream that the answer comes in; null when it comes whole.</summary>
    public FunctionStream? Stream { get; set; }

    /// <summary>The question to the cache; null when the function is not cached.</summary>
    public FunctionCache? Cache { get; set; }

    /// <summary>Why the answer was neither looked for nor stored; null when it was, or when the function is not meant to be cached.</summary>
    public string? WhyNotCached { get; set; }

    /// <summary>The answer when the cache knew it.</summary>
    public CachedFunctionAnswer? Answer { get; set; }

    /// <summary>What ended the function before its time; null when nothing did.</summary>
    public LlmCostException? Refusal => _refusal;

    public bool HadRounds => _rounds > 0;

    /// <summary>On which terms the answer was bought, by whichever meter recorded it.</summary>
    public Purchase? Purchase => Watch.Purchase ?? _token?.Purchase;

    public static FunctionCall Begin(KernelFunction function, LlmCosts costs, LlmCostFilterOptions options)
    {
        var current = CostScope.Current;
        var feature = options.Feature is { } name ? name(function) : DefaultFeature(function);
        var isFree = current.Feature is null || current.Feature == Current?._ownFeature;
        if (string.IsNullOrWhiteSpace(feature) || !isFree)
        {
            return new FunctionCall(costs, current, isFree ? current.Feature : null, options.Runaway);
        }

        feature = feature.Length <= MaxNameLength ? feature : feature[..MaxNameLength];
        return new FunctionCall(costs, current with { Feature = feature }, feature, options.Runaway);
    }

    /// <summary>A round of a service that is asked outside any prompt function.</summary>
    public static FunctionCall ForRound(FunctionCall? outer, LlmCosts costs) =>
        new(costs, outer?.Attribution ?? CostScope.Current, null);

    public static string FullName(KernelFunction function) =>
        string.IsNullOrEmpty(function.PluginName) ? function.Name : $"{function.PluginName}.{function.Name}";

    /// <summary>Runs a part of the function inside its scope. Asynchronous, so that what it sets is gone when it returns.</summary>
    public async Task RunAsync(Func<Task> part)
    {
        Enter();
        await part().ConfigureAwait(false);
    }

    /// <inheritdoc cref="RunAsync(Func{Task})"/>
    public async ValueTask<bool> RunAsync(Func<ValueTask<bool>> part)
    {
        Enter();
        return await part().ConfigureAwait(false);
    }

    /// <summary>From here on a model may have been asked, and has to be paid.</summary>
    public void Ask(ModelRequest request)
    {
        // Filters and templates may have asked models of their own while the prompt was made.
        Watch.Forget();
        Request = request;
    }

    /// <summary>Remembers that a budget or a guard ended what runs in here.</summary>
    public void Refuse(LlmCostException refusal) => Interlocked.CompareExchange(ref _refusal, refusal, null);

    public void ThrowIfRefused()
    {
        if (_refusal is { } refusal)
        {
            throw refusal;
        }
    }

    /// <summary>True for the first of the functions that a round asked for.</summary>
    public bool TryEndRound(int index)
    {
        lock (_lock)
        {
            if (index < _rounds)
            {
                return false;
            }

            _rounds = index + 1;
            return true;
        }
    }

    /// <summary>Why the run must not go on after the round that has just asked for functions; null when it may.</summary>
    public RunawayException? FindStopped(AutoFunctionInvocationContext context)
    {
        if (Run is not { } run)
        {
            return null;
        }

        var calls = FunctionCallContent.GetFunctionCalls(context.ChatMessageContent)
            .Select(call => new Microsoft.Extensions.AI.FunctionCallContent(call.Id ?? "", string.IsNullOrEmpty(call.PluginName) ? call.FunctionName : $"{call.PluginName}.{call.FunctionName}", call.Arguments))
            .ToList();
        var round = ToolRounds.Signature(calls);
        _sameRounds = calls.Exists(call => run.MayRepeat(call.Name)) ? 0 : round == _lastRound ? _sameRounds + 1 : 1;
        _lastRound = round;
        return run.FindStopped(ToolRounds.Of(_sameRounds, calls), Request?.Model);
    }

    /// <summary>Records the round that asked for functions, unless somebody else counts it.</summary>
    /// <returns>Whether it was recorded here, so that what is left can have become nothing.</returns>
    public async ValueTask<bool> CompleteRoundAsync(AutoFunctionInvocationContext context)
    {
        var request = Request!;
        var answer = KernelAnswer.Of(context.ChatMessageContent);
        _roundId = answer.ResponseId ?? _roundId;
        if (Stream is { } stream)
        {
            var isRecorded = await stream.EndRoundAsync(answer).ConfigureAwait(false);
            Request = isRecorded ? request.After(context, Costs.Options.TimeProvider) : request;
            return isRecorded;
        }

        // A chat client that invokes functions by itself reports the sum of all rounds with the last answer.
        var isSummed = request.Service.SumsRounds || (request.Service.Kind == ModelServiceKind.Unknown && answer.IsOfChatClient);
        if (answer.IsMetered(Watch) || (answer.Usage is null && isSummed))
        {
            return false;
        }

        await RecordAsync(request, answer, request.StartedAt, aggregated: false).ConfigureAwait(false);
        Request = request.After(context, Costs.Options.TimeProvider);
        _recordsRounds = true;
        return true;
    }

    /// <summary>Records the answer of a function that is not streamed.</summary>
    public async ValueTask CompleteAsync(FunctionResult result)
    {
        if (Request is not { } request)
        {
            return;
        }

        var answer = KernelAnswer.Of(result);
        var cost = answer.Cost ?? Watch.Cost;
        if (!answer.IsMetered(Watch))
        {
            // A loop that was ended shows a function's result, or a round that is recorded already, in the place of an answer. The id alone does not tell: local
            // servers give every answer the same.
            if (answer.Usage is null ? _recordsRounds && answer.IsFunctionResult : answer.ResponseId is { } id && id == _roundId && !answer.IsText)
            {
                return;
            }

            var isSum = answer.IsAggregated || (HadRounds && !_recordsRounds);
            cost = await RecordAsync(request, answer, request.StartedAt, isSum).ConfigureAwait(false);
        }
        else
        {
            request.Service.Learn(Watch);
        }

        Keep(answer, cost);
    }

    /// <summary>Stores the answer, if the function is cached and the answer deserves it.</summary>
    public void Keep(KernelAnswer answer, CallCost? cost)
    {
        if (Cache is { } cache)
            WhyNotCached = cache.Keep(answer, cost, this);
    }

    /// <summary>The result, with the reason why it did not pass the cache where it can carry one.</summary>
    public FunctionResult Explained(FunctionResult result) => WhyNotCached is { } reason && result.GetValue<object>() is Microsoft.Extensions.AI.ChatResponse response
        ? new FunctionResult(result, ChatMessages.WithBypass(response, CallToken.NewId(), reason))
        : result;

    /// <summary>Records that no answer came.</summary>
    public async ValueTask FailAsync(Exception exception)
    {
        Cache?.Fail(exception);

        // What budgets or prices refused was not sent, and a meter further in has written down what was.
        if (Request is { } request && !Watch.Saw && !IsRefusal(exception))
        {
            MeterWatch.Current = null;

            // Rounds that only their sum would have shown were answered: what the last one met with says nothing about them.
            var attempt = Attempt(request, request.StartedAt, Stream is not null, aggregated: Stream is null && HadRounds && !_recordsRounds);
            await Costs.Meter.FailAsync(attempt, exception).ConfigureAwait(false);
        }
    }

    public async ValueTask<CallCost?> RecordAsync(ModelRequest request, KernelAnswer answer, long startedAt, bool aggregated) =>
        await RecordAsync(request, answer.Facts(request, Costs.Meter.Usage), startedAt, streamed: false, aggregated).ConfigureAwait(false);

    public async ValueTask<CallCost?> RecordAsync(ModelRequest request, AnswerFacts facts, long startedAt, bool streamed, bool aggregated)
    {
        // What is recorded here is no sign of a meter inside the function around this one.
        MeterWatch.Current = null;
        Run?.Called();
        return await Costs.Meter.CompleteAsync(Attempt(request, startedAt, streamed, aggregated), facts).ConfigureAwait(false);
    }

    /// <summary>The refusal when a budget has nothing left for what this function asks.</summary>
    public ValueTask<LlmCostException?> FindSpentAsync(ModelRequest request, CancellationToken cancellationToken) => Costs.Budgets.FindSpentAsync(
        new BudgetDemand
        {
            CallId = Token(request).Id,
            Operation = "chat",
            Attribution = Attribution,
            Client = request.Client,
            Model = request.Model,
            Size = Costs.Budgets.HasBudgets ? request.Measure() : RequestSize.Empty,
            MaxOutputTokens = request.MaxOutputTokens,
        },
        Token(request).Span,
        cancellationToken);

    public void Dispose()
    {
        Cache?.Dispose();
        _token?.Dispose();
    }

    public static bool IsRefusal(Exception exception) => exception is LlmCostException || (exception.InnerException is { } inner && IsRefusal(inner));

    private void Enter()
    {
        s_current.Value = this;
        MeterWatch.Current = Watch;
        RunWatch.Current = Run;
        CostScope.Resume(Attribution);
    }

    private MeteredAttempt Attempt(ModelRequest request, long startedAt, bool streamed, bool aggregated)
    {
        var token = Token(request);
        return new MeteredAttempt(CallToken.NewId(), token, token.NextAttempt(), null, request.Client, "chat", request.Model,
            request.MaxOutputTokens, streamed, aggregated, request.At, startedAt, request.Measure)
        {
            Run = Run,
        };
    }

    private CallToken Token(ModelRequest request) => _token ??= CallToken.Begin(Costs, CallSpan.Inside(request.Activity), Attribution);

    // The kernel names prompts that have no name after a method and a new id; each would be a feature of its own.
    private static string? DefaultFeature(KernelFunction function) =>
        string.IsNullOrEmpty(function.PluginName) && MadeUpName().IsMatch(function.Name) ? null : FullName(function);

    [GeneratedRegex("_[0-9a-f]{32}$")]
    private static partial Regex MadeUpName();
}
