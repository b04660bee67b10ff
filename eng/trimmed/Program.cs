// Asks the real SDKs over canned answers and prints what each call cost, one line a call: published trimmed it must print the same as untrimmed.
using System.ClientModel;
using System.ClientModel.Primitives;
using Anthropic;
using LlmCostCache.AI;
using Microsoft.Extensions.AI;
using OpenAI;
using TrimmedApp;

const string Gpt = "gpt-5.6-2026-07-09";
const string Claude = "claude-sonnet-4-5-20250929";
var home = Directory.CreateTempSubdirectory("llmcost-trimmed-").FullName;
try
{
    await using var costs = LlmCosts.Open(o => o.HomeDirectory = home);
    await Ask("openai chat", Chat(Payloads.Chat(Gpt, router: false), streamed: false), streamed: false);
    await Ask("openai chat, streamed", Chat(Payloads.ChatStream(Gpt), streamed: true), streamed: true);
    await Ask("a router's cost", Chat(Payloads.Chat(Gpt, router: true), streamed: false, "https://openrouter.ai/api/v1"), streamed: false);
    await Ask("openai responses", Responses(Payloads.Response(Gpt), streamed: false), streamed: false);
    await Ask("openai responses, streamed", Responses(Payloads.ResponseStream(Gpt, "completed"), streamed: true), streamed: true);
    await Ask("openai responses, truncated", Responses(Payloads.ResponseStream(Gpt, "incomplete"), streamed: true), streamed: true);
    await Ask("anthropic", Messages(Payloads.Message(Claude), streamed: false), streamed: false);
    await Ask("anthropic, streamed", Messages(Payloads.MessageStream(Claude), streamed: true), streamed: true);

    async Task Ask(string name, IChatClient provider, bool streamed)
    {
        try
        {
            using var client = provider.AsBuilder().UseUsageMetering(costs).Build();
            var response = streamed ? await client.GetStreamingResponseAsync("Hi").ToChatResponseAsync() : await client.GetResponseAsync("Hi");
            var cost = response.GetCost();
            var usage = cost.Usage;
            Console.WriteLine($"{name}: {cost.Certainty} {cost.Low} to {cost.High}; {usage.UncachedInputTokens} in, {usage.CachedInputTokens} cached, "
                + $"{usage.CacheWrite5mTokens} + {usage.CacheWrite1hTokens} written, {usage.OutputTokens} out, {usage.ReasoningTokens} reasoned");
        }
        catch (Exception exception)
        {
            Console.WriteLine($"{name}: {exception.GetType().Name}: {exception.Message}");
        }
    }
}
finally
{
    Directory.Delete(home, recursive: true);
}

static OpenAIClient OpenAI(string body, bool streamed, string endpoint = "https://api.openai.com/v1") =>
    new(new ApiKeyCredential("test"), new OpenAIClientOptions { Endpoint = new Uri(endpoint), Transport = new HttpClientPipelineTransport(new HttpClient(new CannedHandler(body, streamed))) });

static IChatClient Chat(string body, bool streamed, string endpoint = "https://api.openai.com/v1") => OpenAI(body, streamed, endpoint).GetChatClient(Gpt).AsIChatClient();

static IChatClient Responses(string body, bool streamed) => OpenAI(body, streamed).GetResponsesClient().AsIChatClient(Gpt);

static IChatClient Messages(string body, bool streamed) =>
    new AnthropicClient { ApiKey = "test", HttpClient = new HttpClient(new CannedHandler(body, streamed)) }.AsIChatClient(Claude, 1_024);
