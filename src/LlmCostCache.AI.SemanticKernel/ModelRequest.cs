using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace LlmCostCache.AI;

/// <summary>What a kernel asks of a model: taken down when the prompt is ready, before anything is sent.</summary>
internal sealed record ModelRequest
{
    public required ModelService Service { get; init; }

    public required string? Model { get; init; }

    public required DateTimeOffset At { get; init; }

    public required long StartedAt { get; init; }

    /// <summary>The span that was current.</summary>
    public Activity? Activity { get; } = Activity.Current;

    /// <summary>How large the request is; measured only when something depends on it.</summary>
    public required Func<RequestSize> Measure { get; init; }

    public int? MaxOutputTokens { get; init; }

    public ClientIdentity Client => Service.Client;

    public static ModelRequest Of(PromptRenderContext context, LlmCosts costs)
    {
        var service = ModelService.Of(context.Kernel, context.Function, context.Arguments);
        var (prompt, settings, kernel) = (context.RenderedPrompt ?? "", context.ExecutionSettings, context.Kernel);
        var time = costs.Options.TimeProvider;
        return new ModelRequest
        {
            Service = service,
            Model = settings?.ModelId ?? service.Client.DefaultModel,
            At = time.GetUtcNow(),
            StartedAt = time.GetTimestamp(),
            MaxOutputTokens = Options(settings, null)?.MaxOutputTokens,
            Measure = () => RequestSize.Of([new ChatMessage(ChatRole.User, prompt)], Options(settings, kernel)),
        };
    }

    /// <summary>A request that is known only by its answer.</summary>
    public static ModelRequest Of(AutoFunctionInvocationContext context, LlmCosts costs)
    {
        var service = ModelService.Of(context.ChatMessageContent);
        var time = costs.Options.TimeProvider;
        return new ModelRequest
        {
            Service = service,
            Model = context.ExecutionSettings?.ModelId ?? service.Client.DefaultModel,
            At = time.GetUtcNow(),
            StartedAt = time.GetTimestamp(),
            MaxOutputTokens = Options(context.ExecutionSettings, null)?.MaxOutputTokens,
            Measure = () => Size(context.ChatHistory, Options(context.ExecutionSettings, context.Kernel)),
        };
    }

    /// <summary>The request of the next round: everything so far, and what the functions are going to add to it.</summary>
    public ModelRequest After(AutoFunctionInvocationContext context, TimeProvider time)
    {
        var (history, settings, kernel) = (context.ChatHistory, context.ExecutionSettings, context.Kernel);
        return this with { At = time.GetUtcNow(), StartedAt = time.GetTimestamp(), Measure = () => Size(history, Options(settings, kernel)) };
    }

    private static RequestSize Size(ChatHistory history, ChatOptions? options) => RequestSize.Of([.. history.Select(message => message.ToChatMessage())], options);

    private static ChatOptions? Options(PromptExecutionSettings? settings, Kernel? kernel)
    {
        if (settings is null)
        {
            return null;
        }

        try
        {
            return (kernel is null ? WithoutFunctions(settings) : settings).ToChatOptions(kernel);
        }
        catch (Exception exception) when (exception is NotSupportedException or InvalidOperationException or System.Text.Json.JsonException or KernelException)
        {
            // Settings that cannot be converted are sent by their own connector all the same.
            return null;
        }
    }

    private static PromptExecutionSettings WithoutFunctions(PromptExecutionSettings settings)
    {
        if (settings.FunctionChoiceBehavior is null)
        {
            return settings;
        }

        var copy = settings.Clone();
        copy.FunctionChoiceBehavior = null;
        return copy;
    }
}
