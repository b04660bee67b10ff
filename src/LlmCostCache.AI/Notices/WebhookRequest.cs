using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace LlmCostCache.AI;

/// <summary>A notice as the request that a webhook takes. Signed with the time it is sent at, so it is made anew for each try.</summary>
internal static class WebhookRequest
{
    public static HttpRequestMessage Of(BudgetWebhook webhook, BudgetNotice notice, DateTimeOffset now)
    {
        var seconds = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var body = WebhookBody.Write(webhook, notice, webhook is { Form: WebhookForm.Feishu, Secret: { } key } ? (seconds, FeishuSignature(seconds, key)) : null);
        var request = new HttpRequestMessage(HttpMethod.Post, webhook is { Form: WebhookForm.DingTalk, Secret: { } secret } ? Signed(webhook.Url, secret, now) : webhook.Url)
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json", "utf-8") } },
        };
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("LlmCostCache.AI", null));
        if (webhook.Form == WebhookForm.Json)
        {
            request.Headers.Add("webhook-id", notice.Id);
            request.Headers.Add("webhook-timestamp", seconds);
            if (webhook.Secret is not null)
            {
                byte[] signed = [.. Encoding.UTF8.GetBytes($"{notice.Id}.{seconds}."), .. body];
                request.Headers.Add("webhook-signature", $"v1,{Convert.ToBase64String(HMACSHA256.HashData(webhook.SecretBytes, signed))}");
            }
        }

        return request;
    }

    // DingTalk: the secret signs "timestamp\nsecret"; milliseconds; both go into the query.
    private static Uri Signed(Uri url, string secret, DateTimeOffset now)
    {
        var milliseconds = now.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        var signature = Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{milliseconds}\n{secret}")));
        var query = $"timestamp={milliseconds}&sign={Uri.EscapeDataString(signature)}";
        return new UriBuilder(url) { Query = url.Query.Length > 1 ? $"{url.Query[1..]}&{query}" : query }.Uri;
    }

    // Feishu: "timestamp\nsecret" is the key, and what it signs is empty.
    private static string FeishuSignature(string seconds, string secret) =>
        Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes($"{seconds}\n{secret}"), ReadOnlySpan<byte>.Empty));
}
