using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace LlmCostCache.AI;

internal sealed class JsonExportLine(IBufferWriter<byte> output) : ExportLine
{
    private readonly Utf8JsonWriter _json = new(output);
    private bool _open;

    public override void Text(string name, string? value) => Open().WriteString(name, value);

    public override void Number(string name, long? value)
    {
        if (value is { } number)
        {
            Open().WriteNumber(name, number);
        }
        else
        {
            Open().WriteNull(name);
        }
    }

    public override void Decimal(string name, decimal? value) => Text(name, value?.ToString(CultureInfo.InvariantCulture));

    public override void Flag(string name, bool value) => Open().WriteBoolean(name, value);

    public override void Tags(string name, ImmutableArray<string> tags)
    {
        Open().WriteStartArray(name);
        foreach (var tag in tags)
        {
            _json.WriteStringValue(tag);
        }

        _json.WriteEndArray();
    }

    public override void End()
    {
        _json.WriteEndObject();
        _json.Flush();
        _json.Reset();
        _open = false;
        output.Write("\n"u8);
    }

    public override void Dispose() => _json.Dispose();

    private Utf8JsonWriter Open()
    {
        if (!_open)
        {
            _json.WriteStartObject();
            _open = true;
        }

        return _json;
    }
}
