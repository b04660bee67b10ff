namespace LlmCostCache.AI.Cli.Tests;

/// <summary>Small price lists in each of the published forms, written by hand. The facts in them are made up unless a test says otherwise.</summary>
internal static class PriceLists
{
    public const string LiteLlm = """
        {
            "sample_spec": {"input_cost_per_token": 0.0, "litellm_provider": "one of many", "max_tokens": "a text"},
            "gpt-4o": {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 128000, "max_output_tokens": 16384,
                "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06, "cache_read_input_token_cost": 1e-06,
                "input_cost_per_token_batches": 1e-06, "output_cost_per_token_batches": 4e-06,
                "input_cost_per_token_priority": 3.5e-06, "supports_vision": true},
            "new-model": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1.5e-07, "output_cost_per_token": 7.000000000000001e-07,
                "cache_creation_input_token_cost": 1.875e-07, "cache_creation_input_token_cost_above_1hr": 3e-07, "cache_read_input_token_cost": 1.5e-08,
                "input_cost_per_token_above_200k_tokens": 3e-07, "output_cost_per_token_above_200k_tokens": 1.4e-06,
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 6e-07, "input_cost_per_audio_token": 1e-06,
                "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_medium": 0.01, "search_context_size_high": 0.01},
                "code_interpreter_cost_per_session": 0.03},
            "gemini/gemini-new": {"litellm_provider": "gemini", "mode": "chat", "tiered_pricing": [
                {"range": [0, 32000.0], "input_cost_per_token": 4e-07, "output_cost_per_token": 1.2e-06},
                {"range": [32000.0, 128000.0], "input_cost_per_token": 7e-07, "output_cost_per_token": 2.8e-06}]},
            "new-ear": {"litellm_provider": "openai", "mode": "audio_transcription", "input_cost_per_second": 0.0001, "output_cost_per_second": 0.0001},
            "new-voice": {"litellm_provider": "openai", "mode": "audio_speech", "input_cost_per_character": 1.5e-05},
            "new-painter": {"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 0.04},
            "256-x-256/dall-e-2": {"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_pixel": 2.4414e-07, "output_cost_per_pixel": 0.0},
            "no-price": {"litellm_provider": "openai", "mode": "chat"}
        }
        """;

    public const string GenAiPrices = """
        [{"id": "anthropic", "name": "Anthropic", "api_pattern": "https://api\\.anthropic\\.com", "models": [
            {"id": "claude-new", "match": {"starts_with": "claude-new"}, "context_window": 200000, "prices": [
                {"prices": {"input_mtok": {"base": 3, "tiers": [{"start": 200000, "price": 6}]}, "output_mtok": {"base": 15, "tiers": [{"start": 200000, "price": 22.5}]},
                            "cache_write_mtok": 3.75, "cache_write_1h_mtok": 6, "cache_read_mtok": 0.3, "web_searches_kcount": 10, "requests_kcount": 5}},
                {"constraint": {"start_date": "2026-03-13", "type": "start_date"}, "prices": {"input_mtok": 3, "output_mtok": 15}}]},
            {"id": "claude-night", "prices": [
                {"prices": {"input_mtok": 2, "output_mtok": 4}},
                {"constraint": {"start_time": "00:30:00Z", "end_time": "16:30:00Z", "type": "time_of_date"}, "prices": {"input_mtok": 1, "output_mtok": 2}}]},
            {"id": "claude-vector", "prices": {"input_mtok": 0.1, "input_document_kpages": 3}}]}]
        """;

    public const string ModelsDev = """
        {"openai": {"id": "openai", "name": "OpenAI", "models": {
            "gpt-4o": {"id": "gpt-4o", "cost": {"input": 2.5, "output": 10, "cache_read": 1.25}, "limit": {"context": 128000, "output": 16384}},
            "new-model": {"id": "new-model", "cost": {"input": 1.25, "output": 10, "cache_read": 0.125, "cache_write": 1.5, "reasoning": 12, "input_audio": 3, "output_audio": 20,
                "context_over_200k": {"input": 2.5, "output": 15}, "moon_phase": 1}, "limit": {"context": 400000, "output": 128000}},
            "by-subscription": {"id": "by-subscription"}}}}
        """;

    /// <summary>A list of one OpenAI model in LiteLLM's form.</summary>
    public static string OfOne(string fields, string id = "gpt-4o") => $$$"""{"{{{id}}}": {"litellm_provider": "openai", "mode": "chat", {{{fields}}} }}""";
}
