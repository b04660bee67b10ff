using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>A home directory with a few stored answers, as an application left it at <see cref="CliRun.Now"/>; removed after the test.</summary>
internal sealed class CacheHome : IDisposable
{
    private readonly TempHome _home = new();

    /// <summary>A clock that stands at <see cref="CliRun.Now"/>.</summary>
    public static TimeProvider Clock { get; } = new FixedTime(CliRun.Now);

    public string Path => _home.Path;

    public string File => System.IO.Path.Combine(Path, "cache.db");

    public static async Task<CacheHome> CreateAsync(Func<CostCachingChatClient, Task> ask, Action<LlmCostsOptions>? configure = null)
    {
        var home = new CacheHome();
        await home.UseAsync((client, _) => ask(client), configure);
        return home;
    }

    /// <summary>Three questions: two of the tag "geo", of which one was asked again.</summary>
    public static Task<CacheHome> WithAnswersAsync(Action<LlmCostsOptions>? configure = null) => CreateAsync(async client =>
    {
        await client.GetResponseAsync("What is the capital of France?", new ChatOptions { Temperature = 0.2f }.WithCache(c => c.Tag("geo")));
        await client.GetResponseAsync("What is the capital of Italy?", new ChatOptions { Temperature = 0.2f }.WithCache(c => c.Tag("geo").TimeToLive(TimeSpan.FromHours(1))));
        using (CostScope.Begin(tenant: "acme"))
        {
            await client.GetResponseAsync("Sum up", new ChatOptions { ModelId = "gpt-4o", Instructions = "You are a lawyer." }.WithCache(c => c.Namespace("legal")));
        }
    }, configure);

    public async Task UseAsync(Func<CostCachingChatClient, LlmCosts, Task> use, Action<LlmCostsOptions>? configure = null)
    {
        await using var costs = LlmCosts.Open(options =>
        {
            options.HomeDirectory = Path;
            options.TimeProvider = Clock;
            configure?.Invoke(options);
        });
        using var client = new CostCachingChatClient(new FakeChatClient { Answer = AnswerAsync }, costs);
        await use(client, costs);
        await costs.FlushAsync();
    }

    /// <summary>The key of the oldest entry of a model.</summary>
    public async Task<string> KeyOfAsync(string model) =>
        (await CliRun.Of("cache", "list", "--home", Path, "--model", model, "--sort", "age", "--json")).Json.GetProperty("entries")[0].GetProperty("key").GetString()!;

    /// <summary>Changes the file behind everybody's back.</summary>
    public int Tamper(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteNonQuery();
    }

    public void Dispose() => _home.Dispose();

    private static Task<ChatResponse> AnswerAsync(IReadOnlyList<ChatMessage> messages, ChatOptions? options, int number) => Task.FromResult(
        new ChatResponse(new ChatMessage(ChatRole.Assistant, $"Answer {number}\u001b[31m\nto that."))
        {
            FinishReason = ChatFinishReason.Stop,
            ModelId = options?.ModelId ?? "gpt-4o-mini",
            Usage = new UsageDetails { InputTokenCount = 1_000, OutputTokenCount = 500, TotalTokenCount = 1_500 },
        });

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
