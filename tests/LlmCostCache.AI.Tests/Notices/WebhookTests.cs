using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

[Trait("Pace", "Machine")]
public sealed class WebhookTests : IDisposable
{
    private const string Token = "a-secret-token";

    // Real time, which a busy machine may run out of; tests of a limit set it.
    private static readonly WebhookPace s_pace = new() { Pause = TimeSpan.FromMilliseconds(10), Timeout = TimeSpan.FromMinutes(1), Farewell = TimeSpan.FromMinutes(1) };
    private static readonly BudgetNotice s_notice = new()
    {
        Kind = BudgetNoticeKind.Threshold,
        Budget = Budget.Daily(10m).ForEachUser(),
        Key = "user=alice%20w",
        Threshold = 0.8m,
        Limit = Money.FromUsd(10m),
        Spent = Money.FromUsd(8.25m),
        Reserved = Money.FromUsd(0.5m),
        StartsAt = new(2026, 8, 22, 0, 0, 0, TimeSpan.Zero),
        ResetsAt = new(2026, 8, 23, 0, 0, 0, TimeSpan.Zero),
        At = new(2026, 8, 22, 12, 0, 0, TimeSpan.Zero),
    };

    private readonly FakeLoggerProvider _logs = new();

    [Fact]
    public async Task Json_says_everything_in_numbers_and_no_user()
    {
        var request = await SentAsync(url => BudgetWebhook.Json(url));
        var json = request.Json;
        Assert.Equal(("budget-notice/1", "threshold", "day user=*", "day"), (Text("schema"), Text("kind"), Text("budget"), Text("period")));
        Assert.Equal((0.8m, 0.825m), (json.GetProperty("threshold").GetDecimal(), json.GetProperty("utilization").GetDecimal()));
        Assert.Equal(("usd", "10", "8.25", "0.5", "1.75"), (Text("unit"), Text("limit"), Text("spent"), Text("reserved"), Text("remaining")));
        Assert.Equal("2026-08-23T00:00:00+00:00", Text("resets_at"));
        Assert.Equal(s_notice.Message, Text("message"));
        Assert.Equal(s_notice.Id, request.Headers["webhook-id"]);
        Assert.DoesNotContain("webhook-signature", request.Headers.Keys);
        Assert.DoesNotContain("alice", request.Body, StringComparison.Ordinal);

        string? Text(string name) => json.GetProperty(name).GetString();
    }

    [Fact]
    public async Task Whose_period_it_is_is_said_when_the_webhook_asks_for_it()
    {
        Assert.Equal("user=alice%20w", (await SentAsync(url => BudgetWebhook.Json(url).ShowKey())).Json.GetProperty("key").GetString());
        Assert.EndsWith("(user=alice w)", (await SentAsync(url => BudgetWebhook.Slack(url).ShowKey())).Json.GetProperty("text").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    [InlineData("any text")]
    public async Task Json_is_signed_as_Standard_Webhooks_are(string secret)
    {
        var request = await SentAsync(url => BudgetWebhook.Json(url, secret));
        var key = secret.StartsWith("whsec_", StringComparison.Ordinal) ? Convert.FromBase64String(secret[6..]) : Encoding.UTF8.GetBytes(secret);
        var signed = $"{request.Headers["webhook-id"]}.{request.Headers["webhook-timestamp"]}.{request.Body}";
        Assert.Equal("v1," + Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(signed))), request.Headers["webhook-signature"]);
    }

    [Fact]
    public async Task Slack_gets_a_text_that_cannot_be_taken_for_a_command()
    {
        var notice = s_notice with { Budget = Budget.Daily(1m).Named("<!channel> & co") };
        var text = (await SentAsync(BudgetWebhook.Slack, notice)).Json.GetProperty("text").GetString()!;
        Assert.StartsWith("Budget '&lt;!channel&gt; &amp; co' has reached 80%", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_name_becomes_a_link_or_calls_people_together()
    {
        var notice = s_notice with { Budget = Budget.Daily(1m).Named("<at user_id=\"all\">x</at> [a](https://evil.example) @13800000000\r\n\u202Enext line"), Key = "user=%3C%40all%3E%0A" };

        var teams = (await SentAsync(url => BudgetWebhook.Teams(url).ShowKey(), notice)).Json.GetProperty("attachments")[0].GetProperty("content").GetProperty("body")[0];
        Assert.Equal("RichTextBlock", teams.GetProperty("type").GetString());
        Assert.StartsWith("Budget '<at user_id=\"all\">x</at> [a](https://evil.example) @13800000000  next line' has reached", teams.GetProperty("inlines")[0].GetProperty("text").GetString(), StringComparison.Ordinal);

        var feishu = (await SentAsync(url => BudgetWebhook.Feishu(url).ShowKey(), notice, ScriptedReply.Json("""{"code":0}"""))).Json.GetProperty("content").GetProperty("text").GetString()!;
        var dingTalk = (await SentAsync(url => BudgetWebhook.DingTalk(url).ShowKey(), notice, ScriptedReply.Json("""{"errcode":0}"""))).Json.GetProperty("text").GetProperty("content").GetString()!;
        var weCom = (await SentAsync(url => BudgetWebhook.WeCom(url).ShowKey(), notice, ScriptedReply.Json("""{"errcode":0}"""))).Json.GetProperty("text").GetProperty("content").GetString()!;
        Assert.All([feishu, dingTalk, weCom], text =>
        {
            Assert.DoesNotContain(text, sign => sign is '<' or '>' or '@' or '\n' or '\r' or '\u202E');
            Assert.Contains("[a](https://evil.example) \uFF2013800000000  next line", text, StringComparison.Ordinal);
            Assert.EndsWith("(user=\uFF1C\uFF20all\uFF1E )", text, StringComparison.Ordinal);
        });
        Assert.False((await SentAsync(BudgetWebhook.Slack, notice)).Json.GetProperty("mrkdwn").GetBoolean());
    }

    [Fact]
    public async Task Teams_gets_an_adaptive_card()
    {
        var json = (await SentAsync(BudgetWebhook.Teams)).Json;
        var attachment = json.GetProperty("attachments")[0];
        Assert.Equal(("message", "application/vnd.microsoft.card.adaptive"), (json.GetProperty("type").GetString(), attachment.GetProperty("contentType").GetString()));
        var body = attachment.GetProperty("content").GetProperty("body");
        Assert.Equal(s_notice.Message, body[0].GetProperty("inlines")[0].GetProperty("text").GetString());
        Assert.Equal("$8.25", body[1].GetProperty("facts")[1].GetProperty("value").GetString());
    }

    [Fact]
    public async Task DingTalk_gets_a_text_and_its_signature_beside_the_token_in_the_query()
    {
        var request = await SentAsync(url => BudgetWebhook.DingTalk(new Uri($"{url}?access_token={Token}"), "SECabc"), reply: ScriptedReply.Json("""{"errcode":0,"errmsg":"ok"}"""));
        Assert.Equal(s_notice.Message, request.Json.GetProperty("text").GetProperty("content").GetString());
        var query = request.Query[1..].Split('&').Select(part => part.Split('=', 2)).ToDictionary(part => part[0], part => Uri.UnescapeDataString(part[1]));
        Assert.Equal(Token, query["access_token"]);
        Assert.Equal(13, query["timestamp"].Length);
        var expected = HMACSHA256.HashData("SECabc"u8, Encoding.UTF8.GetBytes($"{query["timestamp"]}\nSECabc"));
        Assert.Equal(Convert.ToBase64String(expected), query["sign"]);
    }

    [Fact]
    public async Task Feishu_gets_a_text_and_its_signature_in_the_body()
    {
        var json = (await SentAsync(url => BudgetWebhook.Feishu(url, "hush"), reply: ScriptedReply.Json("""{"code":0,"msg":"success"}"""))).Json;
        Assert.Equal(("text", s_notice.Message), (json.GetProperty("msg_type").GetString(), json.GetProperty("content").GetProperty("text").GetString()));
        var timestamp = json.GetProperty("timestamp").GetString()!;
        Assert.Equal(10, timestamp.Length);
        Assert.Equal(Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes($"{timestamp}\nhush"), ReadOnlySpan<byte>.Empty)), json.GetProperty("sign").GetString());
    }

    [Fact]
    public async Task WeCom_gets_a_text()
    {
        var json = (await SentAsync(BudgetWebhook.WeCom, reply: ScriptedReply.Json("""{"errcode":0}"""))).Json;
        Assert.Equal(("text", s_notice.Message), (json.GetProperty("msgtype").GetString(), json.GetProperty("text").GetProperty("content").GetString()));
    }

    [Fact]
    public async Task A_receiver_that_fails_is_tried_again_until_it_takes_the_notice()
    {
        var attempts = await AttemptsAsync(WebhookForm.Json, number => number < 4 ? ScriptedReply.Error(HttpStatusCode.InternalServerError) : ScriptedReply.Json("{}"));
        Assert.Equal(4, attempts);
        Assert.DoesNotContain(Logged(), log => log.Level == LogLevel.Error);
    }

    [Fact]
    public async Task A_receiver_that_goes_on_failing_is_given_up_after_five_tries_and_the_log_says_so_without_the_address()
    {
        Assert.Equal(5, await AttemptsAsync(WebhookForm.Json, _ => ScriptedReply.Error(HttpStatusCode.BadGateway)));
        var error = Assert.Single(Logged(), log => log.Level == LogLevel.Error);
        Assert.Contains("Json at 127.0.0.1 (HTTP 502)", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Logged(), log => log.Message.Contains(Token, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_receiver_refuses_for_good_is_not_tried_again()
    {
        Assert.Equal(1, await AttemptsAsync(WebhookForm.Slack, _ => ScriptedReply.Error(HttpStatusCode.NotFound)));
        Assert.Contains(Logged(), log => log.Id.Id == 72 && log.Message.Contains("HTTP 404", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Retry_After_is_obeyed()
    {
        var clock = new FakeTimeProvider();
        var began = clock.GetUtcNow();
        var busy = ScriptedReply.Error(HttpStatusCode.TooManyRequests) with { Headers = new Dictionary<string, string> { ["Retry-After"] = "60" } };
        await using var endpoint = await ScriptedEndpoint.StartAsync(busy, ScriptedReply.Json("{}"));
        await using var sender = new WebhookSender(BudgetWebhook.Json(endpoint.Address), s_pace with { Clock = clock }, _logs.CreateLogger("test"));
        sender.Send(s_notice);
        await endpoint.ReceivedAsync(1);
        var second = endpoint.ReceivedAsync(1);
        while (!second.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(second, Task.Delay(1));
        }

        Assert.True(clock.GetUtcNow() - began >= TimeSpan.FromSeconds(60), "the second try came before the receiver wanted it");
    }

    [Fact]
    public async Task A_receiver_that_wants_to_be_left_alone_for_hours_is()
    {
        var busy = ScriptedReply.Error(HttpStatusCode.TooManyRequests) with { Headers = new Dictionary<string, string> { ["Retry-After"] = "7200" } };
        Assert.Equal(1, await AttemptsAsync(WebhookForm.Json, _ => busy));
        Assert.Contains(Logged(), log => log.Id.Id == 72);
    }

    [Theory]
    [InlineData(WebhookForm.DingTalk, """{"errcode":310000,"errmsg":"sign not match"}""", "errcode 310000")]
    [InlineData(WebhookForm.WeCom, """{"errcode":45009,"errmsg":"api freq out of limit"}""", "errcode 45009")]
    [InlineData(WebhookForm.Feishu, """{"code":19021,"msg":"sign match fail"}""", "code 19021")]
    public async Task A_refusal_that_comes_as_a_success_is_a_refusal(WebhookForm form, string body, string problem)
    {
        Assert.Equal(5, await AttemptsAsync(form, _ => ScriptedReply.Json(body)));
        Assert.Contains(Logged(), log => log.Id.Id == 72 && log.Message.Contains(problem, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(WebhookForm.WeCom, """{"errcode":"0"}""")]
    [InlineData(WebhookForm.Feishu, """{"code":null}""")]
    [InlineData(WebhookForm.DingTalk, "thank you")]
    public async Task A_success_in_other_words_is_a_success(WebhookForm form, string body)
    {
        Assert.Equal(1, await AttemptsAsync(form, _ => ScriptedReply.Json(body)));
        Assert.DoesNotContain(Logged(), log => log.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var elsewhere = await ScriptedEndpoint.StartAsync(ScriptedReply.Json("{}"));
        var moved = ScriptedReply.Json("moved", HttpStatusCode.TemporaryRedirect) with { Headers = new Dictionary<string, string> { ["Location"] = elsewhere.Address.ToString() } };
        Assert.Equal(1, await AttemptsAsync(WebhookForm.Json, _ => moved));
        Assert.Empty(elsewhere.Requests);
        Assert.Contains(Logged(), log => log.Id.Id == 72 && log.Message.Contains("HTTP 307", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_notice_leaves_no_trace_that_would_show_the_address_and_tells_nobody_the_trace_of_the_application()
    {
        using var spans = new SpanRecorder("System.Net.Http", "test");
        using var source = new ActivitySource("test");
        using (source.StartActivity("the application"))
        {
            var request = await SentAsync(url => BudgetWebhook.Slack(new Uri(url, Token)));
            Assert.DoesNotContain("traceparent", request.Headers.Keys, StringComparer.OrdinalIgnoreCase);
        }

        Assert.DoesNotContain(spans.Stopped, span => span.TagObjects.Any(tag => $"{tag.Value}".Contains(Token, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_connection_that_is_cut_is_tried_again() =>
        Assert.Equal(2, await AttemptsAsync(WebhookForm.Json, number => number == 1 ? ScriptedReply.Cut : ScriptedReply.Json("{}")));

    [Fact]
    public async Task A_receiver_that_hangs_is_tried_again_and_holds_up_neither_calls_nor_other_receivers()
    {
        await using var hanging = await ScriptedEndpoint.StartAsync((_, number) => number == 1 ? ScriptedReply.Silence : ScriptedReply.Json("{}"));
        await using var quick = await ScriptedEndpoint.StartAsync(ScriptedReply.Json("{}"));
        await using (var pipeline = Open(o =>
        {
            o.BudgetWebhooks.Add(BudgetWebhook.Json(hanging.Address));
            o.BudgetWebhooks.Add(BudgetWebhook.Json(quick.Address));
            o.WebhookPace = s_pace with { Timeout = TimeSpan.FromSeconds(3) };
        }))
        {
            await pipeline.Client.GetResponseAsync("Hello");
            await quick.ReceivedAsync(1);
            await hanging.ReceivedAsync(2);
        }

        // Two, unless the machine was so busy that an answer did not come in time either.
        Assert.InRange(hanging.Requests.Count, 2, 5);
    }

    [Fact]
    public async Task What_waits_at_the_end_is_sent_before_the_end()
    {
        await using var endpoint = await ScriptedEndpoint.StartAsync(ScriptedReply.Json("{}"));
        await using (var pipeline = Open(o => o.BudgetWebhooks.Add(BudgetWebhook.Json(endpoint.Address)), 0.1m, 0.2m, 0.3m))
        {
            await pipeline.Client.GetResponseAsync("Hello");
        }

        Assert.Equal([0.1m, 0.2m, 0.3m], endpoint.Requests.Select(request => request.Json.GetProperty("threshold").GetDecimal()));
    }

    [Fact]
    public async Task A_receiver_that_hangs_at_the_end_is_left_after_a_while_and_the_log_says_what_was_lost()
    {
        await using var hanging = await ScriptedEndpoint.StartAsync(ScriptedReply.Silence);
        await using (var pipeline = Open(o =>
        {
            o.BudgetWebhooks.Add(BudgetWebhook.Json(hanging.Address));
            o.WebhookPace = s_pace with { Timeout = TimeSpan.FromMinutes(1), Farewell = TimeSpan.FromMilliseconds(200) };
        }, 0.1m, 0.2m))
        {
            await pipeline.Client.GetResponseAsync("Hello");
        }

        Assert.Contains(Logged(), log => log.Id.Id == 74 && log.Message.StartsWith("2 notices for Json at 127.0.0.1", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http://example.com/hook")]
    [InlineData("ftp://example.com/hook")]
    [InlineData("https://user:password@example.com/hook")]
    [InlineData("/hook")]
    public void Only_an_https_address_is_taken(string url)
    {
        var refusal = Assert.Throws<ArgumentException>(() => BudgetWebhook.Slack(new Uri(url, UriKind.RelativeOrAbsolute)));
        Assert.DoesNotContain("example", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Neither_address_nor_secret_can_be_read_back()
    {
        var webhook = BudgetWebhook.DingTalk(new Uri($"https://oapi.dingtalk.com/robot/send?access_token={Token}"), "SECabc");
        Assert.Equal("DingTalk at oapi.dingtalk.com", webhook.ToString());
        Assert.DoesNotContain(typeof(BudgetWebhook).GetProperties().Select(property => property.GetValue(webhook)?.ToString()), value => value is not null && (value.Contains(Token, StringComparison.Ordinal) || value.Contains("SECabc", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_secret_for_a_form_without_signature_is_refused() =>
        Assert.Throws<ArgumentException>(() => new BudgetWebhook(WebhookForm.Slack, new Uri("https://hooks.slack.com/services/x"), "secret"));

    [Fact]
    public void A_secret_of_no_bytes_is_refused_because_everybody_could_sign_with_it() =>
        Assert.Throws<ArgumentException>(() => BudgetWebhook.Json(new Uri("https://example.com/hook"), "whsec_"));

    [Fact]
    public void Webhooks_come_from_configuration_and_a_bad_one_does_not_show_its_address()
    {
        var options = Options(("Form", "dingtalk"), ("Url", $"https://oapi.dingtalk.com/robot/send?access_token={Token}"), ("Secret", "SECabc"), ("ShowKey", "true"));
        var webhook = Assert.Single(options.BudgetWebhooks);
        Assert.Equal((WebhookForm.DingTalk, "oapi.dingtalk.com", "SECabc", true), (webhook.Form, webhook.Host, webhook.Secret, webhook.ShowsKey));

        foreach (var bad in ((string, string)[][])[[("Url", $"http://example.com/{Token}")], [("Url", $"not {Token}")], [("Form", "Slack")], [("Url", $"https://example.com/{Token}"), ("Urll", "x")]])
        {
            var refusal = Assert.Throws<OptionsValidationException>(() => Options(bad));
            Assert.Contains("BudgetWebhooks:0", refusal.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(Token, refusal.Message, StringComparison.Ordinal);
        }

        static LlmCostsOptions Options(params (string Key, string Value)[] entries)
        {
            var configuration = new ConfigurationBuilder().AddInMemoryCollection(entries.Select(entry => KeyValuePair.Create($"Costs:BudgetWebhooks:0:{entry.Key}", (string?)entry.Value))).Build();
            var services = new ServiceCollection();
            services.AddLlmCostCache(configuration.GetSection("Costs"));
            using var provider = services.BuildServiceProvider();
            return provider.GetRequiredService<IOptions<LlmCostsOptions>>().Value;
        }
    }

    public void Dispose() => _logs.Dispose();

    private async Task<ScriptedRequest> SentAsync(Func<Uri, BudgetWebhook> webhook, BudgetNotice? notice = null, ScriptedReply? reply = null)
    {
        await using var endpoint = await ScriptedEndpoint.StartAsync(reply ?? ScriptedReply.Json("ok"));
        await using (var sender = new WebhookSender(webhook(new Uri(endpoint.Address, "hook")), s_pace, _logs.CreateLogger("test")))
        {
            sender.Send(notice ?? s_notice);
        }

        Assert.DoesNotContain(Logged(), log => log.Level >= LogLevel.Warning);
        var request = Assert.Single(endpoint.Requests);
        Assert.Equal("application/json; charset=utf-8", request.Headers["Content-Type"]);
        return request;
    }

    private async Task<int> AttemptsAsync(WebhookForm form, Func<int, ScriptedReply> script)
    {
        await using var endpoint = await ScriptedEndpoint.StartAsync((_, number) => script(number));
        await using (var sender = new WebhookSender(new BudgetWebhook(form, new Uri(endpoint.Address, Token)), s_pace, _logs.CreateLogger("test")))
        {
            sender.Send(s_notice);
        }

        return endpoint.Requests.Count;
    }

    private Pipeline Open(Action<LlmCostsOptions> configure, params decimal[] thresholds)
    {
        var factory = LoggerFactory.Create(builder => builder.AddProvider(_logs));
        return new Pipeline(o =>
        {
            o.Budgets.Add(Budget.Daily(0.001m).Warn().NotifyAt(thresholds is [] ? [0.1m] : thresholds));
            o.WebhookPace = s_pace;
            o.LoggerFactory = factory;
            configure(o);
        });
    }

    private IReadOnlyList<FakeLogRecord> Logged() => _logs.Collector.GetSnapshot();
}
