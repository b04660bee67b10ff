using LlmCostCache.AI.Cli.Pricing;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>
/// OpenAI's reports: the organization's usage and costs endpoints, and the CSV files of the usage page, which have the same fields. The input contains cached and written
/// tokens; costs are dollars.
/// </summary>
internal sealed class OpenAIReport : IBucketReport
{
    private const string Provider = "openai";

    private static readonly string[] s_counts =
        ["input_tokens", "output_tokens", "num_model_requests", "images", "characters", "seconds", "amount_value", "amount.value", "usage_bytes", "num_sessions"];

    public (string Start, string End) Times => ("start_time", "end_time");

    public Bucket? Read(BucketFields fields, DateTimeOffset startsAt, DateTimeOffset endsAt)
    {
        // The usage page exports a line for each span, also where nothing was used.
        if (fields.HasNone(s_counts))
        {
            return null;
        }

        return fields["amount.value"] is not null || fields["amount_value"] is not null ? Costs(fields, startsAt, endsAt) : Usage(fields, startsAt, endsAt);
    }

    private static Bucket Costs(BucketFields fields, DateTimeOffset startsAt, DateTimeOffset endsAt)
    {
        var currency = fields["amount.currency"] ?? fields["amount_currency"] ?? "usd";
        if (!currency.Equals("usd", StringComparison.OrdinalIgnoreCase))
        {
            fields.Refuse($"is in {currency}; costs in US dollars can be imported");
        }

        // "gpt-4o-mini, input": the model and what of it was billed.
        var item = fields["line_item"];
        return new Bucket(new(Provider, IsCosts: true), startsAt, endsAt)
        {
            Model = item?.Split(',', 2)[0].Trim(),
            Project = fields["project_name"] ?? fields["project_id"],
            User = fields["user_id"],
            ApiKey = fields["api_key_id"],
            Dollars = fields.Number("amount.value") ?? fields.Number("amount_value"),
            Dimensions = [item, fields["project_id"], fields["user_id"], fields["api_key_id"], fields["organization_id"]],
        };
    }

    private static Bucket? Usage(BucketFields fields, DateTimeOffset startsAt, DateTimeOffset endsAt)
    {
        if (fields["usage_bytes"] is not null || fields["num_sessions"] is not null)
        {
            fields.Refuse("counts stored bytes or sessions, not calls of a model");
        }

        var seconds = fields.Number("seconds") ?? 0m;
        if (seconds is < 0m or > 1_000_000_000m)
        {
            fields.Refuse($"\"seconds\" ({fields["seconds"]}) is negative or too large");
        }

        var operation = OperationOf(fields);
        var usage = new InclusiveUsage
        {
            Input = fields.Count("input_tokens"),
            CachedInput = fields.Count("input_cached_tokens"),
            CacheWrite5m = fields.Count("input_cache_write_tokens"),
            Output = fields.Count("output_tokens"),
            InputAudio = fields.Count("input_audio_tokens"),
            CachedAudio = fields.Count("input_cached_audio_tokens"),
            OutputAudio = fields.Count("output_audio_tokens"),
            InputImage = fields.Count("input_image_tokens"),
            CachedImage = fields.Count("input_cached_image_tokens"),
            OutputImage = fields.Count("output_image_tokens"),
            Images = fields.Count("images"),
            Characters = fields.Count("characters"),
            AudioMilliseconds = (long)decimal.Ceiling(Math.Clamp(seconds, 0m, 1_000_000_000m) * 1_000m),
            Requests = fields.Count("num_model_requests"),
        }.ToBuckets(out var isClamped);
        return usage == TokenUsage.None ? null : new Bucket(new(Provider, IsCosts: false), startsAt, endsAt)
        {
            Model = fields["model"],
            Operation = operation,
            Project = fields["project_name"] ?? fields["project_id"],
            User = fields["user_id"],
            ApiKey = fields["api_key_id"],
            ServiceTier = fields["batch"] is "true" or "True" ? "batch" : fields["service_tier"],
            Usage = usage,
            IsClamped = isClamped,
            Dimensions = [operation, fields["model"], fields["project_id"], fields["user_id"], fields["api_key_id"], fields["batch"], fields["service_tier"], fields["source"], fields["size"]],
        };
    }

    private static string OperationOf(BucketFields fields) => fields["object"]?.Split('.') is [_, "usage", var name, ..]
        ? name switch
        {
            "completions" => "chat",
            "images" => "image_generation",
            "audio_speeches" => "speech",
            "audio_transcriptions" => "transcription",
            _ => name,
        }
        : fields["output_tokens"] is not null ? "chat"
        : fields["images"] is not null ? "image_generation"
        : fields["characters"] is not null ? "speech"
        : fields["seconds"] is not null ? "transcription"
        : "embeddings";
}
