using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using LlmCostCache.AI.Cli.Pricing;

namespace LlmCostCache.AI.Benchmarks;

/// <summary><c>llmcost price --jsonl</c> without the process around it: questions in, answers out. The target is 20,000 lines a second, 50 µs a line.</summary>
[Config(typeof(WallTimeConfig))]
public class PriceLinesBenchmarks
{
    private const int Lines = 10_000;

    private static readonly (string Provider, string Model)[] s_models =
    [
        ("openai", "gpt-4o-2024-08-06"), ("openai", "gpt-5.4"), ("anthropic", "claude-sonnet-4-5-20250929"), ("google", "gemini-2.5-pro"), ("deepseek", "deepseek-chat"),
        ("bedrock", "us.anthropic.claude-opus-4-6-v1:0"), ("alibaba-cn", "qwen-plus"), ("openai", "no-such-model"),
    ];

    private readonly byte[] _questions = Questions();

    [Benchmark(OperationsPerInvoke = Lines, Description = "one line")]
    public async Task<bool> Price()
    {
        using var input = new MemoryStream(_questions, writable: false);
        return await new PriceLines(PriceBook.BuiltIn, TimeProvider.System).RunAsync(input, Stream.Null, CancellationToken.None).ConfigureAwait(false);
    }

    private static byte[] Questions()
    {
        var lines = new StringBuilder();
        for (var i = 0; i < Lines; i++)
        {
            var (provider, model) = s_models[i % s_models.Length];
            lines.Append(CultureInfo.InvariantCulture, $$$"""
                {"id":"{{{i}}}","provider":"{{{provider}}}","model":"{{{model}}}","at":"2026-08-20T00:00:00Z","service_tier":"standard","usage":{"input_tokens":{{{2_000 + (i * 37)}}},"cached_input_tokens":{{{1_920 + i}}},"cache_write_5m_tokens":0,"cache_write_1h_tokens":0,"output_tokens":{{{300 + i}}},"reasoning_tokens":{{{i % 300}}},"input_audio_tokens":0,"cached_audio_tokens":0,"output_audio_tokens":0,"input_image_tokens":0,"output_image_tokens":0,"web_searches":0,"requests":1}}
                """).Append('\n');
        }

        return Encoding.UTF8.GetBytes(lines.ToString());
    }
}
