using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>A notice as the JSON that a webhook takes.</summary>
internal static class WebhookBody
{
    public static byte[] Write(BudgetWebhook webhook, BudgetNotice notice, (string Timestamp, string Sign)? signature)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            switch (webhook.Form)
            {
                case WebhookForm.Json:
                    WriteNotice(json, notice, webhook.ShowsKey);
                    break;
                case WebhookForm.Slack:
                    json.WriteString("text", Text(webhook, notice).Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal));
                    json.WriteBoolean("mrkdwn", false);
                    break;
                case WebhookForm.Teams:
                    WriteCard(json, Text(webhook, notice), notice);
                    break;
                case WebhookForm.Feishu:
                    if (signature is { } signed)
                    {
                        json.WriteString("timestamp", signed.Timestamp);
                        json.WriteString("sign", signed.Sign);
                    }

                    json.WriteString("msg_type", "text");
                    json.WriteStartObject("content");
                    json.WriteString("text", WithoutMentions(Text(webhook, notice)));
                    json.WriteEndObject();
                    break;
                default:
                    json.WriteString("msgtype", "text");
                    json.WriteStartObject("text");
                    json.WriteString("content", WithoutMentions(Text(webhook, notice)));
                    json.WriteEndObject();
                    break;
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    // Names come from applications and their users: whatever they hold, they stay names, in one line, and neither call people together nor become links.
    private static string Text(BudgetWebhook webhook, BudgetNotice notice) =>
        OneLine(webhook.ShowsKey && notice.Key.Length > 0 ? $"{notice.Message} ({Uri.UnescapeDataString(notice.Key)})" : notice.Message);

    private static string OneLine(string text) => string.Concat(text.EnumerateRunes().Select(rune => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => " ",

        // Marks that turn the direction of writing around could show another sentence than the one that was sent.
        UnicodeCategory.Format => "",
        _ => rune.ToString(),
    }));

    // Feishu takes <at user_id="all"> out of a text and WeCom <@someone>, DingTalk what follows an @; none of them knows a way to write these signs, so others stand for them.
    private static string WithoutMentions(string text) => text.Replace('<', '\uFF1C').Replace('>', '\uFF1E').Replace('@', '\uFF20');

    private static void WriteNotice(Utf8JsonWriter json, BudgetNotice notice, bool showsKey)
    {
        json.WriteString("schema", "budget-notice/1");
        json.WriteString("id", notice.Id);
        json.WriteString("kind", TelemetryNames.Of(notice.Kind));
        json.WriteString("budget", TelemetryNames.Of(notice.Budget));
        json.WriteString("period", TelemetryNames.Of(notice.Budget.Period));
        if (showsKey && notice.Key.Length > 0)
        {
            json.WriteString("key", notice.Key);
        }

        if (notice.Threshold is { } threshold)
        {
            json.WriteNumber("threshold", threshold);
        }

        json.WriteString("unit", BudgetText.Word(notice.Limit.Unit));
        json.WriteString("limit", Number(notice.Limit));
        json.WriteString("spent", Number(notice.Spent));
        json.WriteString("reserved", Number(notice.Reserved));
        json.WriteString("remaining", Number(notice.Remaining));
        json.WriteNumber("utilization", decimal.Round(notice.Utilization, 4));
        if (notice.Projected is { } projected)
        {
            json.WriteString("projected", Number(projected));
        }

        if (notice.StartsAt is { } startsAt)
        {
            json.WriteString("starts_at", startsAt);
        }

        if (notice.ResetsAt is { } resetsAt)
        {
            json.WriteString("resets_at", resetsAt);
        }

        json.WriteString("at", notice.At);
        json.WriteString("message", notice.Message);
    }

    private static void WriteCard(Utf8JsonWriter json, string text, BudgetNotice notice)
    {
        json.WriteString("type", "message");
        json.WriteStartArray("attachments");
        json.WriteStartObject();
        json.WriteString("contentType", "application/vnd.microsoft.card.adaptive");
        json.WriteStartObject("content");
        json.WriteString("$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
        json.WriteString("type", "AdaptiveCard");
        json.WriteString("version", "1.2");
        json.WriteStartArray("body");
        json.WriteStartObject();
        // A text block would read Markdown, links included; a run of text is shown as it is.
        json.WriteString("type", "RichTextBlock");
        json.WriteStartArray("inlines");
        json.WriteStartObject();
        json.WriteString("type", "TextRun");
        json.WriteString("text", text);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteStartObject();
        json.WriteString("type", "FactSet");
        json.WriteStartArray("facts");
        WriteFact(json, "Limit", notice.Limit);
        WriteFact(json, "Spent", notice.Spent);
        WriteFact(json, "Reserved", notice.Reserved);
        WriteFact(json, "Remaining", notice.Remaining);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteFact(Utf8JsonWriter json, string title, BudgetAmount value)
    {
        json.WriteStartObject();
        json.WriteString("title", title);
        json.WriteString("value", value.ToString());
        json.WriteEndObject();
    }

    // A text, because readers of JSON make binary fractions of numbers.
    private static string Number(BudgetAmount amount) =>
        amount.Unit == BudgetUnit.Usd ? amount.Usd.ToString("0.#########", CultureInfo.InvariantCulture) : amount.Count.ToString(CultureInfo.InvariantCulture);
}
