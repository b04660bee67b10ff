namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>The words of <c>--from</c>.</summary>
internal static class ExchangeFormat
{
    public const string Auto = "auto";
    public const string Own = "llmcost";
    public const string OpenAI = "openai";
    public const string Anthropic = "anthropic";
    public const string Tokenkeeper = "tokenkeeper";

    public static readonly string[] All = [Auto, Own, OpenAI, Anthropic, Tokenkeeper];
}
