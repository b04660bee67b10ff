using System.Runtime.CompilerServices;
using System.Text;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>Expected output, kept as a file that somebody has checked by hand: <c>Expected/&lt;command&gt;/&lt;case&gt;.&lt;kind&gt;</c> beside this class.</summary>
internal static class ExpectedFile
{
    private const string UpdateVariable = "UPDATE_EXPECTED";

    /// <summary>
    /// Compares to the character, blanks at the end of lines too. With <c>UPDATE_EXPECTED=1</c> it writes the file instead: read it before you commit it.
    /// </summary>
    /// <param name="actual">What came out.</param>
    /// <param name="name">For example <c>report/daily-80.txt</c>.</param>
    /// <param name="here">Filled in by the compiler.</param>
    public static void Check(string actual, string name, [CallerFilePath] string here = "")
    {
        var file = Path.Combine(Folder(here), name);
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, actual, new UTF8Encoding(false));
            return;
        }

        Compare(File.Exists(file) ? File.ReadAllText(file) : null, actual, name);
    }

    /// <summary>The same with what differs from run to run, such as a temporary directory, replaced by a word.</summary>
    public static void Check(string actual, string name, IEnumerable<(string Text, string Word)> replaced, [CallerFilePath] string here = "") =>
        Check(replaced.Aggregate(actual, (text, pair) => text.Replace(pair.Text, pair.Word, StringComparison.Ordinal)), name, here);

    /// <summary>Says which line differs first: a whole page of JSON beside another tells nothing.</summary>
    internal static void Compare(string? expected, string actual, string name)
    {
        if (expected is null)
        {
            Assert.Fail($"There is no expected file '{name}'; write it with {UpdateVariable}=1, and read it before you commit it. The text:\n{actual}");
        }

        if (string.Equals(expected, actual, StringComparison.Ordinal))
        {
            return;
        }

        var (expectedLines, actualLines) = (expected.Split('\n'), actual.Split('\n'));
        var line = 0;
        while (line < expectedLines.Length && line < actualLines.Length && expectedLines[line] == actualLines[line])
        {
            line++;
        }

        Assert.Fail($"""
            Line {line + 1} of '{name}' differs (write the file with {UpdateVariable}=1 when the new text is right):
            expected: {Line(expectedLines, line)}
            actual:   {Line(actualLines, line)}
            All of it:
            {actual}
            """);
    }

    private static string Line(string[] lines, int index) => index < lines.Length ? $"'{lines[index]}'" : "(the end)";

    /// <summary>The tests may run from a build whose sources lie elsewhere (deterministic paths), so the folder is looked for upwards from the tests too.</summary>
    private static string Folder(string here)
    {
        if (Path.GetDirectoryName(here) is { } beside && Directory.Exists(beside))
        {
            return Path.Combine(beside, "Expected");
        }

        for (var directory = AppContext.BaseDirectory; directory is not null; directory = Path.GetDirectoryName(directory))
        {
            var tests = Path.Combine(directory, "tests", "LlmCostCache.AI.Cli.Tests");
            if (Directory.Exists(tests))
            {
                return Path.Combine(tests, "Expected");
            }
        }

        throw new DirectoryNotFoundException("The folder of the expected files was not found.");
    }
}
