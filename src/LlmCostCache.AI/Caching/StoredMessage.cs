using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>One message of a <see cref="StoredAnswer"/>.</summary>
internal sealed record StoredMessage
{
    public required string Role { get; init; }

    public string? AuthorName { get; init; }

    public string? MessageId { get; init; }

    public DateTimeOffset? CreatedAt { get; init; }

    public StoredProperties Properties { get; init; } = StoredProperties.None;

    public required IReadOnlyList<StoredContent> Contents { get; init; }

    public static StoredMessage? TryCopy(ChatMessage message)
    {
        var contents = new List<StoredContent>(message.Contents.Count);
        for (var i = 0; i < message.Contents.Count; i++)
        {
            // What was used is kept with the cost, and a hit must not look billable.
            if (message.Contents[i] is UsageContent)
                continue;

            if (StoredContent.TryCopy(message.Contents[i]) is not { } content)
                return null;

            contents.Add(content);
        }

        return new StoredMessage
        {
            Role = message.Role.Value,
            AuthorName = message.AuthorName,
            MessageId = message.MessageId,
            CreatedAt = message.CreatedAt,
            Properties = StoredProperties.Copy(message.AdditionalProperties),
            Contents = contents,
        };
    }

    public ChatMessage ToMessage()
    {
        var contents = new List<AIContent>(Contents.Count);
        for (var i = 0; i < Contents.Count; i++)
            contents.Add(Contents[i].ToContent());

        return new ChatMessage(new ChatRole(Role), contents)
        {
            AuthorName = AuthorName,
            MessageId = MessageId,
            CreatedAt = CreatedAt,
            AdditionalProperties = Properties.ToDictionary(),
        };
    }

    public long SizeInMemory()
    {
        var size = 150 + StoredAnswer.Chars(AuthorName) + StoredAnswer.Chars(MessageId) + Properties.SizeInMemory();
        for (var i = 0; i < Contents.Count; i++)
            size += Contents[i].SizeInMemory();

        return size;
    }
}
