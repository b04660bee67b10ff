using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>One command line, run in this process, and what came of it.</summary>
internal sealed record CliRun(int Code, string Output, string Error)
{
    public static readonly DateTimeOffset Now = new(2026, 11, 22, 15, 30, 0, TimeSpan.Zero);

    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    public JsonElement[] JsonLines => [.. Lines.Select(line => JsonDocument.Parse(line).RootElement)];

    public static Task<CliRun> Of(params string[] args) => WithInput("", args);

    public static Task<CliRun> WithInput(string input, params string[] args) => WithInput(Encoding.UTF8.GetBytes(input), null, args);

    public static Task<CliRun> WithEnvironment(Dictionary<string, string> environment, string input, params string[] args) =>
        WithInput(Encoding.UTF8.GetBytes(input), environment, args);

    /// <summary>In a terminal of so many columns.</summary>
    public static Task<CliRun> AtWidth(int width, params string[] args) => RunAsync(Stream.Null, null, width, args);

    /// <param name="input">Standard input.</param>
    /// <param name="environment">The environment; without a home it names one that does not exist.</param>
    /// <param name="args">The arguments.</param>
    public static Task<CliRun> WithInput(byte[] input, Dictionary<string, string>? environment, params string[] args) => RunAsync(new MemoryStream(input), environment, null, args);

    /// <summary>With somebody who answers questions.</summary>
    public static Task<CliRun> Answering(string answer, params string[] args) => RunAsync(new MemoryStream(Encoding.UTF8.GetBytes(answer + "\n")), null, null, args, isInteractive: true);

    public static Task<CliRun> WithStream(Stream input, Dictionary<string, string>? environment, params string[] args) => RunAsync(input, environment, null, args);

    /// <summary>With a clock that goes on, as everybody's does: no two looks at it are the same.</summary>
    public static Task<CliRun> AsTimePasses(string input, params string[] args) => RunAsync(new MemoryStream(Encoding.UTF8.GetBytes(input)), null, null, args, time: new PassingTime(Now));

    private static async Task<CliRun> RunAsync(Stream input, Dictionary<string, string>? environment, int? width, string[] args, bool isInteractive = false, TimeProvider? time = null)
    {
        environment ??= [];
        var home = environment.GetValueOrDefault("LLMCOSTCACHE_HOME") ?? Path.Combine(Path.GetTempPath(), "llmcost-tests", "no-such-home");
        using var output = new MemoryStream();
        using var writer = new StreamWriter(output, new UTF8Encoding(false), leaveOpen: true) { AutoFlush = true, NewLine = "\n" };
        using var error = new StringWriter();
        var console = CliHost.ConsoleFor(writer, plain: true, unlimited: true);
        console.Profile.Width = width ?? console.Profile.Width;
        var host = new CliHost
        {
            Input = input,
            Output = output,
            Console = console,
            Error = error,
            IsInteractive = isInteractive,
            Time = time ?? new FixedTime(Now),
            Environment = name => name == "LLMCOSTCACHE_HOME" ? home : environment.GetValueOrDefault(name),
        };
        var code = await CommandLine.RunAsync(args, host);
        return new(code, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }

    private sealed class PassingTime(DateTimeOffset start) : TimeProvider
    {
        private long _looks;

        public override DateTimeOffset GetUtcNow() => start.AddMilliseconds(Interlocked.Increment(ref _looks));
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
