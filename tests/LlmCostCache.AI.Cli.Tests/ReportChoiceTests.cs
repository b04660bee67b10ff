using System.Text.Json;
using CsCheck;

namespace LlmCostCache.AI.Cli.Tests;

public class ReportChoiceTests
{
    [Theory]
    [InlineData("hourly", "hour")]
    [InlineData("daily", "day")]
    [InlineData("weekly", "week")]
    [InlineData("monthly", "month")]
    [InlineData("session", "session")]
    [InlineData("trace", "trace")]
    [InlineData("tag", "tag")]
    [InlineData("cache-layer", "cache-layer")]
    public async Task A_word_says_what_to_group_by(string word, string by)
    {
        using var home = await ReportSample.CreateAsync();

        var json = (await CliRun.Of("report", word, "--home", home.Path, "--json")).Json;
        var option = (await CliRun.Of("report", "--by", by, "--home", home.Path, "--json")).Output;

        Assert.Equal(by, json.GetProperty("by").GetString());
        Assert.Equal(JsonSerializer.Serialize(JsonDocument.Parse(option).RootElement.GetProperty("groups")), JsonSerializer.Serialize(json.GetProperty("groups")));
    }

    [Theory]
    [InlineData("--by", "user,model")]
    [InlineData("user", "--then-by", "model")]
    [InlineData("--by", "user", "--then-by", "model")]
    public async Task Two_dimensions_can_be_written_in_three_ways(params string[] args)
    {
        using var home = await ReportSample.CreateAsync();

        var json = (await CliRun.Of(["report", .. args, "--home", home.Path, "--json"])).Json;

        Assert.Equal(("user", "model", 13_620_000_000), (json.GetProperty("by").GetString(), json.GetProperty("then_by").GetString(), Sum(json, "spent_nanos")));
    }

    [Theory]
    [InlineData("report", "colour")]
    [InlineData("report", "daily", "--by", "model")]
    [InlineData("report", "--by", "user,model,team")]
    [InlineData("report", "--by", "user,")]
    [InlineData("report", "--by", "user,model", "--then-by", "team")]
    [InlineData("report", "user", "--then-by", "user")]
    [InlineData("report", "model", "--breakdown")]
    [InlineData("report", "user", "--then-by", "team", "--breakdown")]
    [InlineData("report", "--top", "0")]
    [InlineData("report", "--sort", "colour")]
    [InlineData("report", "--compare")]
    [InlineData("report", "--compare", "--since", "2027-01-01")]
    [InlineData("report", "--compare", "--since", "0002-01-02")]
    [InlineData("report", "--since", "0001-01-02")]
    [InlineData("report", "--until", "9999-12-31T23:59:59Z")]
    [InlineData("report", "--compare", "--last", "7d", "--by", "day,hour")]
    [InlineData("report", "--json", "--csv")]
    [InlineData("report", "--csv", "--markdown")]
    [InlineData("report", "--markdown", "--html")]
    [InlineData("report", "--json", "--open")]
    [InlineData("report", "-o", "report.txt")]
    public async Task What_cannot_be_meant_is_wrong_usage(params string[] args)
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1m));

        var run = await CliRun.Of([.. args, "--home", home.Path]);

        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
    }

    [Theory]
    [InlineData("spent", "gpt-4o", "claude-sonnet-4")]
    [InlineData("saved", "gpt-4o", "<script>alert(1)</script>")]
    [InlineData("calls", "gpt-4o", "gpt-4o-mini")]
    [InlineData("tokens", "gpt-4o", "gpt-4o-mini")]
    [InlineData("name", "<script>alert(1)</script>", "claude-sonnet-4")]
    public async Task Rows_are_sorted_as_asked(string sort, string first, string second)
    {
        using var home = await ReportSample.CreateAsync();

        var groups = (await CliRun.Of("report", "model", "--sort", sort, "--home", home.Path, "--json")).Json.GetProperty("groups");

        Assert.Equal((first, second), (groups[0].GetProperty("key").GetString(), groups[1].GetProperty("key").GetString()));
    }

    [Fact]
    public async Task What_is_not_at_the_top_is_one_row_and_the_sum_stays()
    {
        using var home = await ReportSample.CreateAsync();

        var json = (await CliRun.Of("report", "model", "--top", "2", "--home", home.Path, "--json")).Json;

        Assert.Equal((2, 4), (json.GetProperty("groups").GetArrayLength(), json.GetProperty("others").GetProperty("groups").GetInt32()));
        Assert.Equal(json.GetProperty("total").GetProperty("spent_nanos").GetInt64(), Sum(json, "spent_nanos") + json.GetProperty("others").GetProperty("spent_nanos").GetInt64());
    }

    [Fact]
    public async Task Changes_of_rows_add_up_to_the_change_of_the_total_with_what_is_gone()
    {
        using var home = await ReportSample.CreateAsync();

        // The week from the 16th against the one from the 9th, in which bob spent 2.00 with gpt-4o-mini.
        var json = (await CliRun.Of("report", "model", "--since", "2026-11-16", "--until", "2026-11-23", "--compare", "--home", home.Path, "--json")).Json;
        var total = json.GetProperty("total");

        Assert.Equal("2026-11-09T00:00:00Z", json.GetProperty("compared_with").GetProperty("since").GetString());
        Assert.Equal((7_620_000_000, 2_000_000_000, 5_620_000_000, 2.81m), (
            total.GetProperty("spent_nanos").GetInt64(), total.GetProperty("before").GetProperty("spent_nanos").GetInt64(), total.GetProperty("change_nanos").GetInt64(), total.GetProperty("change_share").GetDecimal()));
        Assert.Equal(total.GetProperty("change_nanos").GetInt64(), Sum(json, "change_nanos"));
        var mini = json.GetProperty("groups").EnumerateArray().Single(group => group.GetProperty("key").GetString() == "gpt-4o-mini");
        Assert.Equal((-1_230_000_000, -0.615m), (mini.GetProperty("change_nanos").GetInt64(), mini.GetProperty("change_share").GetDecimal()));
    }

    [Theory]
    [InlineData("2026-03-01", "2026-04-01", "2026-02-01T00:00:00Z", "UTC")]
    [InlineData("2026-03-02", "2026-03-09", "2026-02-23T00:00:00Z", "UTC")]
    [InlineData("2026-03-29", "2026-03-30", "2026-03-27T23:00:00Z", "Europe/Berlin")]
    [InlineData("2026-03-30", "2026-03-31", "2026-03-28T23:00:00Z", "Europe/Berlin")]
    [InlineData("2026-03-02T12:00:00Z", "2026-03-02T18:00:00Z", "2026-03-02T06:00:00Z", "UTC")]
    public async Task The_period_before_has_as_many_months_or_days(string since, string until, string before, string zone)
    {
        using var home = await ReportSample.CreateAsync();

        var json = (await CliRun.Of("report", "--since", since, "--until", until, "--timezone", zone, "--compare", "--home", home.Path, "--json")).Json;

        Assert.Equal(before, json.GetProperty("compared_with").GetProperty("since").GetString());
    }

    [Theory]
    [InlineData("UTC")]
    [InlineData("Asia/Kolkata")]
    [InlineData("America/St_Johns")]
    [InlineData("Europe/Berlin")]
    [InlineData("Australia/Lord_Howe")]
    public async Task Single_days_add_up_to_the_range_over_a_change_of_the_clock(string zone)
    {
        // Every 37 minutes over the last week of October and the first of November, when clocks change on both sides of the Atlantic.
        var first = new DateTimeOffset(2026, 10, 20, 0, 7, 0, TimeSpan.Zero);
        using var home = await SampleHome.CreateAsync(null, [.. Enumerable.Range(0, 700).Select(i => SampleHome.Call(first.AddMinutes(37 * i).ToString("O"), 0.001m * (i + 1)))]);
        string[] range = ["--since", "2026-10-22", "--until", "2026-11-05", "--timezone", zone, "--home", home.Path, "--json"];

        var whole = (await CliRun.Of(["report", "model", .. range])).Json.GetProperty("total").GetProperty("spent_nanos").GetInt64();
        var days = (await CliRun.Of(["report", "daily", .. range])).Json;
        var hours = (await CliRun.Of(["report", "hourly", .. range])).Json;
        var single = 0L;
        for (var day = new DateOnly(2026, 10, 22); day < new DateOnly(2026, 11, 5); day = day.AddDays(1))
        {
            var one = (await CliRun.Of("report", "daily", "--since", $"{day:O}", "--until", $"{day.AddDays(1):O}", "--timezone", zone, "--home", home.Path, "--json")).Json;
            Assert.Equal($"{day:O}", one.GetProperty("groups")[0].GetProperty("key").GetString());
            single += one.GetProperty("total").GetProperty("spent_nanos").GetInt64();
        }

        Assert.Equal((whole, whole, whole), (single, Sum(days, "spent_nanos"), Sum(hours, "spent_nanos")));
        Assert.Equal(14, days.GetProperty("groups").GetArrayLength());
    }

    [Theory]
    [InlineData]
    [InlineData("--since", "2026-10-24")]
    [InlineData("--then-by", "model")]
    [InlineData("--top", "3")]
    public async Task An_hour_that_the_clock_shows_twice_is_two_rows_in_the_order_of_time(params string[] options)
    {
        // The clocks of Berlin go back from three to two at 01:00 UTC.
        using var home = await SampleHome.CreateAsync(
            null, SampleHome.Call("2026-10-25T00:30:00Z", 1m), SampleHome.Call("2026-10-25T01:30:00Z", 2m), SampleHome.Call("2026-10-25T02:30:00Z", 4m));

        var json = (await CliRun.Of(["report", "hourly", "--timezone", "Europe/Berlin", .. options, "--home", home.Path, "--json"])).Json;

        Assert.Equal(
            [("2026-10-25T02+02:00", "1"), ("2026-10-25T02+01:00", "2"), ("2026-10-25T03+01:00", "4")],
            json.GetProperty("groups").EnumerateArray().Select(group => (group.GetProperty("key").GetString()!, group.GetProperty("spent_usd").GetString()!)));
    }

    [Fact]
    public async Task Nothing_is_lost_where_the_first_and_the_last_hour_are_shown_twice()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-10-25T00:30:00Z", 1m), SampleHome.Call("2026-10-25T01:30:00Z", 2m));

        var json = (await CliRun.Of("report", "hourly", "--timezone", "Europe/Berlin", "--home", home.Path, "--json")).Json;

        Assert.Equal((3_000_000_000, 3_000_000_000), (Sum(json, "spent_nanos"), json.GetProperty("total").GetProperty("spent_nanos").GetInt64()));
    }

    [Fact]
    public async Task What_is_not_at_the_top_changed_by_what_its_rows_changed()
    {
        using var home = await SampleHome.CreateAsync(
            null,
            SampleHome.Call("2026-11-20T10:00:00Z", 1m, "dear"),
            SampleHome.Call("2026-11-20T11:00:00Z", 0.5m, "cheap"),
            SampleHome.Call("2026-11-21T10:00:00Z", 3m, "dear"),
            SampleHome.Call("2026-11-21T11:00:00Z", 2m, "cheap"));

        var others = (await CliRun.Of("report", "--by", "model,day", "--since", "2026-11-21", "--until", "2026-11-22", "--compare", "--top", "1", "--home", home.Path, "--json")).Json.GetProperty("others");

        Assert.Equal((500_000_000, 1_500_000_000), (others.GetProperty("before").GetProperty("spent_nanos").GetInt64(), others.GetProperty("change_nanos").GetInt64()));
    }

    [Fact]
    public async Task What_is_not_at_the_top_took_time_too()
    {
        using var home = await SampleHome.CreateAsync(
            null,
            SampleHome.Call("2026-11-21T10:00:00Z", 5m, "dear") with { Latency = TimeSpan.FromSeconds(1) },
            SampleHome.Call("2026-11-21T11:00:00Z", 1m, "cheap") with { Latency = TimeSpan.FromMilliseconds(300) },
            SampleHome.Call("2026-11-21T12:00:00Z", 1m, "cheap") with { Latency = TimeSpan.FromMilliseconds(300) },
            SampleHome.Call("2026-11-21T13:00:00Z", 1m, "cheaper") with { Latency = TimeSpan.FromMilliseconds(900) },
            SampleHome.Call("2026-11-21T14:00:00Z", 1m, "silent"));

        var others = (await CliRun.Of("report", "model", "--latency", "--top", "1", "--home", home.Path, "--json")).Json.GetProperty("others");

        Assert.Equal((3, 500m), (others.GetProperty("groups").GetInt32(), others.GetProperty("latency_ms").GetDecimal()));
    }

    [Fact]
    public async Task A_tag_that_a_call_names_twice_counts_it_once()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-21T10:00:00Z", 5m) with { Attribution = new() { Tags = ["nightly", "nightly"] } });

        var group = (await CliRun.Of("report", "tag", "--home", home.Path, "--json")).Json.GetProperty("groups").EnumerateArray().Single();

        Assert.Equal(("nightly", 1, "5"), (group.GetProperty("key").GetString(), group.GetProperty("calls").GetInt32(), group.GetProperty("spent_usd").GetString()));
    }

    [Fact]
    public async Task A_day_without_calls_is_a_zero_where_the_range_asks_for_it_and_nowhere_else()
    {
        using var home = await ReportSample.CreateAsync();

        var asked = (await CliRun.Of("report", "daily", "--since", "2026-11-18", "--until", "2026-11-19", "--home", home.Path, "--json")).Json;
        var all = (await CliRun.Of("report", "daily", "--home", home.Path, "--json")).Json;

        Assert.Equal(("2026-11-18", 0, 0), (asked.GetProperty("groups")[0].GetProperty("key").GetString(), asked.GetProperty("groups")[0].GetProperty("calls").GetInt64(), asked.GetProperty("groups")[0].GetProperty("spent_nanos").GetInt64()));
        Assert.Equal(JsonValueKind.Null, asked.GetProperty("total").GetProperty("per_call_usd").ValueKind);
        Assert.Equal(8, all.GetProperty("groups").GetArrayLength());
    }

    [Fact]
    public async Task A_range_of_a_thousand_years_is_not_written_out()
    {
        using var home = await ReportSample.CreateAsync();

        var json = (await CliRun.Of("report", "hourly", "--since", "1026-01-01", "--until", "2026-12-01", "--home", home.Path, "--json")).Json;

        Assert.InRange(json.GetProperty("groups").GetArrayLength(), 1, ReportSample.Rows().Count());
    }

    [Fact]
    public async Task Latency_is_the_average_of_what_providers_took()
    {
        using var home = await ReportSample.CreateAsync();

        var json = (await CliRun.Of("report", "session", "--latency", "--home", home.Path, "--json")).Json;
        var session = json.GetProperty("groups").EnumerateArray().Single(group => group.GetProperty("key").GetString() == "s-3");

        // s-3: 1,200 and 2,800 ms. All: those, 900, 30,000 (which failed), 1,000 and 500.
        Assert.Equal(2_000m, session.GetProperty("latency_ms").GetDecimal());
        Assert.Equal(6_066.667m, json.GetProperty("total").GetProperty("latency_ms").GetDecimal());
    }

    [Theory]
    [InlineData("session", "agent")]
    [InlineData("agent", "session")]
    [InlineData("trace", "agent")]
    [InlineData("user", "model")]
    public async Task Children_add_up_to_their_parent_and_parents_to_the_total(string outer, string inner)
    {
        using var home = await ReportSample.CreateAsync();

        var parents = (await CliRun.Of("report", outer, "--home", home.Path, "--json")).Json;
        var children = (await CliRun.Of("report", "--by", $"{outer},{inner}", "--home", home.Path, "--json")).Json;

        foreach (var parent in parents.GetProperty("groups").EnumerateArray())
        {
            var parts = children.GetProperty("groups").EnumerateArray().Where(part => part.GetProperty("key").GetString() == parent.GetProperty("key").GetString()).ToList();
            Assert.Equal(
                (parent.GetProperty("spent_nanos").GetInt64(), parent.GetProperty("calls").GetInt64()),
                (parts.Sum(part => part.GetProperty("spent_nanos").GetInt64()), parts.Sum(part => part.GetProperty("calls").GetInt64())));
        }

        Assert.Equal(13_620_000_000, Sum(parents, "spent_nanos"));
    }

    [Theory]
    [InlineData("--json")]
    [InlineData("--csv")]
    [InlineData("--markdown")]
    [InlineData("--html")]
    public async Task A_file_holds_what_standard_output_would(string format)
    {
        using var home = await ReportSample.CreateAsync();
        using var place = new TempHome();
        var file = Path.Combine(place.Path, "report.out");

        var run = await CliRun.Of("report", "model", "--home", home.Path, format, "-o", file);

        Assert.Equal(new CliRun(0, "", ""), run);
        Assert.Equal((await CliRun.Of("report", "model", "--home", home.Path, format)).Output, await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task The_page_is_opened_on_request_and_a_missing_browser_is_no_failure()
    {
        using var home = await ReportSample.CreateAsync();
        using var place = new TempHome();
        var file = Path.Combine(place.Path, "report.html");
        string? opened = null;

        var (code, _) = await Opening(name => opened = name);
        var (codeWithout, error) = await Opening(_ => throw new System.ComponentModel.Win32Exception("no browser"));

        Assert.Equal((0, file, 0), (code, opened, codeWithout));
        Assert.Contains("report.html; open it in a browser", error, StringComparison.Ordinal);

        async Task<(int, string)> Opening(Action<string> open)
        {
            using var said = new StringWriter();
            var host = new CliHost { Input = Stream.Null, Output = Stream.Null, Console = CliHost.ConsoleFor(TextWriter.Null, plain: true, unlimited: true), Error = said, Open = open };
            return (await CommandLine.RunAsync(["report", "--open", "-o", file, "--home", home.Path], host), said.ToString());
        }
    }

    [Fact]
    public async Task The_legend_of_a_chart_knows_of_calls_without_a_price()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1.5m, "no-such-model"), SampleHome.Unpriced("2026-11-21T10:00:00Z"));

        var page = (await CliRun.Of("report", "--html", "--home", home.Path)).Output;

        Assert.Contains("</i>no-such-model &gt;= $1.50</li>", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_loads_nothing_and_obeys_no_name()
    {
        using var home = await ReportSample.CreateAsync();

        var page = (await CliRun.Of("report", "--by", "user,model", "--html", "--home", home.Path)).Output;

        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("http://", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("https://", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain('\u001b', page);
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;", page, StringComparison.Ordinal);
        using var reader = System.Xml.XmlReader.Create(new StringReader(page[page.IndexOf("<main>", StringComparison.Ordinal)..(page.IndexOf("</main>", StringComparison.Ordinal) + 7)]));
        while (reader.Read())
        {
        }
    }

    [Theory]
    [InlineData(true, "\rllmcost: reading, 3 so far (0 s)\r                                \r")]
    [InlineData(false, "")]
    public void Progress_is_said_only_to_somebody_who_watches_and_then_goes_away(bool isWatched, string expected)
    {
        using var said = new StringWriter();
        var time = new TimeByHand();
        var host = new CliHost { Input = Stream.Null, Output = Stream.Null, Console = CliHost.ConsoleFor(TextWriter.Null, plain: true, unlimited: true), Error = said, IsWatched = isWatched, Time = time };
        using (var progress = new Rendering.Progress(host, "reading"))
        {
            progress.Report(3);
            time.Tick?.Invoke();
        }

        Assert.Equal(expected, said.ToString());
    }

    [Fact]
    public void Progress_stays_in_one_line_of_a_narrow_terminal()
    {
        using var said = new StringWriter();
        var time = new TimeByHand();
        var console = CliHost.ConsoleFor(TextWriter.Null, plain: true, unlimited: true);
        console.Profile.Width = 40;
        var host = new CliHost { Input = Stream.Null, Output = Stream.Null, Console = console, Error = said, IsWatched = true, Time = time };
        using (var progress = new Rendering.Progress(host, "reading row by row, because the sums by quarter-hour hold no sessions"))
        {
            progress.Report(1_234_567);
            time.Tick?.Invoke();
        }

        // A line that is full would already begin the next one.
        Assert.All(said.ToString().Split('\r'), line => Assert.InRange(line.Length, 0, 39));
        Assert.Contains(", 1,234,567 so far (0 s)", said.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("report", "daily")]
    [InlineData("report", "--html")]
    public async Task The_line_of_progress_is_gone_before_anything_is_shown(params string[] args)
    {
        using var home = await ReportSample.CreateAsync();
        using var terminal = new StringWriter();
        var console = CliHost.ConsoleFor(terminal, plain: true, unlimited: true);
        var host = new CliHost { Input = Stream.Null, Output = Stream.Null, Console = console, Error = terminal, IsWatched = true, Time = new TimeByHand { TicksAtOnce = true } };

        Assert.Equal(0, await CommandLine.RunAsync([.. args, "--home", home.Path], host));

        var text = terminal.ToString();
        Assert.StartsWith("\rllmcost: ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("spent", text[..(text.LastIndexOf('\r') + 1)], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_that_reads_rows_says_how_many_it_has_read()
    {
        using var home = new TempHome();
        new MonthLedger(3_000, new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero), 20).WriteTo(home.Path);
        using var said = new StringWriter();
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(CliRun.Now) { AutoAdvanceAmount = TimeSpan.FromSeconds(1.5) };
        var host = new CliHost { Input = Stream.Null, Output = Stream.Null, Console = CliHost.ConsoleFor(TextWriter.Null, plain: true, unlimited: true), Error = said, Time = clock };

        Assert.Equal(0, await CommandLine.RunAsync(["report", "session", "--home", home.Path], host));

        Assert.StartsWith("llmcost: reading row by row, because the sums by quarter-hour hold no sessions, 1,000 so far (", said.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("daily", "--since", "0002-01-01", "--until", "9998-12-31", "--timezone", "America/New_York")]
    [InlineData("hourly", "--since", "0002-01-01", "--until", "9998-12-31", "--timezone", "Asia/Kolkata", "--json")]
    [InlineData("weekly", "--since", "0002-01-01", "--until", "9998-12-31", "--html")]
    [InlineData("monthly", "--since", "9998-12-31", "--html")]
    [InlineData("user", "--until", "0002-01-01", "--csv")]
    public async Task The_ends_of_time_are_no_fault(params string[] args)
    {
        using var home = await ReportSample.CreateAsync();

        Assert.Equal((0, ""), (await CliRun.Of(["report", .. args, "--home", home.Path])) switch { var run => (run.Code, run.Error) });
    }

    [Theory]
    [InlineData("sessions", "session")]
    [InlineData("tags", "--by", "user,tag")]
    [InlineData("latencies", "daily", "--latency")]
    [InlineData("sessions", "daily", "--session", "s-1")]
    [InlineData(null, "daily", "--status", "ok")]
    [InlineData(null, "user", "--then-by", "model")]
    public void What_the_sums_do_not_know_is_named(string? missing, params string[] args)
    {
        var command = new System.CommandLine.RootCommand();
        var options = new Reports.ReportOptions();
        options.AddTo(command);

        Assert.Equal(missing, options.Read(command.Parse(args), TimeProvider.System).OnlyInRows);
    }

    /// <summary>Recomputed in another way: the lines of <c>export</c>, added up here, are what the report says.</summary>
    [Fact]
    public async Task Whatever_the_ledger_holds_the_report_says_what_its_export_adds_up_to()
    {
        var row = Gen.Select(Gen.Int[0, 60 * 24 * 40], Gen.Int[0, 5], Gen.Long[0, 5_000_000_000], Gen.Int[0, 3], Gen.Int[0, 9], (minute, name, nanos, model, kind) => (minute, name, nanos, model, kind));
        await row.Array[0, 40].SampleAsync(
            async rows =>
            {
                using var home = await SampleHome.CreateAsync(null, [.. rows.Select(Record)]);
                var lines = (await CliRun.Of("export", "--home", home.Path)).JsonLines;
                foreach (var (word, key) in ((string, Func<JsonElement, string?>)[])
                    [("model", line => line.GetProperty("model").GetString()), ("user", line => line.GetProperty("user").GetString()), ("daily", line => line.GetProperty("at").GetString()![..10])])
                {
                    var report = (await CliRun.Of("report", word, "--timezone", "UTC", "--home", home.Path, "--json")).Json;
                    var groups = report.GetProperty("groups").EnumerateArray().ToDictionary(group => group.GetProperty("key").GetString() ?? "", Numbers);
                    Assert.Equal(lines.GroupBy(line => key(line) ?? "").ToDictionary(group => group.Key, group => Summed(group)), groups);
                    Assert.Equal(Summed(lines), Numbers(report.GetProperty("total")));
                }
            },
            iter: 12,
            threads: 1);

        static UsageRecord Record((int Minute, int Name, long Nanos, int Model, int Kind) row)
        {
            var record = SampleHome.Call(CliRun.Now.AddMinutes(-row.Minute).ToString("O"), row.Nanos / 1_000_000_000m, $"model-{row.Model}", row.Name == 0 ? null : $"user-{row.Name}");
            return row.Kind switch
            {
                0 => record with { Cost = CallCost.Unpriced("no price") with { Usage = record.Cost.Usage } },
                1 or 2 => record with { Status = CallStatus.Cached, Cost = CallCost.Known(Money.Zero) with { Saved = Money.FromNanos(row.Nanos), CacheLayer = CacheLayer.Disk } },
                3 => record with { Status = CallStatus.Blocked, Cost = CallCost.Known(Money.Zero) },
                4 => record with { Status = CallStatus.Failed, Cost = CallCost.Known(Money.Zero) },
                _ => record,
            };
        }

        static (long, long, long, long, long, long, long, long) Numbers(JsonElement total) => (
            total.GetProperty("calls").GetInt64(), total.GetProperty("spent_nanos").GetInt64(), total.GetProperty("saved_nanos").GetInt64(), total.GetProperty("hits").GetInt64(),
            total.GetProperty("blocked").GetInt64(), total.GetProperty("failed").GetInt64(), total.GetProperty("unpriced").GetInt64(), total.GetProperty("total_tokens").GetInt64());

        static (long, long, long, long, long, long, long, long) Summed(IEnumerable<JsonElement> lines)
        {
            var (calls, spent, saved, hits, blocked, failed, unpriced, tokens) = (0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L);
            foreach (var line in lines)
            {
                var status = line.GetProperty("status").GetString();
                var isPriced = line.GetProperty("cost_nanos").ValueKind == JsonValueKind.Number;
                calls++;
                spent += isPriced ? line.GetProperty("cost_nanos").GetInt64() : 0;
                unpriced += isPriced ? 0 : 1;
                saved += line.GetProperty("saved_nanos").GetInt64();
                hits += status == "cached" ? 1 : 0;
                blocked += status == "blocked" ? 1 : 0;
                failed += status == "failed" ? 1 : 0;
                tokens += status is "cached" or "blocked" ? 0 : line.GetProperty("input_tokens").GetInt64() + line.GetProperty("output_tokens").GetInt64();
            }

            return (calls, spent, saved, hits, blocked, failed, unpriced, tokens);
        }
    }

    private static long Sum(JsonElement report, string field) => report.GetProperty("groups").EnumerateArray().Sum(group => group.GetProperty(field).GetInt64());

    private sealed class TimeByHand : TimeProvider
    {
        public Action? Tick { get; private set; }

        public bool TicksAtOnce { get; init; }

        public override DateTimeOffset GetUtcNow() => CliRun.Now;

        public override long GetTimestamp() => 0;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Tick = () => callback(state);
            if (TicksAtOnce)
            {
                Tick();
            }

            return base.CreateTimer(static _ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
