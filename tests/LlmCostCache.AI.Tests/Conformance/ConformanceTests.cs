namespace LlmCostCache.AI.Tests;

/// <summary>Bytes of real providers through their own SDKs, with the exact cost by the vendors' price lists. The score is in <c>docs/accuracy.md</c>.</summary>
public class ConformanceTests(ConformanceBooks books) : IClassFixture<ConformanceBooks>
{
    // Of one byte, of sizes that cut characters, words and events in two, and of a network's usual size.
    private static readonly int[] s_pieces = [1, 2, 3, 7, 16, 61, 257, 1_460];

    public static TheoryData<string> Cases => [.. ConformanceCase.All.Keys.Where(IsOurs)];

    public static TheoryData<string> WholeStreams => [.. ConformanceCase.All.Values.Where(IsWholeStream).Select(test => test.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_case_costs_what_the_price_list_says(string name)
    {
        var test = ConformanceCase.All[name];
        var run = await ConformanceRun.OfAsync(test, books.Of(test));
        List<string> differences = [.. test.Expected.Differences(run.Answer, run.Row)];
        if (run.Thrown is not null != test.Expected.Throws)
        {
            differences.Add(run.Thrown is null ? "an exception was expected" : $"the SDK threw {run.Thrown.GetType().Name}: {run.Thrown.Message}");
        }

        Assert.True(differences.Count == 0, $"{name}: {test.About}\n{string.Join('\n', differences)}");
    }

    /// <summary>Whatever a network does to the bytes, the bill is the same.</summary>
    [Theory]
    [MemberData(nameof(WholeStreams))]
    public async Task A_stream_costs_the_same_however_its_bytes_are_cut(string name)
    {
        var test = ConformanceCase.All[name];
        var costs = books.Of(test);
        var whole = await ConformanceRun.OfAsync(test, costs);
        foreach (var bytes in s_pieces)
        {
            await AssertSameAsync($"in pieces of {bytes} bytes", wire => wire.PieceBytes = bytes);
        }

        await AssertSameAsync("with CRLF", wire => wire.LineEnd = "\r\n");
        await AssertSameAsync("with CRLF, byte by byte", wire => (wire.LineEnd, wire.PieceBytes) = ("\r\n", 1));
        if (test.Reply.Events is not null)
        {
            await AssertSameAsync("with CR", wire => wire.LineEnd = "\r");
            await AssertSameAsync("with comments", wire => wire.WithComments = true);
            await AssertSameAsync("with comments and CRLF in pieces of 5 bytes", wire => (wire.WithComments, wire.LineEnd, wire.PieceBytes) = (true, "\r\n", 5));
        }

        async Task AssertSameAsync(string how, Action<WireHandler> cut)
        {
            var other = await ConformanceRun.OfAsync(test, costs, cut);
            Assert.True(other.Thrown is null, $"{name} {how}: {other.Thrown}");
            Assert.Equal((how, whole.Answer!.Amount, whole.Answer.Usage, whole.Row.Flags), (how, other.Answer!.Amount, other.Answer.Usage, other.Row.Flags));
            Assert.Equal((how, whole.Row.Cost.Amount), (how, other.Row.Cost.Amount));
        }
    }

    /// <summary>The expected cost is what the sum beside it says: no case was copied from our own answers.</summary>
    [Fact]
    public void The_sum_of_every_case_is_its_cost()
    {
        foreach (var (name, test) in ConformanceCase.All)
        {
            var (cost, sum) = (test.Expected.CostUsd, test.Expected.Arithmetic);
            Assert.True(cost is null == sum is null && cost is null == (test.Expected.Certainty == CostCertainty.Unknown), $"{name} needs a cost and its arithmetic, or neither.");
            if (sum is not null)
            {
                Assert.True(cost == decimal.Round(Arithmetic.Of(sum), 9, MidpointRounding.ToEven), $"{name}: {sum} is {Arithmetic.Of(sum)} and not {cost}.");
            }
        }
    }

    [Fact]
    public void There_are_at_least_120_cases() => Assert.True(ConformanceCase.All.Count >= 120, $"{ConformanceCase.All.Count} cases");

    // The kernel's cases run where its packages are.
    private static bool IsOurs(string name) => !name.StartsWith("sk-", StringComparison.Ordinal);

    private static bool IsWholeStream(ConformanceCase test) =>
        IsOurs(test.Name) && test.Request.Streamed
        && test.Expected is { Certainty: CostCertainty.Known, Throws: false } && test.Reply is { Ending: ScriptedEnding.Complete, Text: null };
}
