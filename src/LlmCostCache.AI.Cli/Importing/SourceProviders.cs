namespace LlmCostCache.AI.Cli.Importing;

/// <summary>The providers of price lists by the names of our book.</summary>
internal static class SourceProviders
{
    // Only names that our directory does not know anyway.
    private static readonly Dictionary<string, string> s_names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["amazon-bedrock"] = "bedrock",
        ["aws"] = "bedrock",
        ["bedrock_converse"] = "bedrock",
        ["bedrock_mantle"] = "bedrock",
        ["azure_text"] = "azure",
        ["codestral"] = "mistral",
        ["text-completion-codestral"] = "mistral",
        ["text-completion-openai"] = "openai",
        ["cohere_chat"] = "cohere",
        ["fireworks_ai"] = "fireworks",
        ["fireworks-ai"] = "fireworks",
        ["fireworks_ai-embedding-models"] = "fireworks",
        ["gemini"] = "google",
        ["google-vertex"] = "vertex",
        ["google-vertex-anthropic"] = "vertex",
        ["together_ai"] = "together",
        ["togetherai"] = "together",
        ["moonshotai"] = "moonshot",
        ["moonshotai-cn"] = "moonshot-cn",
        ["voyageai"] = "voyage",
        ["x-ai"] = "xai",
        ["zai"] = "zhipu",
        ["dashscope"] = "alibaba",
        ["zhipuai"] = "zhipu-cn",
        ["cloudflare-workers-ai"] = "cloudflare",
        ["volcengine"] = "volcengine-cn",
        ["nebius"] = "nebius",
    };

    /// <summary>The provider in our book, or the name as the list has it when the book does not know it.</summary>
    public static string Of(string name)
    {
        if (s_names.TryGetValue(name, out var known))
        {
            return known;
        }

        // vertex_ai-language-models, vertex_ai-anthropic_models, vertex_ai-mistral_models, ...
        return name.StartsWith("vertex_ai", StringComparison.OrdinalIgnoreCase) ? "vertex" : ProviderDirectory.Instance.ByName(name)?.Id ?? name;
    }
}
