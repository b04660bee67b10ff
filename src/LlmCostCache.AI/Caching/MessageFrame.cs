namespace LlmCostCache.AI;

/// <summary>The part of an <see cref="AnswerFrame"/> that holds what was said: messages, their contents and annotations, and the properties of each.</summary>
internal static class MessageFrame
{
    // What the objects take in memory at least; see SizeInMemory of each.
    private const int StoredMessageBytes = 150;
    private const int StoredContentBytes = 150;
    private const int StoredAnnotationBytes = 150;
    private const int StoredPropertyBytes = 64;

    public static void Write(FrameWriter to, IReadOnlyList<StoredMessage> messages)
    {
        to.Int32(messages.Count);
        foreach (var message in messages)
            Write(to, message);
    }

    public static StoredMessage[] ReadMessages(ref FrameReader from)
    {
        var count = from.Count();
        from.Charge(count, StoredMessageBytes);
        var messages = new StoredMessage[count];
        for (var i = 0; i < count; i++)
            messages[i] = ReadMessage(ref from);

        return messages;
    }

    public static void Write(FrameWriter to, StoredProperties properties)
    {
        to.Int32(properties.Values.Count);
        foreach (var (name, value) in properties.Values)
        {
            to.Text(name);
            to.Value(value);
        }
    }

    public static StoredProperties ReadProperties(ref FrameReader from)
    {
        var count = from.Count();
        if (count == 0)
            return StoredProperties.None;

        from.Charge(count, StoredPropertyBytes);
        var values = new KeyValuePair<string, object?>[count];
        for (var i = 0; i < count; i++)
            values[i] = KeyValuePair.Create(from.RequiredText(), from.Value());

        return new StoredProperties(values);
    }

    // Whoever can write a valid seal can still write nonsense that the types refuse; better here than in the caller's hands.
    public static string? Named(string? text) => text is null || !string.IsNullOrWhiteSpace(text) ? text : throw new InvalidDataException();

    private static void Write(FrameWriter to, StoredMessage message)
    {
        to.Text(message.Role);
        to.Text(message.AuthorName);
        to.Text(message.MessageId);
        to.Time(message.CreatedAt);
        Write(to, message.Properties);
        to.Int32(message.Contents.Count);
        foreach (var content in message.Contents)
            Write(to, content);
    }

    private static StoredMessage ReadMessage(ref FrameReader from)
    {
        var role = Named(from.RequiredWord())!;
        var author = from.Text();
        var id = from.Text();
        var createdAt = from.Time();
        var properties = ReadProperties(ref from);
        var count = from.Count();
        from.Charge(count, StoredContentBytes);
        var contents = new StoredContent[count];
        for (var i = 0; i < count; i++)
            contents[i] = ReadContent(ref from);

        return new()
        {
            Role = role,
            AuthorName = author,
            MessageId = id,
            CreatedAt = createdAt,
            Properties = properties,
            Contents = contents,
        };
    }

    private static void Write(FrameWriter to, StoredContent content)
    {
        to.Byte((byte)content.Kind);
        to.Text(content.Text);
        to.Text(content.Detail);
        to.Bytes(content.Data.Span);
        to.Byte(content.Arguments is null ? (byte)0 : (byte)1);
        if (content.Arguments is not null)
            Write(to, content.Arguments);

        Write(to, content.Properties);
        to.Int32(content.Annotations.Count);
        foreach (var annotation in content.Annotations)
            Write(to, annotation);
    }

    private static StoredContent ReadContent(ref FrameReader from)
    {
        var kind = (StoredContentKind)from.Byte();
        if (!Enum.IsDefined(kind))
            throw new InvalidDataException();

        var text = from.RequiredText();
        var detail = from.Text();
        var data = from.OwnBytes();
        var arguments = from.Byte() == 1 ? ReadProperties(ref from) : null;
        var properties = ReadProperties(ref from);
        var count = from.Count();
        from.Charge(count, StoredAnnotationBytes);
        var annotations = count == 0 ? [] : new StoredAnnotation[count];
        for (var i = 0; i < count; i++)
            annotations[i] = ReadAnnotation(ref from);

        var content = new StoredContent
        {
            Kind = kind,
            Text = text,
            Detail = detail,
            Data = data,
            Arguments = arguments,
            Properties = properties,
            Annotations = annotations,
        };

        // Media types and addresses are checked by the types that hold them.
        if (kind == StoredContentKind.Data || count > 0)
            _ = content.ToContent();

        return content;
    }

    private static void Write(FrameWriter to, StoredAnnotation annotation)
    {
        to.Byte(annotation.IsCitation ? (byte)1 : (byte)0);
        to.Text(annotation.Title);
        to.Text(annotation.Url);
        to.Text(annotation.FileId);
        to.Text(annotation.ToolName);
        to.Text(annotation.Snippet);
        to.Int32(annotation.Regions?.Count ?? -1);
        foreach (var (start, end) in annotation.Regions ?? [])
        {
            to.Int64(start ?? long.MinValue);
            to.Int64(end ?? long.MinValue);
        }

        Write(to, annotation.Properties);
    }

    private static StoredAnnotation ReadAnnotation(ref FrameReader from)
    {
        var citation = from.Byte() == 1;
        var title = from.Text();
        var url = from.Text();
        var fileId = from.Text();
        var toolName = from.Text();
        var snippet = from.Text();
        List<(int?, int?)>? regions = null;
        var count = from.Int32();
        if (count != -1)
        {
            regions = [];
            from.Charge(from.Bounded(count), 24);
            for (var i = 0; i < count; i++)
                regions.Add((from.OptionalInt32(), from.OptionalInt32()));
        }

        return new()
        {
            IsCitation = citation,
            Title = title,
            Url = url,
            FileId = fileId,
            ToolName = toolName,
            Snippet = snippet,
            Regions = regions,
            Properties = ReadProperties(ref from),
        };
    }
}
