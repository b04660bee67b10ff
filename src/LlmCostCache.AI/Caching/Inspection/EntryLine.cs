using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>One entry of the cache as a line of JSON. The answer travels as it is sealed in the file; what stands beside it is for people and filters, and a checksum
/// covers all of it.</summary>
internal sealed record EntryLine
{
    /// <summary>The name and version that the first line gives. A new field can appear in the same version, a field that changes its meaning makes a new one.</summary>
    public const string Schema = "cache-entries/1";

    /// <summary>No line is longer: the longest answer and outline in Base64, and what stands beside them.</summary>
    public const int MaxBytes = ((AnswerFrame.MaxBytes + OutlineFrame.MaxBytes) / 3 * 4) + (1 << 20);

    private const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public required CacheKey Key { get; init; }

    public required bool IsEmbedding { get; init; }

    /// <summary>Null for an encrypted entry, like the other names.</summary>
    public string? Model { get; init; }

    public string? Namespace { get; init; }

    public string? Tenant { get; init; }

    public required long AskedAt { get; init; }

    public required DateTimeOffset StoredAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public required long Hits { get; init; }

    public required long SavedNanos { get; init; }

    public required byte[] Frame { get; init; }

    public byte[]? Outline { get; init; }

    public static void WriteHeader(IBufferWriter<byte> to, DateTimeOffset now)
    {
        using (var json = new Utf8JsonWriter(to))
        {
            json.WriteStartObject();
            json.WriteString("schema", Schema);
            json.WriteString("written_at", Text(now));
            json.WriteEndObject();
        }

        to.Write("\n"u8);
    }

    /// <returns>Why the first line of a file does not begin an export of entries that this version reads; null when it does.</returns>
    public static string? WhyNotHeader(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("schema", out var schema) || schema.ValueKind != JsonValueKind.String
                ? $"the first line names no schema; an export begins with {{\"schema\":\"{Schema}\"}}"
                : schema.GetString() == Schema ? null
                : schema.GetString()!.StartsWith("cache-entries/", StringComparison.Ordinal) ? $"its schema is not {Schema}, the one that this version reads"
                : "it is no export of cache entries";
        }
        catch (JsonException)
        {
            return $"the first line is no JSON; an export begins with {{\"schema\":\"{Schema}\"}}";
        }
    }

    public void WriteTo(IBufferWriter<byte> to)
    {
        using (var json = new Utf8JsonWriter(to))
        {
            json.WriteStartObject();
            json.WriteString("key", Key.ToString());
            json.WriteString("kind", IsEmbedding ? "embedding" : "chat");
            json.WriteString("model", Model);
            json.WriteString("namespace", Namespace);
            json.WriteString("tenant", Tenant);
            json.WriteNumber("asked_at", AskedAt);
            json.WriteString("stored_at", Text(StoredAt));
            json.WriteString("expires_at", Text(ExpiresAt));
            json.WriteNumber("hits", Hits);
            json.WriteNumber("saved_nanos", SavedNanos);
            json.WriteBase64String("frame", Frame);
            if (Outline is null)
            {
                json.WriteNull("outline");
            }
            else
            {
                json.WriteBase64String("outline", Outline);
            }

            json.WriteString("checksum", Checksum());
            json.WriteEndObject();
        }

        to.Write("\n"u8);
    }

    /// <summary>Reads a line back.</summary>
    /// <returns>Null, and why, for everything that is not what <see cref="WriteTo"/> wrote.</returns>
    public static EntryLine? TryRead(ReadOnlyMemory<byte> line, out string? whyNot)
    {
        whyNot = null;
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            var key = Convert.FromHexString(root.GetProperty("key").GetString() ?? "");
            var kind = root.GetProperty("kind").GetString();
            if (key.Length != CacheKey.Size || kind is not ("chat" or "embedding"))
            {
                whyNot = key.Length == CacheKey.Size ? "its kind is unknown" : "its key is none";
                return null;
            }

            var read = new EntryLine
            {
                Key = new CacheKey(key),
                IsEmbedding = kind == "embedding",
                Model = root.GetProperty("model").GetString(),
                Namespace = root.GetProperty("namespace").GetString(),
                Tenant = root.GetProperty("tenant").GetString(),
                AskedAt = root.GetProperty("asked_at").GetInt64(),
                StoredAt = Time(root.GetProperty("stored_at").GetString()),
                ExpiresAt = Time(root.GetProperty("expires_at").GetString()),
                Hits = root.GetProperty("hits").GetInt64(),
                SavedNanos = root.GetProperty("saved_nanos").GetInt64(),
                Frame = root.GetProperty("frame").GetBytesFromBase64(),
                Outline = root.GetProperty("outline") is { ValueKind: not JsonValueKind.Null } outline ? outline.GetBytesFromBase64() : null,
            };
            if (root.GetProperty("checksum").GetString() == read.Checksum())
            {
                return read;
            }

            whyNot = "its checksum does not fit";
            return null;
        }
        catch (JsonException)
        {
            whyNot = "it is no JSON";
        }
        catch (Exception wrong) when (wrong is KeyNotFoundException or FormatException or InvalidOperationException or OverflowException or ArgumentException)
        {
            whyNot = "it is no entry";
        }

        return null;
    }

    /// <summary>Over every field and its length, so that no two lines have the same.</summary>
    private string Checksum()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, Key.ToArray());
        Add(hash, [IsEmbedding ? (byte)1 : (byte)0]);
        foreach (var text in (ReadOnlySpan<string?>)[Model, Namespace, Tenant, Text(StoredAt), Text(ExpiresAt)])
        {
            Add(hash, text is null ? null : Encoding.UTF8.GetBytes(text));
        }

        foreach (var number in (ReadOnlySpan<long>)[AskedAt, Hits, SavedNanos])
        {
            Add(hash, BitConverter.GetBytes(BitConverter.IsLittleEndian ? number : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(number)));
        }

        Add(hash, Frame);
        Add(hash, Outline);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Add(IncrementalHash hash, byte[]? bytes)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(length, bytes?.Length ?? -1);
        hash.AppendData(length);
        hash.AppendData(bytes ?? []);
    }

    private static string Text(DateTimeOffset at) => at.UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(string? text) => DateTimeOffset.ParseExact(text ?? "", TimeForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
