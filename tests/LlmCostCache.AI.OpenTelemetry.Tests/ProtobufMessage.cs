using Google.Protobuf;

namespace LlmCostCache.AI.Tests;

/// <summary>A protobuf message read without its schema: the numbers of its fields and their raw values.</summary>
internal sealed class ProtobufMessage
{
    private readonly List<(int Field, ulong Number, ByteString? Bytes)> _fields = [];

    public ProtobufMessage(ByteString bytes)
    {
        using var input = bytes.CreateCodedInput();
        while (input.ReadTag() is var tag && tag != 0)
        {
            var field = WireFormat.GetTagFieldNumber(tag);
            _fields.Add(WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.Varint => (field, input.ReadUInt64(), null),
                WireFormat.WireType.Fixed64 => (field, input.ReadFixed64(), null),
                WireFormat.WireType.Fixed32 => (field, input.ReadFixed32(), null),
                WireFormat.WireType.LengthDelimited => (field, 0, input.ReadBytes()),
                var other => throw new InvalidDataException($"Wire type {other} of field {field} is not used by OTLP."),
            });
        }
    }

    public bool Has(int field) => _fields.Exists(one => one.Field == field);

    public ulong Number(int field) => _fields.Find(one => one.Field == field).Number;

    public double Double(int field) => BitConverter.UInt64BitsToDouble(Number(field));

    public string Text(int field) => Bytes(field).ToStringUtf8();

    public ByteString Bytes(int field) => _fields.Find(one => one.Field == field).Bytes ?? ByteString.Empty;

    public IEnumerable<ProtobufMessage> Messages(int field) => _fields.Where(one => one.Field == field).Select(one => new ProtobufMessage(one.Bytes!));

    /// <summary>A packed list of doubles.</summary>
    public double[] Doubles(int field) => [.. Bytes(field).ToByteArray().Chunk(sizeof(double)).Select(chunk => BitConverter.ToDouble(chunk))];
}
