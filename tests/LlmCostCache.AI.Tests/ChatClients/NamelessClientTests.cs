using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Clients that do not say who they are: their type stands for the provider, whatever is wrapped around them.</summary>
public class NamelessClientTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Two_clients_that_do_not_say_who_they_are_never_share_an_answer(bool givesEmptyMetadata)
    {
        using var home = new TempHome();
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        using var one = new FirstClient(givesEmptyMetadata).AsBuilder().UseCostCache(costs).UseBudget(costs).Build();
        using var two = new SecondClient(givesEmptyMetadata).AsBuilder().UseCostCache(costs).UseBudget(costs).Build();

        Assert.Equal("first", (await one.GetResponseAsync("Hello")).Text);
        Assert.Equal("second", (await two.GetResponseAsync("Hello")).Text);
        Assert.Equal(CacheLayer.Memory, (await one.GetResponseAsync("Hello")).GetCost().CacheLayer);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Two_generators_that_do_not_say_who_they_are_never_share_a_vector(bool givesEmptyMetadata)
    {
        using var home = new TempHome();
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        using var one = new FirstGenerator(givesEmptyMetadata).AsBuilder().UseCostCache(costs).UseBudget(costs).Build();
        using var two = new SecondGenerator(givesEmptyMetadata).AsBuilder().UseCostCache(costs).UseBudget(costs).Build();

        Assert.Equal<float[]>([1f], (await one.GenerateAsync(["alpha"]))[0].Vector.ToArray());
        Assert.Equal<float[]>([2f], (await two.GenerateAsync(["alpha"]))[0].Vector.ToArray());
        Assert.Equal(CacheLayer.Memory, (await one.GenerateAsync(["alpha"])).GetCost().CacheLayer);
    }

    private abstract class NamelessClient(string says, bool givesEmptyMetadata) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, says)) { FinishReason = ChatFinishReason.Stop });

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
                yield return update;
        }

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(ChatClientMetadata) ? givesEmptyMetadata ? new ChatClientMetadata() : null : serviceType.IsInstanceOfType(this) ? this : null;

        public void Dispose()
        {
        }
    }

    private sealed class FirstClient(bool givesEmptyMetadata) : NamelessClient("first", givesEmptyMetadata);

    private sealed class SecondClient(bool givesEmptyMetadata) : NamelessClient("second", givesEmptyMetadata);

    private abstract class NamelessGenerator(float says, bool givesEmptyMetadata) : IEmbeddingGenerator<string, Embedding<float>>
    {
        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(_ => new Embedding<float>(new[] { says }))));

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(EmbeddingGeneratorMetadata) ? givesEmptyMetadata ? new EmbeddingGeneratorMetadata() : null : serviceType.IsInstanceOfType(this) ? this : null;

        public void Dispose()
        {
        }
    }

    private sealed class FirstGenerator(bool givesEmptyMetadata) : NamelessGenerator(1, givesEmptyMetadata);

    private sealed class SecondGenerator(bool givesEmptyMetadata) : NamelessGenerator(2, givesEmptyMetadata);
}
