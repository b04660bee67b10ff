using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;

namespace LlmCostCache.AI;

/// <summary>The question that a cached prompt function puts to the cache before its model is asked, and where the answer goes.</summary>
internal sealed class FunctionCache : IDisposable
{
    private static readonly ConcurrentDictionary<Type, PropertyInfo[]> s_unwritten = new();

    private readonly LlmCosts _costs;
    private readonly CachePlan _plan;
    private CacheFlight? _flight;

    private FunctionCache(LlmCosts costs, CachePlan plan)
    {
        _costs = costs;
        _plan = plan;
    }

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
        var endpoint = new CacheEndpoint(client.Provider ?? request.Service.Instance!.GetType().FullName, client.Uri, client.DefaultModel);
        var plan = costs.Cache.Plan([new ChatMessage(ChatRole.User, context.RenderedPrompt)], question, endpoint, call.Attribution.Tenant,
            CachePolicy.Default with { TimeToLive = options.TimeToLive });
        var cache = new FunctionCache(costs, plan);
        var hit = await cache.FindAsync(context.CancellationToken).ConfigureAwait(false);
        if (hit is null)
        {
            call.Cache = cache;
            Report(costs, request, plan.BypassReason is null ? CacheOutcome.Miss : CacheOutcome.Bypass, plan.BypassReason);
            return null;
        }

        cache.Dispose();
        return new CachedFunctionAnswer(hit.Response, Serve(call, request, plan.Key, hit), request.Service.Kind);
    }

    /// <summary>Stores the answer if it deserves it, and gives it to those who wait for it.</summary>
    public void Keep(KernelAnswer answer, CallCost? cost, FunctionCall call)
    {
        // The finish reason does not pass through every service, but it does pass a meter of ours.
        if ((answer.FinishReason ?? call.Watch.FinishReason) is not { } reason || !answer.IsText || call.HadRounds || cost is null)
        {
            Log.AnswerNotStored(_costs.Logger, "it is not known to be a finished text");
            _flight?.CompleteUnshareable();
            return;
        }

        var response = new ChatResponse(new ChatMessage(ChatRole.Assistant, answer.Text))
        {
            FinishReason = new ChatFinishReason(reason),
            ModelId = answer.Model,
            ResponseId = answer.ResponseId,
        };
        if (_costs.Cache.Store(_plan, response, cost, call.Purchase) is { } whyNot && _plan.BypassReason is null)
        {
            Log.AnswerNotStored(_costs.Logger, whyNot);
        }

        _flight?.Complete(_plan, response, cost, call.Purchase);
    }

    /// <summary>Lets one of those who wait ask, when this call got no answer.</summary>
    public void Dispose() => _flight?.Dispose();

    private async ValueTask<CacheHit?> FindAsync(CancellationToken cancellationToken)
    {
        while (_plan.CanRead)
        {
            if (await _costs.Cache.FindAsync(_plan, cancellationToken).ConfigureAwait(false) is { } hit)
            {
                return hit;
            }

            var flight = _costs.Cache.Enter(_plan.Key);
            if (flight.IsLeader)
            {
                _flight = flight;

                // Another leader may have landed between the look and the entry.
                var late = await _costs.Cache.FindAsync(_plan, cancellationToken).ConfigureAwait(false);
                if (late is not null)
                {
                    flight.Complete(late);
                }

                return late;
            }

            if (await flight.WaitAsync(cancellationToken).ConfigureAwait(false) is { } shared)
            {
                return shared;
            }

            if (flight.IsUnshareable)
            {
                return null;
            }
        }

        return null;
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

        return call.Stream is { CanReplay: false } ? "the stream has items that cannot be made from text" : null;
    }

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
