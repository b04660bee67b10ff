using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;
using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost version</c></summary>
internal sealed class VersionCommand : Command, IHasExamples
{
    public VersionCommand(CommonOptions common, CliHost host)
        : base("version", "Show the version") =>
        SetAction(parse => Show(parse.GetValue(common.Json), host));

    public IReadOnlyList<string> Examples => ["llmcost version --json"];

    /// <summary>The version of the package, without the commit it was built from.</summary>
    public static string Current
    {
        get
        {
            var version = typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
            return version.Split('+')[0];
        }
    }

    private static int Show(bool json, CliHost host)
    {
        if (json)
        {
            JsonOutput.Write(host.Output, "version/1", fields => fields.WriteString("version", Current));
        }
        else
        {
            host.Console.WriteLine($"llmcost {Current}");
        }

        return ExitCode.Done;
    }

    /// <summary><c>llmcost --version</c></summary>
    internal sealed class OptionAction(CommonOptions common, CliHost host) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult) => Show(parseResult.GetValue(common.Json), host);
    }
}
