using System.ClientModel;
using System.ClientModel.Primitives;
using Anthropic;
using Microsoft.Extensions.AI;
using OllamaSharp;
using OpenAI;

namespace LlmCostCache.AI.Tests;

/// <summary>The client of each adapter: the provider's own SDK over given bytes, or a stand-in where its package does not restore here.</summary>
internal static class ConformanceAdapters
{
    /// <summary>Who is behind each adapter, and how the case is run.</summary>
    public static IReadOnlyDictionary<string, (string Provider, string Client)> Described { get; } = new SortedDictionary<string, (string, string)>(StringComparer.Ordinal)
    {
        ["anthropic"] = ("Anthropic messages", "Anthropic 13.12"),
        ["anthropic-community"] = ("Anthropic messages, community package", "stand-in for Anthropic.SDK 5.10"),
        ["azure-openai"] = ("Azure OpenAI", "OpenAI 2.14"),
        ["bedrock"] = ("Amazon Bedrock Converse", "stand-in for AWSSDK.Extensions.Bedrock.MEAI"),
        ["dashscope"] = ("Alibaba Model Studio (Qwen)", "OpenAI 2.14"),
        ["deepseek"] = ("DeepSeek", "OpenAI 2.14"),
        ["gemini-compatible"] = ("Google Gemini over the OpenAI protocol", "OpenAI 2.14"),
        ["github-copilot"] = ("GitHub Copilot", "stand-in for Agent Framework"),
        ["google-genai"] = ("Google Gemini", "stand-in for Google.GenAI"),
        ["groq"] = ("Groq", "OpenAI 2.14"),
        ["litellm"] = ("LiteLLM proxy", "OpenAI 2.14"),
        ["mistral"] = ("Mistral", "OpenAI 2.14"),
        ["moonshot"] = ("Moonshot (Kimi)", "OpenAI 2.14"),
        ["mscc-gemini"] = ("Google Gemini, community package", "stand-in for Mscc.GenerativeAI.Microsoft"),
        ["ollama"] = ("Ollama", "OllamaSharp 5.5"),
        ["ollama-embeddings"] = ("Ollama embeddings", "OllamaSharp 5.5"),
        ["openai-chat"] = ("OpenAI chat completions", "OpenAI 2.14"),
        ["openai-embeddings"] = ("OpenAI embeddings", "OpenAI 2.14"),
        ["openai-responses"] = ("OpenAI responses", "OpenAI 2.14"),
        ["openrouter"] = ("OpenRouter", "OpenAI 2.14"),
        ["perplexity"] = ("Perplexity", "OpenAI 2.14"),
        ["sk-openai"] = ("OpenAI through Semantic Kernel", "Connectors.OpenAI 1.82"),
        ["together"] = ("Together", "OpenAI 2.14"),
        ["vertex-compatible"] = ("Google Vertex AI over the OpenAI protocol", "OpenAI 2.14"),
        ["xai"] = ("xAI (Grok)", "OpenAI 2.14"),
    };

    public static IChatClient Chat(ConformanceCase test, HttpMessageHandler wire)
    {
        var model = test.Request.Model;
        var http = new HttpClient(wire) { BaseAddress = test.Endpoint };
        return test.Adapter switch
        {
            "anthropic" => new AnthropicClient { ApiKey = "test", BaseUrl = test.Endpoint.ToString().TrimEnd('/'), MaxRetries = 0, HttpClient = http }.AsIChatClient(model, 1_024),
            "ollama" => new OllamaApiClient(http, model),
            "openai-responses" => OpenAI(test, http).GetResponsesClient().AsIChatClient(model),
            "google-genai" => new GoogleGenAIStandIn(http, model),
            "mscc-gemini" => new MsccGeminiStandIn(http, model),
            "anthropic-community" => new AnthropicCommunityStandIn(http, model),
            "bedrock" => new BedrockStandIn(http, model),
            "github-copilot" => new GitHubCopilotStandIn(http, model),
            _ => OpenAI(test, http).GetChatClient(model).AsIChatClient(),
        };
    }

    public static IEmbeddingGenerator<string, Embedding<float>> Embeddings(ConformanceCase test, HttpMessageHandler wire)
    {
        var http = new HttpClient(wire) { BaseAddress = test.Endpoint };
        return test.Adapter == "ollama-embeddings"
            ? new OllamaApiClient(http, test.Request.Model)
            : OpenAI(test, http).GetEmbeddingClient(test.Request.Model).AsIEmbeddingGenerator();
    }

    private static OpenAIClient OpenAI(ConformanceCase test, HttpClient http) => new(new ApiKeyCredential("test"), new OpenAIClientOptions
    {
        Endpoint = test.Endpoint,
        RetryPolicy = new ClientRetryPolicy(0),
        Transport = new HttpClientPipelineTransport(http),
    });
}
