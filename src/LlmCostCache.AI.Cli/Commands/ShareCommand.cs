using System.CommandLine;
using System.Text;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Savings;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost share</c></summary>
internal sealed class ShareCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly SavingsOptions _options = new();
    private readonly Option<string?> _output = new("--output", "-o") { Description = "Write the card there, a picture as .svg or .png [default: only the text]", HelpName = "FILE" };
    private readonly Option<string> _title = new("--title") { Description = "The headline of card and text", HelpName = "TEXT", DefaultValueFactory = _ => "Language model calls" };
    private readonly Option<bool> _noAmounts = new("--no-amounts") { Description = "Show shares only, no dollars" };

    public ShareCommand(CommonOptions common, CliHost host)
        : base("share", "Write what was saved as a card and a text to paste; nothing is posted, and no user or project is named")
    {
        (_common, _host) = (common, host);
        Options.Add(_output);
        Options.Add(_title);
        Options.Add(_noAmounts);
        _options.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost share -o card.png --last 4w", "llmcost share --no-amounts --title \"Our support bot\""];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var file = parse.GetValue(_output);
        RequirePicture(file);
        var json = parse.GetValue(_common.Json);
        var (report, isEmpty) = await _options.ReadAsync(parse, _common, _host, cancellationToken).ConfigureAwait(false);
        if (isEmpty || report.Run.Calls == 0)
        {
            throw new UsageException("There are no calls to tell about; name another time with --since or --last, or another home with --home.");
        }

        var card = new ShareCard(report, parse.GetValue(_title)!, parse.GetValue(_noAmounts));
        if (file is not null)
        {
            string? unknown = null;
            var bytes = IsPng(file) ? card.Png(out unknown) : new UTF8Encoding(false).GetBytes(card.Svg());
            await WholeFile.WriteAsync(file, async stream =>
            {
                await stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
                return bytes.Length;
            }).ConfigureAwait(false);
            if (unknown is not null)
            {
                _host.Error.WriteLine($"llmcost: the title has characters that a PNG of ours cannot draw, such as '{Shown.OneLine(unknown)}'; in an SVG the reader's own fonts draw them.");
            }
        }

        if (json)
        {
            JsonOutput.Write(_host.Output, "share/1", writer => WriteFields(writer, card, file));
            return ExitCode.Done;
        }

        _host.Console.WriteLine(card.Text());
        _host.Error.WriteLine(file is null ? "llmcost: -o card.png or card.svg also draws a card." : $"llmcost: wrote {Shown.OneLine(file)}");
        return ExitCode.Done;
    }

    private static void WriteFields(Utf8JsonWriter json, ShareCard card, string? file)
    {
        json.WriteString("text", card.Text());
        json.WriteString("file", file);
    }

    private static bool IsPng(string file) => file.EndsWith(".png", StringComparison.OrdinalIgnoreCase);

    private static void RequirePicture(string? file)
    {
        if (file is not null && !IsPng(file) && !file.EndsWith(".svg", StringComparison.OrdinalIgnoreCase))
        {
            var png = Path.ChangeExtension(file, ".png");
            throw new UsageException($"'{file}' ends with neither .svg nor .png; write -o {(png.Length == 0 ? "card.png" : png)}.");
        }
    }
}
