using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>Usage and cost reports of providers, and tokenkeeper's database.</summary>
public class ReportImportTests
{
    private const string OpenAIUsage = """
        {"object":"page","data":[{"object":"bucket","start_time":1790553600,"end_time":1790640000,"results":[
          {"object":"organization.usage.completions.result","input_tokens":1000000,"input_cached_tokens":400000,"output_tokens":100000,"num_model_requests":50,
           "project_id":"proj_1","user_id":"user-1","api_key_id":"key_1","model":"gpt-4o-mini-2024-07-18","batch":false},
          {"object":"organization.usage.completions.result","input_tokens":1000000,"input_cached_tokens":0,"output_tokens":0,"num_model_requests":10,
           "project_id":"proj_1","user_id":"user-1","api_key_id":"key_1","model":"gpt-4o-mini-2024-07-18","batch":true},
          {"object":"organization.usage.completions.result","input_tokens":5,"output_tokens":5,"num_model_requests":1,"project_id":null,"user_id":null,"api_key_id":null,"model":null,"batch":null}]},
         {"object":"bucket","start_time":1795219200,"end_time":1795392000,"results":[{"object":"organization.usage.completions.result","input_tokens":5,"output_tokens":5,"num_model_requests":1,"model":"gpt-4o"}]}],
         "has_more":false,"next_page":null}
        """;

    [Fact]
    public async Task Buckets_of_OpenAI_are_priced_by_the_book_and_flagged_as_aggregated()
    {
        using var home = new TempHome();

        var run = await CliRun.WithInput(OpenAIUsage, "import", "-", "--home", home.Path, "--json");
        var again = await CliRun.WithInput(OpenAIUsage, "import", "-", "--home", home.Path, "--json");
        var rows = (await CliRun.Of("export", "--home", home.Path)).JsonLines;

        // The last bucket is not over at the tests' present.
        Assert.Equal((3, 0, 1), ExchangeHomes.Counts(run));
        Assert.Equal((0, 3, 1), ExchangeHomes.Counts(again));
        Assert.Equal("openai", run.Json.GetProperty("files")[0].GetProperty("source").GetString());

        // 600,000 at 0.15, 400,000 at 0.075 and 100,000 at 0.60 dollars a million; half of 0.15 in a batch.
        Assert.Equal([180_000_000, 75_000_000], rows.Take(2).Select(row => row.GetProperty("cost_nanos").GetInt64()));
        Assert.Equal(50, rows[0].GetProperty("requests").GetInt64());
        Assert.Equal("imported,aggregated", rows[0].GetProperty("flags").GetString());
        Assert.Equal(("proj_1", "user-1", "key:key_1"), (rows[0].GetProperty("project").GetString(), rows[0].GetProperty("user").GetString(), rows[0].GetProperty("tags")[0].GetString()));
        Assert.Equal("2026-09-28T00:00:00Z", rows[0].GetProperty("at").GetString());
        Assert.Equal("unknown", rows[2].GetProperty("certainty").GetString());
        await ExchangeHomes.VerifyAsync(home.Path);
    }

    [Fact]
    public async Task Costs_of_a_day_whose_usage_is_there_are_not_counted_once_more()
    {
        using var home = new TempHome();
        await CliRun.WithInput(OpenAIUsage, "import", "-", "--home", home.Path);
        const string Costs = """
            start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,user_id,api_key_id,project_id,organization_id,project_name,organization_name
            1790467200,1790553600,2026-09-27T00:00:00+00:00,2026-09-28T00:00:00+00:00,,,,,,,,,,,
            1790380800,1790467200,2026-09-26T00:00:00+00:00,2026-09-27T00:00:00+00:00,0.003835980000000000000000000000,usd,,,"gpt-4o-mini, input",,key_1,proj_1,org-1,Shop,Org
            1790553600,1790640000,2026-09-28T00:00:00+00:00,2026-09-29T00:00:00+00:00,0.5,usd,,,"gpt-4o-mini, input",,key_1,proj_1,org-1,Shop,Org
            """;

        var run = await CliRun.WithInput(Costs, "import", "-", "--home", home.Path, "--json");

        Assert.Equal((1, 0, 1), ExchangeHomes.Counts(run));
        Assert.Contains("describe the same calls", run.Json.GetProperty("rejections")[0].GetProperty("reason").GetString(), StringComparison.Ordinal);
        var row = (await CliRun.Of("export", "--home", home.Path, "--until", "2026-09-27")).JsonLines.Single();
        Assert.Equal((3_835_980, "known", "gpt-4o-mini", "Shop"),
            (row.GetProperty("cost_nanos").GetInt64(), row.GetProperty("certainty").GetString(), row.GetProperty("model").GetString(), row.GetProperty("project").GetString()));
        Assert.Equal("imported,aggregated,provider_cost", row.GetProperty("flags").GetString());
    }

    [Fact]
    public async Task The_same_day_grouped_otherwise_is_not_counted_once_more()
    {
        using var home = new TempHome();
        await CliRun.WithInput(Day(1790553600, 1790640000, "\"model\":\"gpt-4o\""), "import", "-", "--home", home.Path);

        var byProject = await CliRun.WithInput(Day(1790553600, 1790640000, "\"model\":\"gpt-4o\",\"project_id\":\"proj_1\""), "import", "-", "--home", home.Path, "--json");
        var byHour = await CliRun.WithInput(Day(1790553600, 1790557200, "\"model\":\"gpt-4o\""), "import", "-", "--home", home.Path, "--json");
        var otherModel = await CliRun.WithInput(Day(1790553600, 1790640000, "\"model\":\"gpt-4o-mini\""), "import", "-", "--home", home.Path, "--json");

        Assert.Equal((0, 0, 1), ExchangeHomes.Counts(byProject));
        Assert.Contains("describe the same calls", byProject.Json.GetProperty("rejections")[0].GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal((0, 0, 1), ExchangeHomes.Counts(byHour));
        Assert.Equal((1, 0, 0), ExchangeHomes.Counts(otherModel));
    }

    [Fact]
    public async Task A_merge_does_not_bring_the_costs_of_a_day_whose_usage_is_there()
    {
        using var home = new TempHome();
        using var other = new TempHome();
        await CliRun.WithInput(Day(1790553600, 1790640000, "\"model\":\"gpt-4o\""), "import", "-", "--home", home.Path);
        await CliRun.WithInput("""
            start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,user_id,api_key_id,project_id,organization_id,project_name,organization_name
            1790553600,1790640000,2026-09-28T00:00:00+00:00,2026-09-29T00:00:00+00:00,0.5,usd,,,"gpt-4o-mini, input",,key_1,proj_1,org-1,Shop,Org
            """, "import", "-", "--home", other.Path);

        var run = await CliRun.Of("merge", other.Path, "--home", home.Path, "--json");

        Assert.Equal((0, 0, 1), ExchangeHomes.Counts(run));
        Assert.Equal(1, run.Code);
    }

    [Fact]
    public async Task A_day_that_moved_into_an_archive_is_not_counted_once_more()
    {
        using var home = new TempHome();
        await CliRun.WithInput(Day(1790553600, 1790640000, "\"model\":\"gpt-4o\""), "import", "-", "--home", home.Path);
        Assert.Equal(0, (await CliRun.Of("ledger", "archive", "--before", "2026-11", "--yes", "--home", home.Path)).Code);

        var costs = await CliRun.WithInput(CostsOfThatDay, "import", "-", "--home", home.Path, "--json");
        var byProject = await CliRun.WithInput(Day(1790553600, 1790640000, "\"model\":\"gpt-4o\",\"project_id\":\"proj_1\""), "import", "-", "--home", home.Path, "--json");
        var again = await CliRun.WithInput(Day(1790553600, 1790640000, "\"model\":\"gpt-4o\""), "import", "-", "--home", home.Path, "--json");

        Assert.Equal(((0, 0, 1), (0, 0, 1), (0, 1, 0)), (ExchangeHomes.Counts(costs), ExchangeHomes.Counts(byProject), ExchangeHomes.Counts(again)));
    }

    [Fact]
    public async Task An_export_does_not_bring_the_costs_of_a_day_whose_usage_is_there()
    {
        using var home = new TempHome();
        using var other = new TempHome();
        await CliRun.WithInput(Day(1790553600, 1790640000, "\"model\":\"gpt-4o\""), "import", "-", "--home", home.Path);
        await CliRun.WithInput(CostsOfThatDay, "import", "-", "--home", other.Path);

        var run = await CliRun.WithInput(await ExchangeHomes.ExportAsync(other.Path), "import", "-", "--home", home.Path, "--json");

        Assert.Equal((0, 0, 1), ExchangeHomes.Counts(run));
    }

    /// <summary>An import that was interrupted goes on with the rest, also with what has other groups left empty.</summary>
    [Fact]
    public async Task The_rest_of_a_report_that_was_begun_is_taken()
    {
        using var home = new TempHome();
        const string Named = "\"model\":\"gpt-4o\",\"project_id\":\"proj_1\"";
        const string Nameless = "\"model\":\"gpt-4o\"";
        await CliRun.WithInput(Day(1790553600, 1790640000, Named), "import", "-", "--home", home.Path);

        var run = await CliRun.WithInput(Day(1790553600, 1790640000, Named, Nameless), "import", "-", "--home", home.Path, "--json");

        Assert.Equal((1, 1, 0), ExchangeHomes.Counts(run));
    }

    /// <summary>A row of the same name and other numbers is of another report.</summary>
    [Fact]
    public async Task A_report_that_says_otherwise_of_a_row_is_not_the_one_that_was_begun()
    {
        using var home = new TempHome();
        await CliRun.WithInput(Day(1790553600, 1790640000, "\"model\":\"gpt-4o\""), "import", "-", "--home", home.Path);

        var run = await CliRun.WithInput(
            Day(1790553600, 1790640000, "\"model\":\"gpt-4o\"", "\"model\":\"gpt-4o\",\"project_id\":\"proj_1\"").Replace("\"num_model_requests\":50", "\"num_model_requests\":40", StringComparison.Ordinal),
            "import", "-", "--home", home.Path, "--json");

        Assert.Equal((0, 0, 2), ExchangeHomes.Counts(run));
    }

    [Theory]
    [InlineData("\"model\":\"gpt-4o\",\"project_id\":\"\\ud800\"")]
    [InlineData("\"model\":\"gpt-4o\",\"project_id\":\"\u00ff\"")]
    public async Task Text_that_is_not_Unicode_makes_its_bucket_wrong_and_no_other(string groups)
    {
        using var home = new TempHome();
        var report = System.Text.Encoding.Latin1.GetBytes(Day(1790553600, 1790640000, groups, "\"model\":\"gpt-4o-mini\""));

        var run = await CliRun.WithInput(report, null, "import", "-", "--home", home.Path, "--json");

        Assert.Equal((1, (1, 0, 1)), (run.Code, ExchangeHomes.Counts(run)));
    }

    /// <summary>Rows are never taken out again.</summary>
    [Theory]
    [InlineData("start_time,end_time,input_tokens,model\n20260820,20260821,5,gpt-4o\n")]
    [InlineData("start_time,end_time,input_tokens,model,num_model_requests,seconds\n1790553600,1790640000,,whisper-1,1,-5\n")]
    [InlineData("usage_date_utc,model_version,usage_input_tokens_no_cache\n9999-12-31,claude-sonnet-4-5,5\n")]
    [InlineData("usage_date_utc,model_version,usage_input_tokens_no_cache\n1026-09-01,claude-sonnet-4-5,5\n")]
    public async Task A_bucket_that_cannot_be_is_rejected(string report)
    {
        using var home = new TempHome();

        var run = await CliRun.WithInput(report, "import", "-", "--home", home.Path, "--json");

        Assert.Equal((1, (0, 0, 1)), (run.Code, ExchangeHomes.Counts(run)));
    }

    [Fact]
    public async Task What_a_report_adds_up_is_not_priced_as_one_long_request()
    {
        using var home = new TempHome();
        await CliRun.WithInput(Day(1790553600, 1790640000, "\"model\":\"gpt-4o\""), "import", "-", "--home", home.Path);

        var run = await CliRun.Of("whatif", "--model", "gemini-2.5-pro", "--home", home.Path, "--json");
        var repriced = await CliRun.Of("reprice", "--home", home.Path, "--json");

        Assert.Equal(1, run.Json.GetProperty("total").GetProperty("unknown").GetInt64());
        Assert.DoesNotContain("too_long\": 1", run.Output, StringComparison.Ordinal);
        Assert.Equal(0, repriced.Code);
    }

    private const string CostsOfThatDay = """
        start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,user_id,api_key_id,project_id,organization_id,project_name,organization_name
        1790553600,1790640000,2026-09-28T00:00:00+00:00,2026-09-29T00:00:00+00:00,0.5,usd,,,"gpt-4o-mini, input",,key_1,proj_1,org-1,Shop,Org
        """;

    private static string Day(long from, long until, params string[] groups) =>
        $$"""{"object":"page","data":[{"object":"bucket","start_time":{{from}},"end_time":{{until}},"results":[{{string.Join(',', groups.Select(group => $$"""{"object":"organization.usage.completions.result","input_tokens":1000000,"output_tokens":100000,"num_model_requests":50,{{group}}}"""))}}]}],"has_more":false,"next_page":null}""";

    [Fact]
    public async Task Buckets_of_Anthropic_count_cached_and_written_tokens_apart()
    {
        using var home = new TempHome();
        const string Usage = """
            {"data":[{"starting_at":"2026-09-01T00:00:00Z","ending_at":"2026-09-02T00:00:00Z","results":[
              {"uncached_input_tokens":1000000,"cache_creation":{"ephemeral_1h_input_tokens":100000,"ephemeral_5m_input_tokens":200000},"cache_read_input_tokens":3000000,"output_tokens":50000,
               "server_tool_use":{"web_search_requests":10},"api_key_id":"apikey_1","workspace_id":"wrkspc_1","model":"claude-sonnet-4-5-20250929","service_tier":"standard","context_window":"0-200k"}]}],
             "has_more":false,"next_page":null}
            """;

        var run = await CliRun.WithInput(Usage, "import", "-", "--home", home.Path, "--json");
        var row = (await CliRun.Of("export", "--home", home.Path)).JsonLines.Single();

        Assert.Equal((1, 0, 0), ExchangeHomes.Counts(run));
        Assert.Equal((4_300_000, 3_000_000, 200_000, 100_000, 10),
            (row.GetProperty("input_tokens").GetInt64(), row.GetProperty("cached_input_tokens").GetInt64(), row.GetProperty("cache_write_5m_tokens").GetInt64(), row.GetProperty("cache_write_1h_tokens").GetInt64(), row.GetProperty("web_searches").GetInt64()));

        // By hand, at the price of short prompts although the day has millions of tokens: 3 + 0.6 + 0.75 + 0.9 + 0.75 for tokens, 0.1 for searches.
        Assert.Equal((6_100_000_000, "known"), (row.GetProperty("cost_nanos").GetInt64(), row.GetProperty("certainty").GetString()));
    }

    [Fact]
    public async Task Requests_of_unknown_length_are_priced_between_short_and_long_prompts()
    {
        using var home = new TempHome();
        const string Usage = """
            usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,web_search_count,inference_geo,speed
            2026-09-01,claude-sonnet-4-5-20250929,my key,Default,standard,,1000000,0,0,0,0,0,not_available,
            2026-09-01,claude-sonnet-4-5-20250929,my key,Default,standard,≤ 200k,1000000,0,0,0,0,0,not_available,
            """;

        var run = await CliRun.WithInput(Usage, "import", "-", "--home", home.Path, "--json");
        var rows = (await CliRun.Of("export", "--home", home.Path)).JsonLines;

        Assert.Equal((2, 0, 0), ExchangeHomes.Counts(run));
        Assert.Equal(("bounded", 3_000_000_000, 6_000_000_000), (rows[0].GetProperty("certainty").GetString(), rows[0].GetProperty("cost_low_nanos").GetInt64(), rows[0].GetProperty("cost_high_nanos").GetInt64()));
        Assert.Equal(("known", 3_000_000_000), (rows[1].GetProperty("certainty").GetString(), rows[1].GetProperty("cost_nanos").GetInt64()));
    }

    [Fact]
    public async Task Amounts_of_Anthropics_cost_report_are_cents()
    {
        using var home = new TempHome();
        const string Costs = """
            {"data":[{"starting_at":"2026-09-01T00:00:00Z","ending_at":"2026-09-02T00:00:00Z","results":[
              {"amount":"123.78912","currency":"USD","cost_type":"tokens","description":"Claude Sonnet 4.5 Usage - Input Tokens","model":"claude-sonnet-4-5","token_type":"uncached_input_tokens"},
              {"amount":"10","currency":"USD","cost_type":"web_search","description":"Web Search Usage","model":null}]}]}
            """;

        await CliRun.WithInput(Costs, "import", "-", "--home", home.Path);
        var rows = (await CliRun.Of("export", "--home", home.Path)).JsonLines;

        Assert.Equal([1_237_891_200, 100_000_000], rows.Select(row => row.GetProperty("cost_nanos").GetInt64()));
    }

    [Fact]
    public async Task A_report_beside_metered_calls_says_that_they_may_be_counted_twice()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-09-28T10:00:00Z", 1m));

        var run = await CliRun.WithInput(OpenAIUsage, "import", "-", "--home", home.Path, "--json");

        Assert.Equal(1, run.Json.GetProperty("metered_too").GetInt64());
        Assert.Contains("once more", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_says_beforehand_that_calls_may_be_counted_twice()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-09-28T10:00:00Z", 1m));

        var before = await CliRun.WithInput(OpenAIUsage, "import", "-", "--home", home.Path, "--dry-run", "--json");
        await CliRun.WithInput(OpenAIUsage, "import", "-", "--home", home.Path);
        var after = await CliRun.WithInput(OpenAIUsage, "import", "-", "--home", home.Path, "--dry-run", "--json");

        Assert.Equal((1, 1), (before.Json.GetProperty("metered_too").GetInt64(), after.Json.GetProperty("metered_too").GetInt64()));
    }

    [Fact]
    public async Task Tokenkeepers_calls_keep_their_cost_and_a_cost_of_zero_for_tokens_is_priced_here()
    {
        using var home = new TempHome();
        using var files = new TempHome();
        var database = Path.Combine(files.Path, "tokenkeeper.db");
        Execute(database, """
            CREATE TABLE calls (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp REAL NOT NULL, project TEXT NOT NULL DEFAULT 'default', "user" TEXT NOT NULL DEFAULT 'default', provider TEXT NOT NULL,
                model TEXT NOT NULL, prompt_tokens INTEGER NOT NULL DEFAULT 0, completion_tokens INTEGER NOT NULL DEFAULT 0, total_tokens INTEGER NOT NULL DEFAULT 0, cached_tokens INTEGER NOT NULL DEFAULT 0,
                cost_usd REAL NOT NULL DEFAULT 0, cost_cny REAL NOT NULL DEFAULT 0, latency_ms REAL NOT NULL DEFAULT 0, status TEXT NOT NULL DEFAULT 'success', error TEXT, extra TEXT);
            INSERT INTO calls (timestamp, project, "user", provider, model, prompt_tokens, completion_tokens, cached_tokens, cost_usd, latency_ms, status, error) VALUES
                (1788220800.25, 'shop', 'alice', 'openai', 'gpt-4o', 1000, 500, 0, 0.0075, 812.7, 'success', NULL),
                (1788220801, 'default', 'default', 'openai', 'gpt-4o-2024-08-06', 1000, 100, 0, 0, 5, 'success', NULL),
                (1788220802, 'default', 'default', 'anthropic', 'claude-3-haiku-20240307', 100, 10, 5000, 0, 5, 'success', NULL),
                (1788220803, 'default', 'default', 'unknown', 'no-such-model', 10, 10, 0, 0, 5, 'success', NULL),
                (1788220804, 'default', 'default', 'openai', 'gpt-4o', 0, 0, 0, 0, 5, 'error', 'RateLimitError: the prompt was: secret'),
                (1788220805, 'default', 'default', 'openai', 'gpt-4o', 0, 0, 0, 0, 0, 'blocked', NULL),
                (1788220806, 'default', 'default', 'openai', 'gpt-4o', -1, 0, 0, 0, 0, 'success', NULL),
                (1788220807, 'default', 'default', 'openai', 'gpt-4o', 1000, 0, 0, 0, 5, 'error', 'APITimeoutError'),
                ('2026-09-01T00:00:00', 'default', 'default', 'openai', 'gpt-4o', 1, 0, 0, 0, 0, 'success', NULL);
            """);

        var run = await CliRun.Of("import", database, "--home", home.Path, "--json");
        var again = await CliRun.Of("import", database, "--home", home.Path, "--json");
        var rows = (await CliRun.Of("export", "--home", home.Path)).JsonLines;

        Assert.Equal((7, 0, 2), ExchangeHomes.Counts(run));
        Assert.Equal((0, 7, 2), ExchangeHomes.Counts(again));
        Assert.Equal((7_500_000, "imported,given_cost", "alice", "2026-09-01T00:00:00.25Z"),
            (rows[0].GetProperty("cost_nanos").GetInt64(), rows[0].GetProperty("flags").GetString(), rows[0].GetProperty("user").GetString(), rows[0].GetProperty("at").GetString()));
        Assert.Equal(3_500_000, rows[1].GetProperty("cost_nanos").GetInt64());
        Assert.Equal(5_100, rows[2].GetProperty("input_tokens").GetInt64());
        Assert.Equal("unknown", rows[3].GetProperty("certainty").GetString());
        Assert.Equal(("failed", "RateLimitError"), (rows[4].GetProperty("status").GetString(), rows[4].GetProperty("error").GetString()));
        Assert.Equal("blocked", rows[5].GetProperty("status").GetString());

        // What failed is certainly not billed; tokens say that this one may be.
        Assert.Equal(("assumed", 2_500_000), (rows[6].GetProperty("status").GetString(), rows[6].GetProperty("cost_nanos").GetInt64()));
    }

    [Fact]
    public async Task A_call_of_tokenkeeper_that_says_nothing_is_unknown_and_not_free()
    {
        using var home = new TempHome();
        using var files = new TempHome();
        var database = Path.Combine(files.Path, "tokenkeeper.db");
        Execute(database, """
            CREATE TABLE calls (id INTEGER PRIMARY KEY, timestamp REAL, project TEXT, "user" TEXT, provider TEXT, model TEXT, prompt_tokens INTEGER, completion_tokens INTEGER, cached_tokens INTEGER,
                cost_usd REAL, latency_ms REAL, status TEXT, error TEXT);
            INSERT INTO calls (timestamp, provider, model, prompt_tokens, completion_tokens, cached_tokens, cost_usd, latency_ms, status) VALUES (1788220800, 'openai', 'gpt-4o', 0, 0, 0, 0, 5, 'success');
            """);

        var run = await CliRun.Of("import", database, "--home", home.Path, "--json");

        Assert.Equal((1, 0, 0), ExchangeHomes.Counts(run));
        Assert.Equal(1, run.Json.GetProperty("unpriced").GetInt64());
    }

    [Theory]
    [InlineData("openai", """{"object":"page","data":[{"object":"bucket","start_time":1788220800,"end_time":1788307200,"results":[{"object":"organization.usage.completions.result","input_tokens":0,"output_tokens":0,"num_model_requests":0,"input_cached_tokens":0,"model":null}]}]}""")]
    [InlineData("anthropic", """{"data":[{"starting_at":"2026-09-01T00:00:00Z","ending_at":"2026-09-02T00:00:00Z","results":[{"uncached_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"server_tool_use":{"web_search_requests":0},"model":null}]}]}""")]
    public async Task A_span_in_which_nothing_was_used_is_no_call_without_a_price(string source, string page)
    {
        using var home = new TempHome();

        var run = await CliRun.WithInput(page, "import", "-", "--from", source, "--home", home.Path, "--json");

        Assert.Equal((0, 0, 0), ExchangeHomes.Counts(run));
        Assert.Equal(0, run.Json.GetProperty("unpriced").GetInt64());
    }

    [Fact]
    public async Task A_ledger_of_ours_is_not_imported_but_merged()
    {
        using var home = await SampleHome.CreateAsync();
        using var other = new TempHome();

        var run = await CliRun.Of("import", home.LedgerFile, "--home", other.Path);

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains("llmcost merge", run.Error, StringComparison.Ordinal);
    }

    private static void Execute(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
