namespace LlmCostCache.AI;

/// <summary>A model of a price file while it is read.</summary>
internal sealed class ModelDraft
{
    public string Id { get; set; } = "";

    public string? Provider { get; set; }

    /// <summary>Whether the price holds for any provider, whatever the file's header says.</summary>
    public bool IsForAny { get; set; }

    public string Mode { get; set; } = "chat";

    public string[] Aliases { get; set; } = [];

    public string[] StartsWith { get; set; } = [];

    public long? ContextWindow { get; set; }

    public long? MaxOutputTokens { get; set; }

    public string? Encoding { get; set; }

    public string? Currency { get; set; }

    public bool Free { get; set; }

    public DateOnly? Checked { get; set; }

    public string[] Sources { get; set; } = [];

    public string? Note { get; set; }

    public List<DatedPrice> Prices { get; set; } = [];

    public int Line { get; init; }
}
