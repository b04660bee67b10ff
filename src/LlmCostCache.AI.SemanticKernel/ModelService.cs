using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.Services;
using Microsoft.SemanticKernel.TextGeneration;

namespace LlmCostCache.AI;

/// <summary>The service that a prompt function is going to ask.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Instance">The service; null when an application's own selector chooses it.</param>
/// <param name="Client">Whom it talks to.</param>
internal sealed record ModelService(ModelServiceKind Kind, object? Instance, ClientIdentity Client)
{
    private static readonly ConditionalWeakTable<object, object> s_held = [];

    // Connectors by the namespace they live in; their names in the GenAI conventions.
    private static readonly (string Namespace, string Provider)[] s_connectors =
    [
        ("Connectors.OpenAI", "openai"),
        ("Connectors.AzureOpenAI", "azure.ai.openai"),
        ("Connectors.AzureAIInference", "azure.ai.inference"),
        ("Connectors.MistralAI", "mistral_ai"),
        ("Connectors.Google", "gcp.gemini"),
        ("Connectors.Amazon", "aws.bedrock"),
        ("Connectors.Ollama", "ollama"),
        ("Connectors.HuggingFace", "huggingface"),
        ("Connectors.Onnx", "onnx"),
    ];

    private static ModelService Unknown { get; } = new(ModelServiceKind.Unknown, null, new ClientIdentity(null, null, null, false));

    /// <summary>Whether what it reports for the last answer is the sum of all rounds: it invokes functions by itself, below the kernel.</summary>
    public bool SumsRounds => Kind == ModelServiceKind.ChatClient || IsChatClientInDisguise;

    /// <summary>Whether a budget further in holds every request, which is better than looking at what is left.</summary>
    public bool HoldsBudgets => Instance switch
    {
        IChatClient client => client.GetService<BudgetChatClient>() is not null,
        null => false,
        _ => s_held.TryGetValue(Instance, out _),
    };

    private bool IsChatClientInDisguise => Instance?.GetType().Name == "ChatClientChatCompletionService";

    public static ModelService Of(Kernel kernel, KernelFunction function, KernelArguments arguments)
    {
        // A selector of the application may choose differently each time it is asked; asking it here would change its choice.
        if (kernel.Services.GetService(typeof(IAIServiceSelector)) is not null)
        {
            return Unknown;
        }

        var selector = kernel.ServiceSelector;
        try
        {
            if (selector.TrySelectAIService<IChatCompletionService>(kernel, function, arguments, out var chat, out _))
            {
                return new(ModelServiceKind.ChatCompletion, chat, IdentityOf(chat));
            }

            if (selector.TrySelectAIService<ITextGenerationService>(kernel, function, arguments, out var text, out _))
            {
                return new(ModelServiceKind.TextGeneration, text, IdentityOf(text));
            }

            return selector is IChatClientSelector clients && clients.TrySelectChatClient<IChatClient>(kernel, function, arguments, out var client, out _)
                ? new(ModelServiceKind.ChatClient, client, ClientIdentity.Of(client).Called(client.GetService<UsageMeteringChatClient>()?.ProviderName))
                : Unknown;
        }
        catch (KernelException)
        {
            // No service fits; the function is about to fail by itself.
            return Unknown;
        }
    }

    /// <summary>The identity of whatever sent a message, when only the message is known.</summary>
    public static ModelService Of(ChatMessageContent message)
    {
        var provider = ProviderOf(message.GetType());
        return Unknown with { Client = new ClientIdentity(provider, null, message.ModelId, provider is not null) };
    }

    /// <summary>A service that is backed by a chat client of ours does not show it; it is known after its first call.</summary>
    public void Learn(MeterWatch watch)
    {
        if (watch.HeldBudget && IsChatClientInDisguise)
        {
            s_held.TryAdd(Instance!, Instance!);
        }
    }

    private static ClientIdentity IdentityOf(IAIService service)
    {
        var provider = ProviderOf(service.GetType());
        return new(provider, Uri.TryCreate(service.GetEndpoint(), UriKind.Absolute, out var uri) ? uri : null, service.GetModelId(), provider is not null);
    }

    private static string? ProviderOf(Type type)
    {
        if (type.Name.StartsWith("Vertex", StringComparison.Ordinal))
        {
            return "gcp.vertex_ai";
        }

        foreach (var (name, provider) in s_connectors)
        {
            if (type.Namespace?.Contains(name, StringComparison.Ordinal) == true)
            {
                return provider;
            }
        }

        return null;
    }
}
