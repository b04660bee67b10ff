using System.ClientModel;
using System.ClientModel.Primitives;
using Anthropic;
using Microsoft.Extensions.AI;
using OllamaSharp;
using OpenAI;

namespace LlmCostCache.AI.Tests;

/// <summary>The SDKs, pointed at an address, without retries of their own unless a test counts them.</summary>
internal static class ProviderSdk
{
    public static IChatClient OpenAIChat(Uri address) => OpenAI(address).GetChatClient("gpt-4o-mini").AsIChatClient();

    public static IChatClient OpenAIChatRetrying(Uri address) => OpenAI(address, retries: 2).GetChatClient("gpt-4o-mini").AsIChatClient();

    public static IChatClient OpenAIResponses(Uri address) => OpenAI(address).GetResponsesClient().AsIChatClient("gpt-4o-mini");

    public static IChatClient Anthropic(Uri address) =>
        new AnthropicClient { ApiKey = "test", BaseUrl = address.ToString().TrimEnd('/'), MaxRetries = 0 }.AsIChatClient("claude-sonnet-4-5", 1_024);

    public static IChatClient Ollama(Uri address) => new OllamaApiClient(address, OllamaWire.Model);

    public static OpenAIClient OpenAI(Uri address, int retries = 0, TimeSpan? timeout = null) => new(new ApiKeyCredential("test"), new OpenAIClientOptions
    {
        Endpoint = new Uri(address, "v1"),
        RetryPolicy = new ClientRetryPolicy(retries),
        NetworkTimeout = timeout ?? TimeSpan.FromSeconds(100),
    });
}
