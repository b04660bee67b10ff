using Spectre.Console;

namespace LlmCostCache.AI.Cli.Tests;

public class CliHostTests
{
    [Theory]
    [InlineData(false, null, false)]
    [InlineData(false, "", false)]
    [InlineData(false, "1", true)]
    [InlineData(true, null, true)]
    public void Pipes_and_no_color_are_plain(bool isRedirected, string? noColor, bool plain) =>
        Assert.Equal(plain, CliHost.IsPlain(isRedirected, name => name == "NO_COLOR" ? noColor : null));

    [Fact]
    public void Plain_text_has_no_escape_sequences()
    {
        using var writer = new StringWriter();

        CliHost.ConsoleFor(writer, plain: true, unlimited: false).Markup("[bold red]dear[/]");

        Assert.Equal("dear", writer.ToString());
    }

    [Fact]
    public void Now_is_what_the_environment_says_it_is_and_a_wait_goes_on()
    {
        var time = SaidTime.Of(name => name == SaidTime.Variable ? "2026-08-20T14:30:00Z" : null);
        var before = time.GetTimestamp();

        Assert.Equal(new DateTimeOffset(2026, 8, 20, 14, 30, 0, TimeSpan.Zero), time.GetUtcNow());
        Assert.True(SpinWait.SpinUntil(() => time.GetTimestamp() > before, TimeSpan.FromMinutes(1)));
        Assert.Same(TimeProvider.System, SaidTime.Of(_ => null));
        Assert.Throws<UsageException>(() => SaidTime.Of(_ => "yesterday").GetUtcNow());
    }

    [Fact]
    public async Task A_disk_that_is_full_is_no_fault_of_ours()
    {
        await using var input = new MemoryStream("""{"id":"1","model":"gpt-4o","usage":{"input_tokens":1}}"""u8.ToArray());
        await using var output = new FullDisk();
        await using var error = new StringWriter();
        var host = new CliHost { Input = input, Output = output, Console = CliHost.ConsoleFor(TextWriter.Null, plain: true, unlimited: true), Error = error };

        var code = await CommandLine.RunAsync(["price", "--jsonl"], host);

        Assert.Equal((ExitCode.StoreUnusable, "llmcost: the output could not be written: No space left on device"), (code, error.ToString().Trim()));
    }

    private sealed class FullDisk : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count) => throw new IOException("No space left on device");

        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("No space left on device");

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => throw new IOException("No space left on device");

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("No space left on device");
    }
}
