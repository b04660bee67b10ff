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
}
