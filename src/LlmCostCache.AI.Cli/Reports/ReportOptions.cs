using System.CommandLine;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>What a report is grouped by, in which order and with which columns.</summary>
internal sealed class ReportOptions
{
    private static readonly Dictionary<string, LedgerDimension> s_adverbs = new(StringComparer.OrdinalIgnoreCase)
    {
        ["hourly"] = LedgerDimension.Hour,
        ["daily"] = LedgerDimension.Day,
        ["weekly"] = LedgerDimension.Week,
        ["monthly"] = LedgerDimension.Month,
    };

    private static readonly Dictionary<string, ReportSort> s_sorts = Enum.GetValues<ReportSort>().Skip(1).ToDictionary(sort => sort.ToString().ToLowerInvariant());

    private readonly FilterOptions _filter = new();
    private readonly Argument<string?> _what = new("what")
    {
        Description = $"What to group by: {string.Join(", ", s_adverbs.Keys)}, {string.Join(", ", Dimensions.Words.Except(["hour", "day", "week", "month"]))} [default: model]",
        HelpName = "WHAT",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _by = new("--by")
    {
        Description = $"The same as an option; two with a comma between them: {string.Join(", ", Dimensions.Words)}",
        HelpName = "DIMENSION[,DIMENSION]",
    };

    private readonly Option<string?> _thenBy = new("--then-by") { Description = "What to group each group by", HelpName = "DIMENSION" };
    private readonly Option<bool> _breakdown = new("--breakdown") { Description = "The models under each row" };
    private readonly Option<string?> _sort = new("--sort") { Description = $"What comes first: {string.Join(", ", s_sorts.Keys)} [default: the dearest, and periods by time]", HelpName = "WORD" };
    private readonly Option<int?> _top = new("--top") { Description = "So many groups; the others become one row", HelpName = "N" };
    private readonly Option<bool> _compare = new("--compare") { Description = "What changed since the period before, in money and in percent; needs --since or --last" };
    private readonly Option<bool> _latency = new("--latency") { Description = "How long providers took on average; reads every row of the span" };
    private readonly Option<bool> _compact = new("--compact") { Description = "Only the columns that a narrow terminal shows" };

    public void AddTo(Command command)
    {
        _what.AcceptOnlyFromAmong([.. s_adverbs.Keys, .. Dimensions.Words]);
        _thenBy.AcceptOnlyFromAmong(Dimensions.Words);
        _sort.AcceptOnlyFromAmong([.. s_sorts.Keys]);
        command.Arguments.Add(_what);
        foreach (var option in new Option[] { _by, _thenBy, _breakdown, _sort, _top, _compare, _latency, _compact })
        {
            command.Options.Add(option);
        }

        _filter.AddTo(command);
    }

    public ReportChoice Read(ParseResult parse, TimeProvider time)
    {
        var (by, thenBy) = ReadDimensions(parse);
        var breakdown = parse.GetValue(_breakdown);
        if (breakdown && (thenBy is not null || by == LedgerDimension.Model))
        {
            throw new UsageException(thenBy is null ? "--breakdown shows the models under each row, and these rows are models." : "--breakdown shows the models under each row; leave the second dimension out.");
        }

        var choice = new ReportChoice
        {
            By = by,
            ThenBy = breakdown ? LedgerDimension.Model : thenBy,
            Filter = _filter.Read(parse, time),
            Sort = parse.GetValue(_sort) is { } sort ? s_sorts[sort] : ReportSort.Natural,
            Top = parse.GetValue(_top),
            Breakdown = breakdown,
            Compact = parse.GetValue(_compact),
            Compare = parse.GetValue(_compare),
            Latency = parse.GetValue(_latency),
        };
        return choice switch
        {
            { Top: < 1 } => throw new UsageException($"--top {choice.Top} shows nothing; give a number from 1."),
            { Compare: true, Filter.Since: null } => throw new UsageException("--compare needs to know which period is meant; give --since or --last."),
            { Compare: true } when Periods.Are(by) && Periods.Are(thenBy) => throw new UsageException("--compare follows one period; leave the other one out."),
            _ => choice,
        };
    }

    private (LedgerDimension By, LedgerDimension? ThenBy) ReadDimensions(ParseResult parse)
    {
        var (what, by, then) = (parse.GetValue(_what), parse.GetValue(_by), parse.GetValue(_thenBy));
        if (what is not null && by is not null)
        {
            throw new UsageException($"'{what}' and --by both say what to group by; the second dimension is --then-by.");
        }

        string[] words = by is null ? [] : by.Split(',', StringSplitOptions.TrimEntries);
        if (words.FirstOrDefault(word => !Dimensions.Words.Contains(word, StringComparer.OrdinalIgnoreCase)) is { } unknown)
        {
            throw new UsageException($"--by '{unknown}' is none of {string.Join(", ", Dimensions.Words)}.");
        }

        if (words.Length > 2 || (words.Length == 2 && then is not null))
        {
            throw new UsageException("A report has one dimension or two; leave the others out.");
        }

        var first = what is not null ? Of(what) : words.Length > 0 ? Dimensions.Of(words[0]) : LedgerDimension.Model;
        var second = then is not null ? Dimensions.Of(then) : words.Length > 1 ? Dimensions.Of(words[1]) : (LedgerDimension?)null;
        return first != second ? (first, second) : throw new UsageException($"Both dimensions are {Dimensions.WordOf(first)}; choose two.");
    }

    private static LedgerDimension Of(string word) => s_adverbs.TryGetValue(word, out var period) ? period : Dimensions.Of(word);
}
