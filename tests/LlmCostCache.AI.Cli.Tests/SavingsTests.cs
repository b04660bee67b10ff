using System.Xml.Linq;

namespace LlmCostCache.AI.Cli.Tests;

public class SavingsTests
{
    private const string Model = "gpt-4o-2024-08-06";

    private static readonly TokenUsage s_anew = new() { UncachedInputTokens = 2006, OutputTokens = 300, Requests = 1 };
    private static readonly TokenUsage s_read = s_anew with { UncachedInputTokens = 86, CachedInputTokens = 1920 };

    [Fact]
    public async Task Layers_and_levers_are_shown_gross_and_net_with_the_formula()
    {
        using var home = await Sample();

        ExpectedFile.Check((await CliRun.Of("savings", "--home", home.Path)).Output, "savings/levers.txt");
        ExpectedFile.Check((await CliRun.Of("savings", "--home", home.Path, "--json")).Output, "savings/levers.json");
    }

    [Fact]
    public async Task A_hit_claims_in_gross_what_the_providers_own_cache_would_have_given_and_not_in_net()
    {
        using var home = await SampleHome.CreateAsync(null, Hit("2026-11-20T10:00:00Z", 0.005615m, CacheLayer.Disk));

        var disk = Layer((await CliRun.Of("savings", "--home", home.Path, "--json")).Json, "disk");

        Assert.Equal((8_015_000, 2_400_000, 5_615_000), Figures(disk));
    }

    [Fact]
    public async Task What_is_saved_in_net_is_what_every_report_calls_saved()
    {
        using var home = await Sample();

        var saved = (await CliRun.Of("savings", "--home", home.Path, "--last", "4w", "--json")).Json.GetProperty("saved_nanos").GetInt64();
        var total = (await CliRun.Of("report", "--home", home.Path, "--last", "4w", "--json")).Json.GetProperty("total").GetProperty("saved_nanos").GetInt64();

        Assert.Equal(total, saved);
    }

    [Fact]
    public async Task A_prompt_that_was_written_to_the_providers_cache_and_never_read_is_a_loss()
    {
        var usage = new TokenUsage { UncachedInputTokens = 10, CacheWrite5mTokens = 1000, OutputTokens = 10, Requests = 1 };
        var call = SampleHome.Call("2026-11-20T10:00:00Z", 0.00393m, "claude-sonnet-4-20250514") with { Provider = "anthropic" };
        using var home = await SampleHome.CreateAsync(null, call with { Cost = call.Cost with { Usage = usage } });

        var lever = Lever((await CliRun.Of("savings", "--home", home.Path, "--json")).Json, "provider_prompt_cache");

        // 1,000 tokens at $3.75 instead of $3 per million.
        Assert.Equal((0, 750_000, -750_000), Figures(lever));
    }

    [Fact]
    public async Task What_a_batch_took_off_is_a_lever_of_its_own()
    {
        var call = SampleHome.Call("2026-11-20T10:00:00Z", 0.0040075m, Model) with { ServiceTier = "batch" };
        using var home = await SampleHome.CreateAsync(null, call with { Cost = call.Cost with { Usage = s_anew } });

        var lever = Lever((await CliRun.Of("savings", "--home", home.Path, "--json")).Json, "service_tiers");

        Assert.Equal((4_007_500, 0, 4_007_500), Figures(lever));
    }

    [Fact]
    public async Task A_cache_that_cost_more_than_it_saved_says_so()
    {
        var check = SampleHome.Call("2026-11-22T12:00:00Z", 0.51m);
        using var home = await SampleHome.CreateAsync(null, SampleHome.Hit("2026-11-22T12:00:00Z", 0.5m), check with { Cost = check.Cost with { Saved = Money.FromUsd(-0.51m) } });

        var run = await CliRun.Of("savings", "--home", home.Path);

        Assert.Contains("The cache cost $0.01 more than it saved.", run.Output, StringComparison.Ordinal);
        Assert.Equal(-10_000_000, (await CliRun.Of("savings", "--home", home.Path, "--json")).Json.GetProperty("saved_nanos").GetInt64());
    }

    /// <summary>Requirement C23: 48 calls for $0.0062, 58.3 % saved, 10,000 calls a month, were sold as $3,600 a year.</summary>
    [Fact]
    public async Task Ten_thousand_calls_a_month_at_what_48_calls_saved_are_nine_dollars_a_year()
    {
        var calls = Enumerable.Range(0, 46).Select(_ => SampleHome.Hit("2026-11-20T10:00:00Z", 0m));
        using var home = await SampleHome.CreateAsync(
            null, [SampleHome.Call("2026-11-20T10:00:00Z", 0.0025854m), SampleHome.Hit("2026-11-20T10:00:00Z", 0.0036146m), .. calls]);

        var run = await CliRun.Of("savings", "--home", home.Path, "--calls-per-month", "10000");

        Assert.Contains("would have cost $0.0062; they cost $0.002585. The cache saved $0.003615, 58.3 %.", run.Output, StringComparison.Ordinal);
        Assert.Contains("A year: $0.000075304 saved per call x 120,000 calls per year = $9.04.", run.Output, StringComparison.Ordinal);
        Assert.Contains("assumed: 12 x 10,000", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_year_counts_what_a_providers_report_adds_up_as_the_requests_it_names()
    {
        var bucket = SampleHome.Call("2026-11-20T00:00:00Z", 5m);
        using var home = await SampleHome.CreateAsync(
            null,
            SampleHome.Hit("2026-11-20T10:00:00Z", 0.01m),
            bucket with { Flags = "imported,aggregated", Cost = bucket.Cost with { Usage = new() { UncachedInputTokens = 1_000_000, Requests = 9_999 } } });

        var year = (await CliRun.Of("savings", "--calls-per-month", "10000", "--home", home.Path, "--json")).Json.GetProperty("year");

        Assert.Equal(("0.000001", "0.12"), (year.GetProperty("saved_per_call_usd").GetString(), year.GetProperty("saved_per_year_usd").GetString()));
    }

    [Fact]
    public async Task A_hit_of_no_known_layer_is_a_hit_as_in_every_report()
    {
        using var home = new TempHome();
        await CliRun.Of("record", "--home", home.Path, "--model", "gpt-4o", "--input", "1000", "--status", "cached", "--at", "2026-11-20T10:00:00Z");
        await CliRun.WithInput("""{"id":"b","at":"2026-11-20T11:00:00Z","model":"gpt-4o","status":"cached","input_tokens":1000,"saved_nanos":5}""", "import", "-", "--home", home.Path);

        var report = (await CliRun.Of("report", "--home", home.Path, "--json")).Json.GetProperty("total");
        var savings = (await CliRun.Of("savings", "--home", home.Path, "--json")).Json;

        Assert.Equal(report.GetProperty("hits").GetInt64(), savings.GetProperty("hits").GetInt64());
        Assert.Equal(report.GetProperty("saved_nanos").GetInt64(), savings.GetProperty("saved_nanos").GetInt64());
    }

    [Fact]
    public async Task A_year_rests_on_the_days_that_were_measured()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Hit("2026-11-12T15:30:00Z", 0.5m), SampleHome.Call("2026-11-20T10:00:00Z", 1m));

        var year = (await CliRun.Of("savings", "--home", home.Path, "--json")).Json.GetProperty("year");

        // Two calls in ten days are 73 a year, and each saved a quarter.
        Assert.Equal(("0.25", "73", "18.25"), (year.GetProperty("saved_per_call_usd").GetString(), year.GetProperty("calls_per_year").GetString(), year.GetProperty("saved_per_year_usd").GetString()));
        Assert.Equal(10, year.GetProperty("days").GetDecimal());
    }

    [Fact]
    public async Task An_hour_of_calls_is_no_year()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Hit("2026-11-22T15:00:00Z", 0.5m));

        var run = await CliRun.Of("savings", "--home", home.Path);

        Assert.Contains("A year cannot be projected from less than a day of calls", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_home_without_a_ledger_saved_nothing_and_is_no_error()
    {
        var run = await CliRun.Of("savings", "--json");

        Assert.Equal((0, 0), (run.Code, run.Json.GetProperty("saved_nanos").GetInt64()));
        Assert.Contains("no calls recorded yet", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_card_is_one_picture_without_anything_from_outside()
    {
        using var home = await Sample();
        var file = Path.Combine(home.Path, "card.svg");

        var run = await CliRun.Of("share", "--home", home.Path, "-o", file, "--title", "<script>alert('&')</script> \u001b[31m");

        Assert.Equal(0, run.Code);
        var svg = await File.ReadAllTextAsync(file);
        var card = XDocument.Parse(svg);
        Assert.DoesNotContain(card.Descendants(), element => element.Name.LocalName is not ("svg" or "rect" or "text"));
        Assert.Equal(1, svg.Split("http").Length - 1);
        Assert.Contains(card.Descendants(), element => element.Value == "<script>alert('&')</script> \\u001b[31m");
        ExpectedFile.Check(svg, "share/card.svg");
        ExpectedFile.Check(run.Output, "share/text.txt");
    }

    [Fact]
    public async Task A_title_that_no_xml_can_hold_makes_a_card_all_the_same()
    {
        using var home = await Sample();
        var file = Path.Combine(home.Path, "card.svg");

        Assert.Equal(0, (await CliRun.Of("share", "--home", home.Path, "-o", file, "--title", "a\uFFFEb\uFFFFc")).Code);

        Assert.Contains(XDocument.Load(file).Descendants(), element => element.Value == "a\uFFFDb\uFFFDc");
    }

    [Fact]
    public async Task A_number_of_calls_that_somebody_assumed_is_called_so_wherever_it_is_shown()
    {
        using var home = await Sample();
        var file = Path.Combine(home.Path, "card.svg");

        var run = await CliRun.Of("share", "--home", home.Path, "-o", file, "--calls-per-month", "10000");

        const string Year = "$364.90 a year at an assumed 10,000 calls a month";
        Assert.Contains($" That would be {Year}. ", run.Output, StringComparison.Ordinal);
        Assert.Contains($">{Year}<", await File.ReadAllTextAsync(file), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_share_of_calls_without_a_price_is_at_most_that()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1m), SampleHome.Hit("2026-11-20T11:00:00Z", 1m), SampleHome.Unpriced("2026-11-20T12:00:00Z"));

        var savings = await CliRun.Of("savings", "--home", home.Path);
        var json = (await CliRun.Of("savings", "--home", home.Path, "--json")).Json;
        var share = await CliRun.Of("share", "--home", home.Path);

        Assert.Contains("The cache saved $1.00, at most 50.0 %.", savings.Output, StringComparison.Ordinal);
        Assert.Equal((0.5m, "at_most"), (json.GetProperty("saved_share").GetDecimal(), json.GetProperty("saved_share_bound").GetString()));
        Assert.Contains("saved $1.00 of at least $2.00 (at most 50.0 %)", share.Output, StringComparison.Ordinal);
    }

    /// <summary>Nobody knew what the hit saved; a price that was added since says what the call costs, and not that the provider would have given it for nothing.</summary>
    [Fact]
    public async Task What_nobody_knew_that_a_hit_saved_stays_unknown_when_its_model_gets_a_price()
    {
        var hit = Hit("2026-11-20T10:00:00Z", 0m, CacheLayer.Disk);
        using var home = await SampleHome.CreateAsync(
            null, SampleHome.Call("2026-11-20T09:00:00Z", 1m), hit with { Cost = hit.Cost with { Reason = "Nothing is counted as saved: no price is known for 'gpt-4o-2024-08-06'" } });

        var json = (await CliRun.Of("savings", "--home", home.Path, "--json")).Json;

        Assert.Equal((0, 0, 0), Figures(Layer(json, "disk")));
        Assert.Equal(1, Layer(json, "disk").GetProperty("unknown").GetInt64());
        Assert.Equal("at_least", json.GetProperty("saved_share_bound").GetString());
    }

    [Fact]
    public async Task What_calls_would_have_cost_is_a_lower_bound_where_nobody_knows_what_a_hit_saved()
    {
        var hit = SampleHome.Hit("2026-11-20T11:00:00Z", 0m, "no-such-model");
        using var home = await SampleHome.CreateAsync(
            null,
            SampleHome.Call("2026-11-20T10:00:00Z", 1m),
            SampleHome.Hit("2026-11-20T11:00:00Z", 1m),
            hit with { Cost = hit.Cost with { Reason = "Nothing is counted as saved: no price is known for 'no-such-model'" } });

        var savings = await CliRun.Of("savings", "--home", home.Path);
        var share = await CliRun.Of("share", "--home", home.Path);

        Assert.Contains("would have cost at least $2.00; they cost $1.00. The cache saved $1.00, at least 50.0 %.", savings.Output, StringComparison.Ordinal);
        Assert.Contains("saved $1.00 of at least $2.00 (at least 50.0 %)", share.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_calls_cost_is_said_to_be_an_estimate_where_it_is()
    {
        var cut = SampleHome.Call("2026-11-20T10:00:00Z", 0.3m);
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T09:00:00Z", 1m), cut with { Cost = CallCost.Between(Money.FromUsd(0.1m), Money.FromUsd(0.3m), "the stream was cut") with { Usage = cut.Cost.Usage } });

        var run = await CliRun.Of("savings", "--home", home.Path);
        var json = (await CliRun.Of("savings", "--home", home.Path, "--json")).Json;

        Assert.Contains("Some of what they cost are estimates: between $1.10 and $1.30.", run.Lines);
        Assert.Equal((1_300_000_000, 1_100_000_000), (json.GetProperty("spent_nanos").GetInt64(), json.GetProperty("low_nanos").GetInt64()));
    }

    [Fact]
    public async Task One_day_is_one_day()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-21T11:00:00Z", 1m));

        Assert.Contains(" on 1 model call in 1 day,", (await CliRun.Of("share", "--home", home.Path)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_year_from_one_day_rests_on_one_day()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-21T15:30:00Z", 1m));

        Assert.Contains("measured on 1 day, which is little", (await CliRun.Of("savings", "--home", home.Path)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_card_names_nobody_and_no_amount_when_none_is_wanted()
    {
        using var home = await Sample();
        var file = Path.Combine(home.Path, "card.svg");

        var run = await CliRun.Of("share", "--home", home.Path, "-o", file, "--no-amounts", "--project", "atlas");

        Assert.All([run.Output, await File.ReadAllTextAsync(file)], text =>
        {
            Assert.DoesNotContain("$", text, StringComparison.Ordinal);
            Assert.DoesNotContain("atlas", text, StringComparison.Ordinal);
            Assert.DoesNotContain("alice", text, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task A_png_shows_what_the_svg_shows()
    {
        using var home = await Sample();
        var file = Path.Combine(home.Path, "card.png");

        var run = await CliRun.Of("share", "--home", home.Path, "-o", file, "--title", "Nuestra años, Ωμέγα, Привет");

        Assert.Equal((0, $"llmcost: wrote {file}\n"), (run.Code, run.Error.ReplaceLineEndings("\n")));
        var picture = ReadPicture.Of(await File.ReadAllBytesAsync(file));
        Assert.Equal((1200, 630), (picture.Width, picture.Height));
        Assert.Equal(["#0f172a", "#22c55e", "#22c55e", "#334155", "#334155"], [picture.At(1199, 629), picture.At(100, 354), picture.At(650, 354), picture.At(658, 354), picture.At(1100, 354)]);

        // Headline, title and the smaller lines: letters of their colours where they stand.
        Assert.True(picture.Count("#f8fafc", 80, 150, 1120, 245) > 5_000);
        Assert.True(picture.Count("#94a3b8", 80, 80, 1120, 115) > 200);
        Assert.True(picture.Count("#64748b", 80, 575, 1120, 600) > 100);
    }

    [Fact]
    public async Task A_png_says_when_its_title_cannot_be_drawn()
    {
        using var home = await Sample();

        var run = await CliRun.Of("share", "--home", home.Path, "-o", Path.Combine(home.Path, "card.png"), "--title", "漢字");

        Assert.Equal(0, run.Code);
        Assert.Contains("such as '漢'; in an SVG", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_picture_of_another_kind_is_refused_with_the_name_of_the_png()
    {
        using var home = await Sample();

        var run = await CliRun.Of("share", "--home", home.Path, "-o", "card.jpg");

        Assert.Equal(2, run.Code);
        Assert.Contains("-o card.png", run.Error, StringComparison.Ordinal);
    }

    private static Task<SampleHome> Sample()
    {
        var paid = SampleHome.Call("2026-11-10T10:00:00Z", 0.008015m, Model, "alice");
        var warm = SampleHome.Call("2026-11-12T10:00:00Z", 0.005615m, Model, "alice");
        var check = SampleHome.Call("2026-11-14T10:00:00Z", 0.001m, "gpt-4o-mini", "alice");
        var atlas = Attribution.None with { Project = "atlas", User = "alice" };
        return SampleHome.CreateAsync(
            null,
            paid with { Cost = paid.Cost with { Usage = s_anew }, Attribution = atlas },
            warm with { Cost = warm.Cost with { Usage = s_read }, Attribution = atlas },
            check with { Cost = CallCost.Known(Money.FromUsd(0.001m)) with { Saved = Money.FromUsd(-0.001m) } },
            Hit("2026-11-15T10:00:00Z", 0.008015m, CacheLayer.Memory) with { Attribution = atlas },
            Hit("2026-11-15T10:01:00Z", 0.005615m, CacheLayer.Disk) with { Attribution = atlas },
            Hit("2026-11-15T10:02:00Z", 0.005615m, CacheLayer.Coalesced) with { Status = CallStatus.Coalesced });
    }

    private static UsageRecord Hit(string at, decimal saved, CacheLayer layer)
    {
        var hit = SampleHome.Hit(at, saved, Model);
        return hit with { Cost = hit.Cost with { CacheLayer = layer, Usage = s_anew } };
    }

    private static System.Text.Json.JsonElement Layer(System.Text.Json.JsonElement json, string name) => Named(json.GetProperty("layers"), name);

    private static System.Text.Json.JsonElement Lever(System.Text.Json.JsonElement json, string name) => Named(json.GetProperty("levers"), name);

    private static System.Text.Json.JsonElement Named(System.Text.Json.JsonElement list, string name) => list.EnumerateArray().Single(item => item.GetProperty("name").GetString() == name);

    private static (long Gross, long Less, long Net) Figures(System.Text.Json.JsonElement lever) =>
        (lever.GetProperty("gross_nanos").GetInt64(), lever.GetProperty("less_nanos").GetInt64(), lever.GetProperty("net_nanos").GetInt64());
}
