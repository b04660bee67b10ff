using System.CommandLine;

namespace LlmCostCache.AI.Cli.Caching;

/// <summary>With which secret and keys the cache was written, so that it can be read.</summary>
internal sealed class SecretOptions
{
    private static readonly char[] s_between = [',', '\n', '\r', ' ', '\t'];

    private readonly Option<string?> _keys = new("--key-file")
    {
        Description = $"The keys of an encrypted cache in Base64, one a line [default: ${CacheEncryptionKey.VariableName}]",
        HelpName = "FILE",
    };

    private readonly Option<string?> _secret = new("--secret-file")
    {
        Description = $"The secret that the application gave the cache [default: ${CacheSecret.VariableName}]",
        HelpName = "FILE",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_keys);
        command.Options.Add(_secret);
    }

    /// <exception cref="UsageException">A file cannot be read, or what is in it is no key.</exception>
    public (CacheSecret? Secret, IReadOnlyList<CacheEncryptionKey> Keys) Read(ParseResult parse, CliHost host)
    {
        var secret = Text(_secret, CacheSecret.VariableName)?.TrimEnd('\r', '\n');
        var keys = Text(_keys, CacheEncryptionKey.VariableName);
        try
        {
            return (string.IsNullOrEmpty(secret) ? null : new CacheSecret(secret),
                [.. (keys ?? "").Split(s_between, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(CacheEncryptionKey.FromBase64)]);
        }
        catch (ArgumentException wrong)
        {
            // Its messages never quote what they read; the name of the parameter is of no use here.
            throw new UsageException(wrong.Message.Split(" (Parameter", 2)[0]);
        }

        string? Text(Option<string?> option, string variable)
        {
            if (parse.GetValue(option) is not { } path)
            {
                return host.Environment(variable);
            }

            try
            {
                return File.ReadAllText(path);
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
            {
                throw new UsageException($"{option.Name} '{path}' cannot be read: {unreadable.Message}");
            }
        }
    }

    public AnswerSeal SealOf(ParseResult parse, CliHost host)
    {
        var (secret, keys) = Read(parse, host);
        return AnswerSeal.Of(secret, keys);
    }
}
