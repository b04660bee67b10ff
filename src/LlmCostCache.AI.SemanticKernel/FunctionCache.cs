using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;

namespace LlmCostCache.AI;

/// <summary>The question that a cached prompt function puts to the cache before its model is asked, and where the answer goes.</summary>
/// <remarks>Functions that wait for a streamed one get its answer when it is whole: what the kernel's services stream cannot be read along.</remarks>
internal sealed partial class FunctionCache : CacheSearch, IDisposable
{
    private static readonly ConcurrentDictionary<Type, PropertyInfo[]> s_unwritten = new();

    private readonly LlmCosts _costs;
    private readonly ModelRequest _request;

    private FunctionCache(LlmCosts costs, ModelRequest request, CachePlan plan)
        : base(costs.Cache)
    {
        _costs = costs;
        _request = request;
        Plan = plan;
    }

    public override CachePlan Plan { get; }

    /// <summary>The answer when it is known, or when an identical call is about to get it; null when the model has to be asked.</summary>
    public static async ValueTask<CachedFunctionAnswer?> FindAsync(
        FunctionCall call, ModelRequest request, PromptRenderContext context, LlmCostFilterOptions options)
    {
        if (!options.Caches(context.Function))
        {
            return null;
        }

        var costs = call.Costs;
        if (WhyNot(call, request, context) is { } whyNot || !TrySettings(context.ExecutionSettings, out var settings, out whyNot))
        {
            call.WhyNotCached = whyNot;
            Report(costs, request, CacheOutcome.Bypass, whyNot);
            return null;
        }

        var function = FunctionCall.FullName(context.Function);
        var question = new ChatOptions
        {
            ModelId = request.Model,
            AdditionalProperties = new() { ["kernel.function"] = function, ["kernel.service"] = request.Service.Kind.ToString(), ["kernel.settings"] = settings },
        };
        if (options.CacheNamespace is { } name)
        {
            question.WithCache(control => control.Namespace(name));
        }

        var client = request.Client;
        var endpoint = new CacheEndpoint(
            client.Provider ?? (request.Service.Instance is IChatClient asked ? ClientIdentity.TypeOf(asked) : request.Service.Instance!.GetType().FullName), client.Uri, client.DefaultModel);
        var plan = costs.Cache.Plan([new ChatMessage(ChatRole.User, context.RenderedPrompt)], question, endpoint, call.Attribution.Tenant,
            CachePolicy.Default with { TimeToLive = options.TimeToLive });
        var cache = new FunctionCache(costs, request, plan);
        var (hit, _) = await cache.FindAsync(readsAlong: false, insteadOfAsking: null, context.CancellationToken).ConfigureAwait(false);
        if (hit is null)
        {
            call.Cache = cache;
            call.WhyNotCached = plan.BypassReason;
            Report(costs, request, plan.BypassReason is null ? CacheOutcome.Miss : CacheOutcome.Bypass, plan.BypassReason);
            return null;
        }

        cache.Dispose();
        return new CachedFunctionAnswer(hit.Response, Serve(call, request, plan.Key, hit), request.Service.Kind);
    }

    /// <summary>Stores the answer if it deserves it, and gives it to those who wait for it.</summary>
    /// <returns>Null when it is stored or on its way, else the reason.</returns>
    public string? Keep(KernelAnswer answer, CallCost? cost, FunctionCall call)
    {
        var whyNot = Plan.BypassReason ?? TryKeep(answer, cost, call);
        if (whyNot is not null && Plan.BypassReason is null)
        {
            Log.AnswerNotStored(_costs.Logger, whyNot);
            _costs.Telemetry.NotStored(CallSpan.Inside(_request.Activity), whyNot);
        }

        return whyNot;
    }

    /// <summary>Tells those who wait that the call failed; one of them tries once more.</summary>
    public void Fail(Exception exception)
    {
        // Of its own making: its wish to stop, its budget. Those who wait have their own.
        if (FunctionCall.IsRefusal(exception) || exception is OperationCanceledException { InnerException: not TimeoutException })
            Flight?.Abandon();
        else
            Flight?.Fail(exception);
    }

    /// <summary>Lets one of those who wait ask, when this call got no answer.</summary>
    public void Dispose() => Flight?.Dispose();

    private string? TryKeep(KernelAnswer answer, CallCost? cost, FunctionCall call)
    {
        // A cheaper model's answer is not the answer to what was asked of the dearer one; and the finish reason does not pass through every
        // service, but it does pass a meter of ours.
        var whyNot = call.Watch.FellBack ? "a cheaper model answered, because of a budget"
            : (answer.FinishReason ?? call.Watch.FinishReason) is null || !answer.IsText || call.HadRounds || cost is null ? "it is not known to be a finished text"
            : null;
        if (whyNot is not null)
        {
            Flight?.CompleteUnshareable();
            return whyNot;
        }

        var response = new ChatResponse(new ChatMessage(ChatRole.Assistant, answer.Text))
        {
            FinishReason = new ChatFinishReason((answer.FinishReason ?? call.Watch.FinishReason)!),
            ModelId = answer.Model,
            ResponseId = answer.ResponseId,
        };
        whyNot = _costs.Cache.Store(Plan, response, cost!, call.Purchase, out var stored);
        Flight?.Complete(Plan, response, cost!, call.Purchase, stored);
        return whyNot;
    }

    private static UsageRecord Serve(FunctionCall call, ModelRequest request, CacheKey key, CacheHit hit)
    {
        var (saved, avoided) = call.Costs.Savings.Of(key, hit.Answer, request.Client, request.At);
        var span = CallSpan.Inside(request.Activity);
        var record = new UsageRecord
        {
            Id = CallToken.NewId(),
            At = request.At,
            Provider = request.Client.ProviderName,
            RequestedModel = request.Model,
            Model = hit.Response.ModelId ?? request.Model,
            Status = hit.Layer == CacheLayer.Coalesced ? CallStatus.Coalesced : CallStatus.Cached,
            Cost = CallCost.Known(Money.Zero) with
            {
                Saved = saved,
                CacheLayer = hit.Layer,
                Usage = hit.Original.Usage,
                PriceRevision = avoided.PriceRevision,
                Reason = avoided.Reason,
            },
            FinishReason = hit.Response.FinishReason?.Value,
            Latency = call.Costs.Options.TimeProvider.GetElapsedTime(request.StartedAt),
            Attribution = call.Attribution,
            TraceId = span.TraceId,
            SpanId = span.SpanId,
        };
        call.Costs.Store.AppendLater(record);
        call.Costs.Cache.Used(hit, saved);
        var outcome = hit.Layer == CacheLayer.Coalesced ? CacheOutcome.Coalesced : CacheOutcome.Hit;
        call.Costs.Telemetry.Cache(span, outcome, hit.Layer, saved, "chat", request.Client.ProviderName, request.Model);
        return record;
    }

    private static void Report(LlmCosts costs, ModelRequest request, CacheOutcome outcome, string? reason)
    {
        if (reason is not null)
        {
            Log.CacheBypassed(costs.Logger, reason);
        }

        costs.Telemetry.Cache(CallSpan.Inside(request.Activity), outcome, CacheLayer.None, Money.Zero, "chat", request.Client.ProviderName, request.Model, reason);
    }

    private static string? WhyNot(FunctionCall call, ModelRequest request, PromptRenderContext context)
    {
        if (request.Service.Instance is null)
        {
            return "the service is chosen by a selector of the application";
        }

        if (context.ExecutionSettings?.FunctionChoiceBehavior is not null)
        {
            return "the model may call functions";
        }

        if (MediaByAddress().IsMatch(context.RenderedPrompt ?? ""))
        {
            return "media is named by its address, and what is there may change";
        }

        return call.Stream is { CanReplay: false } ? "the stream has items that cannot be made from text" : null;
    }

    // Elements of a message in a prompt; what is not in the prompt itself is looked up by whoever answers.
    [GeneratedRegex("<(image|audio|binary|file)\\b[^>]*>(?!\\s*data:)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex MediaByAddress();

    /// <summary>All settings as text; what cannot be written down could shape the answer unseen.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Settings that were trimmed cannot be written down, and the cache is bypassed.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "Settings that cannot be written down bypass the cache.")]
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Only properties that exist can have been set.")]
    private static bool TrySettings(PromptExecutionSettings? settings, out string text, out string? whyNot)
    {
        text = "";
        whyNot = null;
        if (settings is null)
        {
            return true;
        }

        var type = settings.GetType();
        var unwritten = s_unwritten.GetOrAdd(type, static type => [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property is { CanRead: true, CanWrite: true }
                && (property.Name == "ToolCallBehavior" || property.GetCustomAttribute<JsonIgnoreAttribute>()?.Condition == JsonIgnoreCondition.Always))]);
        if (unwritten.FirstOrDefault(property => property.GetValue(settings) is not null) is { } hidden)
        {
            whyNot = $"the setting {hidden.Name} cannot be part of the question";
            return false;
        }

        try
        {
            text = $"{type.FullName}:{JsonSerializer.Serialize(settings, type)}";
            return true;
        }
        catch (Exception exception) when (exception is NotSupportedException or InvalidOperationException or JsonException)
        {
            whyNot = $"the settings cannot be written down ({exception.GetType().Name})";
            return false;
        }
    }
}
