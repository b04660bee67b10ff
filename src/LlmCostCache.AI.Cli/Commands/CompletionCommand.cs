using System.CommandLine;
using LlmCostCache.AI.Cli.Completion;
using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost completion</c></summary>
internal sealed class CompletionCommand : Command, IHasExamples
{
    private static readonly Dictionary<string, string> s_scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = "llmcost.bash",
        ["zsh"] = "llmcost.zsh",
        ["fish"] = "llmcost.fish",
        ["pwsh"] = "llmcost.ps1",
    };

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Argument<string> _shell = new("SHELL") { Description = "bash, zsh, fish or pwsh", HelpName = "SHELL" };

    public CompletionCommand(CommonOptions common, CliHost host)
        : base("completion", "Print a script that lets a shell complete commands, options, their words, and the names that the ledger holds")
    {
        (_common, _host) = (common, host);
        _shell.AcceptOnlyFromAmong([.. s_scripts.Keys]);
        Arguments.Add(_shell);
        Subcommands.Add(new CompletionWordsCommand(host));
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost completion bash > ~/.local/share/bash-completion/completions/llmcost",
        "llmcost completion zsh > ~/.zfunc/_llmcost",
        "llmcost completion fish > ~/.config/fish/completions/llmcost.fish",
        "llmcost completion pwsh >> $PROFILE",
    ];

    private int Run(ParseResult parse)
    {
        var shell = parse.GetValue(_shell)!;
        var script = CompletionScript.Read(s_scripts[shell]);
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "completion/1", json =>
            {
                json.WriteString("shell", shell);
                json.WriteString("script", script);
            });
        }
        else
        {
            // As it is: a script that is broken at the right margin of a terminal is another script.
            _host.Console.Profile.Out.Writer.Write(script);
        }

        return ExitCode.Done;
    }
}
