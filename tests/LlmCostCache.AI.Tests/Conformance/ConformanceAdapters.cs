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
    private static readonly HashSet<string> s_standIns = ["google-genai", "mscc-gemini", "anthropic-community", "bedrock", "github-copilot"];

    /// <summary>Whether the package is stood in for.</summary>
    public static bool IsStandIn(string adapter) => s_standIns.Contains(adapter);

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
