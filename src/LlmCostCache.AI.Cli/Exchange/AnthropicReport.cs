namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>
/// Anthropic's reports: usage and costs of the admin API, and the CSV files of the console. Tokens are counted apart from each other; amounts of the API are cents as text,
/// those of the CSV dollars.
/// </summary>
internal sealed class AnthropicReport : IBucketReport
{
    private const string Provider = "anthropic";
    private const decimal CentsPerDollar = 100m;

    private static readonly string[] s_counts =
    [
        "uncached_input_tokens", "cache_read_input_tokens", "output_tokens", "cache_creation.ephemeral_5m_input_tokens", "cache_creation.ephemeral_1h_input_tokens",
        "usage_input_tokens_no_cache", "usage_input_tokens_cache_read", "usage_output_tokens", "usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write_1h",
        "usage_input_tokens_cache_write", "web_search_count", "server_tool_use.web_search_requests", "amount", "cost_usd",
    ];

    public (string Start, string End) Times => ("starting_at", "ending_at");

    public Bucket? Read(BucketFields fields, DateTimeOffset startsAt, DateTimeOffset endsAt)
    {
        if (fields.HasNone(s_counts))
        {
            return null;
        }

        var isCosts = fields["amount"] is not null || fields["cost_usd"] is not null;
        var model = fields["model"] ?? fields["model_version"];
        var project = fields["workspace_id"] ?? fields["workspace"];
        var key = fields["api_key_id"] ?? fields["api_key"];
        var geography = fields["inference_geo"];
        var window = fields["context_window"];
        var tier = fields["service_tier"] ?? (isCosts ? null : fields["usage_type"]);
        var bucket = new Bucket(new(Provider, isCosts), startsAt, endsAt)
        {
            Model = model,
            Project = project,
            ApiKey = key,
            Region = geography,
            ServiceTier = fields["speed"] is "fast" ? "fast" : tier,
            Prompts = PromptsOf(window),
            Dimensions =
            [
                model, project, key, window, geography, tier, fields["speed"], fields["token_type"], fields["cost_type"], fields["description"], fields["usage_type"], fields["account_id"],
                fields["service_account_id"],
            ],
        };
        if (isCosts)
        {
            return Costs(bucket, fields);
        }

        var usage = Usage(fields);
        return usage == TokenUsage.None ? null : bucket with { Usage = usage };
    }

    private static Bucket Costs(Bucket bucket, BucketFields fields)
    {
        if (fields["currency"] is { } currency && !currency.Equals("usd", StringComparison.OrdinalIgnoreCase))
        {
            fields.Refuse($"is in {currency}; costs in US dollars can be imported");
        }

        // A line without a model is a web search, a session or a container: it has a description instead.
        return bucket with
        {
            Model = bucket.Model ?? fields["description"] ?? fields["cost_type"] ?? "other",
            Dollars = fields.Number("cost_usd") ?? fields.Number("amount") / CentsPerDollar,
        };
    }

    private static TokenUsage Usage(BucketFields fields) => new()
    {
        UncachedInputTokens = fields.Count("uncached_input_tokens") + fields.Count("usage_input_tokens_no_cache"),
        CachedInputTokens = fields.Count("cache_read_input_tokens") + fields.Count("usage_input_tokens_cache_read"),
        CacheWrite5mTokens = fields.Count("cache_creation.ephemeral_5m_input_tokens") + fields.Count("usage_input_tokens_cache_write_5m") + fields.Count("usage_input_tokens_cache_write"),
        CacheWrite1hTokens = fields.Count("cache_creation.ephemeral_1h_input_tokens") + fields.Count("usage_input_tokens_cache_write_1h"),
        OutputTokens = fields.Count("output_tokens") + fields.Count("usage_output_tokens"),
        WebSearches = fields.Count("server_tool_use.web_search_requests") + fields.Count("web_search_count"),
    };

    /// <summary><c>0-200k</c> and <c>≤ 200k</c>; <c>200k-1M</c> and <c>> 200k</c>.</summary>
    private static PromptSizes PromptsOf(string? window) => window switch
    {
        null => PromptSizes.Unsaid,
        ['0', '-', ..] or ['\u2264', ..] or ['<', ..] => PromptSizes.Small,
        ['>', ..] => PromptSizes.Large,
        _ when window.EndsWith("1M", StringComparison.OrdinalIgnoreCase) => PromptSizes.Large,
        _ => PromptSizes.Unsaid,
    };
}
