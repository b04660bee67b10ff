using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI;

/// <summary>Shares one <c>cache.db</c> with others: finds each answer there, or takes the lease and buys it. Waits for a line before it begins.</summary>
internal static class ShareCacheVerb
{
    private static CacheKey KeyOf(int question) => new(SHA256.HashData(Encoding.UTF8.GetBytes(TextOf(question))));

    private static string TextOf(int question) => string.Create(CultureInfo.InvariantCulture, $"answer {question}");

    public static async Task<int> RunAsync(string home, string questions)
    {
        var (bought, wrong, failures) = (0, 0, 0);
        var count = int.Parse(questions, CultureInfo.InvariantCulture);
        var layer = DiskLayer.TryOpen(home, 64 << 20, AnswerSeal.None, TimeProvider.System, new Invalidations(TimeProvider.System), NullLogger.Instance,
            _ => Interlocked.Increment(ref failures))!;
        Console.WriteLine("ready");
        Console.ReadLine();
        for (var question = 0; question < count; question++)
        {
            var key = KeyOf(question);
            StoredAnswer? found;
            while ((found = layer.Find(key)) is null)
            {
                if (await layer.TryLeaseAsync(key, TimeSpan.FromSeconds(30)) != LeaseOutcome.Taken)
                {
                    await Task.Delay(2);
                }
                else if (layer.Find(key) is null)
                {
                    bought++;
                    await Task.Delay(1);
                    layer.Put(key, Answer(question));
                    await layer.FlushAsync();
                }
                else
                {
                    layer.ReleaseLease(key);
                }
            }

            wrong += found.ToResponse().Text == TextOf(question) ? 0 : 1;
            layer.Used(key, Money.FromNanos(1));
        }

        await layer.FlushAsync();
        layer.Dispose();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bought};{wrong};{failures}"));
        return 0;
    }

    private static StoredAnswer Answer(int question) => StoredAnswer.TryCopy(
        new ChatResponse(new ChatMessage(ChatRole.Assistant, TextOf(question))) { FinishReason = ChatFinishReason.Stop },
        new CachePlan { Policy = CachePolicy.Default, Model = "m", TimeToLive = TimeSpan.FromHours(1) }, CallCost.Unpriced("a test"), TimeProvider.System.GetUtcNow())!;
}
