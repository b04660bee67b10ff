namespace Quickstart;

/// <summary>What was asked for. The key is read only with <c>--live</c>: having one in the environment is no wish to spend money.</summary>
internal sealed record CommandLine(bool Live, string? ApiKey, string? Home)
{
    public static CommandLine? Parse(string[] args)
    {
        var line = new CommandLine(false, null, null);
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--live" when Environment.GetEnvironmentVariable("OPENAI_API_KEY") is { Length: > 0 } key:
                    line = line with { Live = true, ApiKey = key };
                    break;
                case "--live":
                    return Refuse("--live needs a key in OPENAI_API_KEY.");
                case "--home" when i + 1 < args.Length:
                    line = line with { Home = Path.GetFullPath(args[++i]) };
                    break;
                default:
                    return Refuse("Usage: dotnet run --project examples/Quickstart -- [--live] [--home DIR]");
            }
        }

        return line;
    }

    private static CommandLine? Refuse(string reason)
    {
        Console.Error.WriteLine(reason);
        return null;
    }
}
