using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;

namespace LlmCostCache.AI;

/// <summary>Closes what leaves the process for a file or a distributed cache, so that a change is noticed: by a checksum (XXH128), by an HMAC when there is a
/// <see cref="CacheSecret"/>, by AES-256-GCM when there are <see cref="CacheEncryptionKey"/>s.</summary>
/// <remarks>
/// All three bind the cache key and what the frame is, so that a good frame copied to another place is broken there. A sealed frame is
/// <c>magic (4) | how (1) | ...</c>; for a checksum or an HMAC the body and 16 bytes follow; for AES-GCM the key's id (8), a random nonce (12), the
/// encrypted body and a tag (16). With a secret or keys, frames of the weaker kinds are broken: whoever can write the file could make them.
/// </remarks>
internal sealed class AnswerSeal
{
    /// <summary>"LCA" and the version of the frame.</summary>
    public const uint Magic = 0x0341434C;

    private const byte Checksum = 0;
    private const byte Hmac = 1;
    private const byte AesGcm256 = 2;
    private const int HeaderBytes = 5;
    private const int ChecksumBytes = 16;
    private const int NonceBytes = 12;
    private const int EncryptedOverhead = HeaderBytes + sizeof(long) + NonceBytes + ChecksumBytes;
    private const int LabelBytes = 12;

    // Making these costs as much as using them. A thread mostly serves one cache and one key.
    [ThreadStatic]
    private static (byte[] Secret, IncrementalHash Code) t_code;

    [ThreadStatic]
    private static (byte[] Key, AesGcm Cipher) t_cipher;

    private readonly byte[]? _rowSecret;
    private readonly byte[]? _labelSecret;
    private readonly (long Id, byte[] Bytes, byte[] Labels)[] _keys;

    private AnswerSeal(CacheSecret? secret, IEnumerable<CacheEncryptionKey> keys)
    {
        Keys = new KeySeal(secret?.Derive("llmcostcache.cache.key.1"), secret?.Derive("llmcostcache.cache.part.1"));
        _rowSecret = secret?.Derive("llmcostcache.cache.row.1");
        _labelSecret = secret?.Derive("llmcostcache.cache.label.1");
        _keys = [.. keys.Select(key => (key.Id, key.Derive("llmcostcache.cache.encrypt.1"), key.Derive("llmcostcache.cache.label.1")))];
    }

    /// <summary>A checksum: against accidents, not against people, who could compute any other as well.</summary>
    public static AnswerSeal None { get; } = new(null, []);

    /// <summary>Whether nothing that was said may stand in clear.</summary>
    public bool Encrypts => _keys.Length > 0;

    /// <summary>Whether what is not encrypted is closed with a secret.</summary>
    public bool HasSecret => _rowSecret is not null;

    /// <summary>The id of the key that encrypts; 0 for none.</summary>
    public long KeyId => Encrypts ? _keys[0].Id : 0;

    /// <summary>The seal that the options ask for, the environment where they say nothing.</summary>
    /// <exception cref="ArgumentException">A variable of the environment is set and wrong: better no start than a cache less safe than meant.</exception>
    public static AnswerSeal Of(LlmCostsOptions options, Func<string, string?>? environment = null)
    {
        environment ??= Environment.GetEnvironmentVariable;
        var secret = options.CacheSecret;
        if (secret is null && environment(CacheSecret.VariableName) is { Length: > 0 } text)
            secret = Read(CacheSecret.VariableName, () => new CacheSecret(text));

        var keys = options.CacheEncryptionKeys.ToList();
        if (keys.Count == 0 && environment(CacheEncryptionKey.VariableName) is { Length: > 0 } list)
        {
            keys = Read(CacheEncryptionKey.VariableName, () => CacheEncryptionKey.ListFromBase64(list));
        }

        return Of(secret, keys);
    }

    public static AnswerSeal Of(CacheSecret? secret, IEnumerable<CacheEncryptionKey> keys)
    {
        var list = keys.ToList();
        return secret is null && list.Count == 0 ? None : new AnswerSeal(secret, list);
    }

    /// <summary>What makes a key of the digest of a question.</summary>
    public KeySeal Keys { get; }

    public byte[] Seal(CacheKey key, SealedPart part, ReadOnlySpan<byte> body)
    {
        byte[] frame;
        if (!Encrypts)
        {
            frame = new byte[HeaderBytes + body.Length + ChecksumBytes];
            WriteHeader(frame, _rowSecret is null ? Checksum : Hmac);
            body.CopyTo(frame.AsSpan(HeaderBytes));
            Authenticate(key, part, frame.AsSpan(0, HeaderBytes + body.Length), frame.AsSpan(HeaderBytes + body.Length));
            return frame;
        }

        frame = new byte[EncryptedOverhead + body.Length];
        WriteHeader(frame, AesGcm256);
        BinaryPrimitives.WriteInt64LittleEndian(frame.AsSpan(HeaderBytes), _keys[0].Id);
        var nonce = frame.AsSpan(HeaderBytes + sizeof(long), NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        Span<byte> bound = stackalloc byte[CacheKey.Size + 1 + HeaderBytes + sizeof(long)];
        Bind(key, part, frame, bound);
        CipherOf(_keys[0].Bytes).Encrypt(nonce, body, frame.AsSpan(nonce.Length + HeaderBytes + sizeof(long), body.Length), frame.AsSpan(^ChecksumBytes..), bound);
        return frame;
    }

    /// <summary>Opens a frame. The body lies within <paramref name="frame"/>, or is a copy that was decrypted.</summary>
    public SealResult TryOpen(CacheKey key, SealedPart part, ReadOnlySpan<byte> frame, out ReadOnlySpan<byte> body)
    {
        body = default;
        if (frame.Length < HeaderBytes + ChecksumBytes || BinaryPrimitives.ReadUInt32LittleEndian(frame) != Magic)
            return SealResult.Broken;

        if (frame[HeaderBytes - 1] == AesGcm256)
            return TryDecrypt(key, part, frame, out body);

        if (Encrypts || frame[HeaderBytes - 1] != (_rowSecret is null ? Checksum : Hmac))
            return SealResult.Broken;

        Span<byte> expected = stackalloc byte[ChecksumBytes];
        Authenticate(key, part, frame[..^ChecksumBytes], expected);
        if (!CryptographicOperations.FixedTimeEquals(expected, frame[^ChecksumBytes..]))
            return SealResult.Broken;

        body = frame[HeaderBytes..^ChecksumBytes];
        return SealResult.Opened;
    }

    /// <summary>Whether a frame was closed with a secret, and there is none here: it may be a good one.</summary>
    public bool LacksSecretOf(ReadOnlySpan<byte> frame) => _rowSecret is null && frame.Length >= HeaderBytes && frame[HeaderBytes - 1] == Hmac
        && BinaryPrimitives.ReadUInt32LittleEndian(frame) == Magic;

    /// <summary>What stands for a name (of a model, a tenant, a tag) in the file: the name, or its keyed digest when nothing may stand in clear.</summary>
    [return: NotNullIfNotNull(nameof(name))]
    public string? Label(Invalidations.Kind kind, string? name) => name is null || !Encrypts ? name : Label(_keys[0].Labels, kind, name);

    /// <summary>Everything that may stand for a name: its digests under each of our keys, since rows keep the key they were written with; and the name
    /// itself, as processes without keys write it.</summary>
    public IEnumerable<string> Labels(Invalidations.Kind kind, string name) => [name, .. _keys.Select(key => Label(key.Labels, kind, name))];

    /// <summary>What stands for a name in a store that several machines share, which all of them have to find: a digest under the secret; without one under each of
    /// our keys, since a machine may not have the newest yet; and a plain digest without any.</summary>
    public IReadOnlyList<string> SharedLabels(Invalidations.Kind kind, string name)
    {
        if (_labelSecret is not null)
            return [Label(_labelSecret, kind, name)];

        return Encrypts ? [.. _keys.Select(key => Label(key.Labels, kind, name))] : [Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))];
    }

    /// <summary>What the names of an application begin with in a shared store: a digest of its namespace. Not under the keys, for a new key must not hide what is stored.</summary>
    public string SharedPrefix(string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        return Convert.ToHexStringLower(_labelSecret is null ? SHA256.HashData(bytes) : HMACSHA256.HashData(_labelSecret, (byte[])[byte.MaxValue, .. bytes]))[..16];
    }

    private static T Read<T>(string variable, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"The environment variable {variable} cannot be used. {e.Message}");
        }
    }

    private static string Label(byte[] key, Invalidations.Kind kind, string name)
    {
        // Empty says as much as a digest of nothing would.
        if (name.Length == 0)
            return "";

        Span<byte> digest = stackalloc byte[CacheKey.Size];
        HMACSHA256.HashData(key, [(byte)kind, .. Encoding.UTF8.GetBytes(name)], digest);
        return "~" + Convert.ToHexStringLower(digest[..LabelBytes]);
    }

    private static IncrementalHash CodeOf(byte[] secret)
    {
        if (!ReferenceEquals(t_code.Secret, secret))
        {
            t_code.Code?.Dispose();
            t_code = (secret, IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret));
        }

        return t_code.Code;
    }

    private static AesGcm CipherOf(byte[] key)
    {
        if (!ReferenceEquals(t_cipher.Key, key))
        {
            t_cipher.Cipher?.Dispose();
            t_cipher = (key, new AesGcm(key, ChecksumBytes));
        }

        return t_cipher.Cipher;
    }

    private static void WriteHeader(Span<byte> frame, byte how)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(frame, Magic);
        frame[HeaderBytes - 1] = how;
    }

    private static void Bind(CacheKey key, SealedPart part, ReadOnlySpan<byte> frame, Span<byte> bound)
    {
        key.CopyTo(bound);
        bound[CacheKey.Size] = (byte)part;
        frame[..(HeaderBytes + sizeof(long))].CopyTo(bound[(CacheKey.Size + 1)..]);
    }

    private SealResult TryDecrypt(CacheKey key, SealedPart part, ReadOnlySpan<byte> frame, out ReadOnlySpan<byte> body)
    {
        body = default;
        if (frame.Length < EncryptedOverhead)
            return SealResult.Broken;

        var id = BinaryPrimitives.ReadInt64LittleEndian(frame[HeaderBytes..]);
        foreach (var ours in _keys)
        {
            if (ours.Id != id)
                continue;

            var nonce = frame.Slice(HeaderBytes + sizeof(long), NonceBytes);
            var encrypted = frame[(HeaderBytes + sizeof(long) + NonceBytes)..^ChecksumBytes];
            var clear = GC.AllocateUninitializedArray<byte>(encrypted.Length);
            Span<byte> bound = stackalloc byte[CacheKey.Size + 1 + HeaderBytes + sizeof(long)];
            Bind(key, part, frame, bound);
            try
            {
                CipherOf(ours.Bytes).Decrypt(nonce, encrypted, frame[^ChecksumBytes..], clear, bound);
            }
            catch (CryptographicException)
            {
                return SealResult.Broken;
            }

            body = clear;
            return SealResult.Opened;
        }

        return SealResult.UnknownKey;
    }

    private void Authenticate(CacheKey key, SealedPart part, ReadOnlySpan<byte> frame, Span<byte> destination)
    {
        Span<byte> bytes = stackalloc byte[CacheKey.Size + 1];
        key.CopyTo(bytes);
        bytes[CacheKey.Size] = (byte)part;
        if (_rowSecret is null)
        {
            // Half of the key is the seed and the other half is mixed in, so that a frame does not fit another key.
            var seed = BinaryPrimitives.ReadInt64LittleEndian(bytes) ^ BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]) ^ (long)part;
            BinaryPrimitives.WriteUInt128LittleEndian(destination,
                XxHash128.HashToUInt128(frame, seed) ^ BinaryPrimitives.ReadUInt128LittleEndian(bytes[16..]));
            return;
        }

        var code = CodeOf(_rowSecret);
        code.AppendData(bytes);
        code.AppendData(frame);
        code.GetHashAndReset(bytes[..CacheKey.Size]);
        bytes[..ChecksumBytes].CopyTo(destination);
    }
}
