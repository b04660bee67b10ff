namespace LlmCostCache.AI.Cli.Tests;

public class RecordCommandTests
{
    [Fact]
    public async Task A_call_given_by_options_is_priced_and_recorded_once()
    {
        using var home = new TempHome();
        string[] call = ["record", "--home", home.Path, "--model", "gpt-4o-mini", "--input", "2006", "--cached-input", "1920", "--output", "300", "--user", "alice", "--at", "2026-11-20T10:00:00Z", "--id", "run-1", "--tag", "b", "--tag", "a"];

        var run = await CliRun.Of(call);
        var again = await CliRun.Of([.. call, "--json"]);
        var row = (await CliRun.Of("export", "--home", home.Path)).JsonLines.Single();

        Assert.Equal(new CliRun(0, "1 row read: 1 recorded, 0 already there, 0 rejected.\nThey cost $0.000337.\n", ""), run);
        Assert.Equal((0, 1, 0), ExchangeHomes.Counts(again));

        // 86 at 0.15, 1,920 at 0.075, 300 at 0.60 dollars a million.
        Assert.Equal(336_900, row.GetProperty("cost_nanos").GetInt64());
        Assert.Equal(("run-1", "openai", "alice", "a"), (row.GetProperty("id").GetString(), row.GetProperty("provider").GetString(), row.GetProperty("user").GetString(), row.GetProperty("tags")[0].GetString()));
        await ExchangeHomes.VerifyAsync(home.Path);
    }

    /// <summary>Whoever repeats a command does not know the moment at which it ran the first time.</summary>
    [Fact]
    public async Task A_known_id_is_not_recorded_again_when_no_time_is_named()
    {
        using var home = new TempHome();
        string[] call = ["record", "--home", home.Path, "--model", "gpt-4o-mini", "--input", "2006", "--id", "run-1"];
        const string Line = """{"id":"run-2","model":"own","cost":0.25}""";
        await CliRun.Of([.. call, "--at", "2026-11-20T10:00:00Z"]);
        await CliRun.WithInput(Line.Replace("\"own\"", "\"own\",\"at\":\"2026-11-20T10:00:00Z\"", StringComparison.Ordinal), "record", "--jsonl", "-", "--home", home.Path);

        var again = await CliRun.AsTimePasses("", [.. call, "--json"]);
        var lines = await CliRun.AsTimePasses(Line, "record", "--jsonl", "-", "--home", home.Path, "--json");
        var other = await CliRun.AsTimePasses("", [.. call, "--output", "5", "--json"]);

        Assert.Equal(((0, 1, 0), (0, 1, 0)), (ExchangeHomes.Counts(again), ExchangeHomes.Counts(lines)));
        Assert.Equal((0, 0, 1), ExchangeHomes.Counts(other));
    }

    [Fact]
    public async Task Input_that_breaks_off_is_said_to_be_unreadable_and_the_lines_before_are_kept()
    {
        using var home = new TempHome();
        using var input = new BrokenInput("""{"id":"a","model":"own","cost":0.25}""" + "\n");

        var run = await CliRun.WithStream(input, null, "record", "--jsonl", "-", "--home", home.Path);

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains("standard input cannot be read to its end: the line is dead. 1 row before that was recorded.", run.Error, StringComparison.Ordinal);
        Assert.Single((await CliRun.Of("export", "--home", home.Path)).JsonLines);
    }

    [Fact]
    public async Task A_cost_that_is_given_is_kept_and_said_to_be_given()
    {
        using var home = new TempHome();

        await CliRun.Of("record", "--home", home.Path, "--model", "gpt-4o-mini", "--input", "1000", "--cost", "0.25");
        var row = (await CliRun.Of("export", "--home", home.Path)).JsonLines.Single();

        Assert.Equal((250_000_000, "given_cost", "known"), (row.GetProperty("cost_nanos").GetInt64(), row.GetProperty("flags").GetString(), row.GetProperty("certainty").GetString()));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, row.GetProperty("price_revision").ValueKind);
    }

    [Fact]
    public async Task A_cost_without_counts_is_not_carried_over_to_another_model()
    {
        using var home = new TempHome();
        await CliRun.Of("record", "--home", home.Path, "--model", "gpt-4o", "--cost", "0.5");

        var total = (await CliRun.Of("whatif", "--model", "gpt-4o-mini", "--home", home.Path, "--json")).Json.GetProperty("total");

        Assert.Equal(1, total.GetProperty("unknown").GetInt64());
    }

    [Theory]
    [InlineData("0001-01-01")]
    [InlineData("9999-12-31")]
    public async Task A_time_that_no_report_could_show_is_refused(string at)
    {
        using var home = new TempHome();

        var run = await CliRun.Of("record", "--home", home.Path, "--model", "gpt-4o", "--cost", "1", "--at", at);

        Assert.Equal(2, run.Code);
        Assert.Contains("\"at\"", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_model_is_recorded_without_a_price_and_with_a_note()
    {
        using var home = new TempHome();

        var run = await CliRun.Of("record", "--home", home.Path, "--model", "no-such-model", "--input", "10");

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("1 call unpriced", run.Output, StringComparison.Ordinal);
        Assert.Equal("unknown", (await CliRun.Of("export", "--home", home.Path)).JsonLines.Single().GetProperty("certainty").GetString());
    }

    [Theory]
    [InlineData("--input", "-1")]
    [InlineData("--input", "1", "--cached-input", "2")]
    [InlineData("--output", "1", "--reasoning", "2")]
    [InlineData("--cost", "-1")]
    [InlineData("--cost", "1e40")]
    [InlineData("--input", "1.5")]
    [InlineData("--input", "99999999999999999999")]
    [InlineData("--status", "maybe")]
    [InlineData("--at", "yesterday")]
    [InlineData("--user", " ")]
    public async Task What_contradicts_itself_is_wrong_usage_and_nothing_is_recorded(params string[] options)
    {
        using var home = new TempHome();

        var run = await CliRun.Of(["record", "--home", home.Path, "--model", "gpt-4o", .. options]);

        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
        Assert.False(File.Exists(Path.Combine(home.Path, "ledger.db")));
    }

    [Fact]
    public async Task A_call_without_counts_and_without_a_cost_is_refused_and_never_free()
    {
        using var home = new TempHome();

        var run = await CliRun.Of("record", "--home", home.Path, "--model", "gpt-4o-mini", "--user", "alice");
        var line = await CliRun.WithInput("""{"model":"gpt-4o-mini"}""", "record", "--jsonl", "-", "--home", home.Path);
        var free = await CliRun.Of("record", "--home", home.Path, "--model", "gpt-4o-mini", "--status", "failed");

        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
        Assert.Contains("--input and --output, or --cost", run.Error, StringComparison.Ordinal);
        Assert.Equal((0, true), (line.Code, line.Output.Contains("1 call unpriced", StringComparison.Ordinal)));
        Assert.Equal((0, true), (free.Code, free.Output.Contains("They cost $0.00.", StringComparison.Ordinal)));
    }

    /// <summary>As with a variable of a script that is not set.</summary>
    [Theory]
    [InlineData("--model", "")]
    [InlineData("--id", " ")]
    [InlineData("--operation", "")]
    [InlineData("--user", " ")]
    [InlineData("--tag", "")]
    public async Task An_option_without_a_value_is_named(string option, string value)
    {
        using var home = new TempHome();

        var run = await CliRun.Of("record", "--home", home.Path, "--cost", "1", option, value);

        Assert.Equal((2, $"llmcost: {option} is empty; leave it out, or say what it is."), (run.Code, run.Error.Split(Environment.NewLine)[0]));
    }

    [Theory]
    [InlineData("""{"id":"","model":"m","cost":1}""", "\"id\" is empty")]
    [InlineData("""{"operation":"","model":"m","cost":1}""", "\"operation\" is empty")]
    [InlineData("""{"currency":"","model":"m","cost":1}""", "\"currency\" is empty")]
    [InlineData("""{"user":" ","model":"m","cost":1}""", "\"user\": ")]
    [InlineData("""{"tags":[""],"model":"m","cost":1}""", "\"tags\": ")]
    public async Task A_field_that_says_nothing_is_named(string line, string reason)
    {
        using var home = new TempHome();

        var run = await CliRun.WithInput(line, "record", "--jsonl", "-", "--home", home.Path, "--json");

        Assert.StartsWith(reason, run.Json.GetProperty("rejections")[0].GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_have_the_names_of_the_export_of_the_price_command_or_of_other_programs()
    {
        using var home = new TempHome();
        const string Lines = """
            {"id":"1","model":"gpt-4o-mini","at":"2026-11-20T00:00:00Z","usage":{"input_tokens":2006,"cached_input_tokens":1920,"output_tokens":300,"requests":1}}
            {"id":"2","model":"gpt-4o-mini","at":"2026-11-20T00:00:00Z","input_tokens":2006,"cached_input_tokens":1920,"output_tokens":300}
            {"id":"3","model":"gpt-4o-mini","timestamp":"2026-11-20T00:00:00Z","prompt_tokens":2006,"cached_tokens":1920,"completion_tokens":300,"latency_ms":12.5,"status":"success"}
            {"model":"gpt-4o-mini","at":"2026-11-20T00:00:00Z","input_tokens":5}
            {"model":"gpt-4o-mini","at":"2026-11-20T00:00:00Z","input_tokens":5}
            """;

        var run = await CliRun.WithInput(Lines, "record", "--jsonl", "-", "--home", home.Path, "--json");
        var again = await CliRun.WithInput(Lines, "record", "--jsonl", "-", "--home", home.Path, "--json");
        var rows = (await CliRun.Of("export", "--home", home.Path)).JsonLines;

        Assert.Equal(("record/1", 0), (run.Json.GetProperty("schema").GetString(), run.Code));
        Assert.Equal((5, 0, 0), ExchangeHomes.Counts(run));
        Assert.Equal((0, 5, 0), ExchangeHomes.Counts(again));
        Assert.Equal([336_900, 336_900, 336_900], rows.Take(3).Select(row => row.GetProperty("cost_nanos").GetInt64()));
        Assert.Equal(12, rows[2].GetProperty("latency_ms").GetInt64());
    }

    [Fact]
    public async Task A_bad_line_is_named_with_its_reason_and_the_exit_code_says_so()
    {
        using var home = new TempHome();

        var run = await CliRun.WithInput("{\"model\":\"gpt-4o\",\"input_tokens\":-5}\n{\"model\":\"gpt-4o\",\"input_tokens\":5,\"output_tokens\":2,\"total_tokens\":9}\n", "record", "--jsonl", "-", "--home", home.Path);

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Equal("""
            llmcost: line 1 "input_tokens" is negative (-5)
            llmcost: line 2 "total_tokens" is 9, and input and output make 7

            """, run.Error.ReplaceLineEndings("\n"));
    }

    [Theory]
    [InlineData("0.0000000001", 1)]
    [InlineData("0.0000000005", 1)]
    [InlineData("0.0000000015", 2)]
    [InlineData("0", 0)]
    public async Task A_cost_above_zero_is_never_booked_as_zero(string cost, long nanos)
    {
        using var home = new TempHome();

        await CliRun.Of("record", "--model", "own", "--cost", cost, "--home", home.Path);
        var row = (await CliRun.Of("export", "--home", home.Path)).JsonLines[0];

        Assert.Equal((nanos, "known"), (row.GetProperty("cost_nanos").GetInt64(), row.GetProperty("certainty").GetString()));
    }

    [Fact]
    public async Task Options_beside_lines_are_wrong_usage_and_so_is_nothing_at_all()
    {
        Assert.Equal(ExitCode.WrongUsage, (await CliRun.Of("record", "--jsonl", "-", "--model", "x")).Code);
        Assert.Equal(ExitCode.WrongUsage, (await CliRun.Of("record")).Code);
    }
}
