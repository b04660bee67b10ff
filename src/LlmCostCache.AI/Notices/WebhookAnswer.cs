using System.Globalization;
using System.Net;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>What a receiver made of a notice.</summary>
/// <param name="Problem">Null when it took it; else a word about why not, never a text of the receiver.</param>
/// <param name="MayRetry">Whether it may take it another time.</param>
/// <param name="RetryAfter">How long it asked to wait; null when it did not say.</param>
internal sealed record WebhookAnswer(string? Problem, bool MayRetry = false, TimeSpan? RetryAfter = null)
{
    private const int MaxBody = 16 * 1024;

    public static WebhookAnswer Taken { get; } = new(Problem: null);

    public static async Task<WebhookAnswer> ReadAsync(WebhookForm form, HttpResponseMessage response, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        if (!response.IsSuccessStatusCode)
        {
            var header = response.Headers.RetryAfter;
            var after = header?.Delta ?? header?.Date - now;
            var mayRetry = status >= 500 || response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout;
            return new WebhookAnswer(string.Create(CultureInfo.InvariantCulture, $"HTTP {status}"), mayRetry, after < TimeSpan.Zero ? TimeSpan.Zero : after);
        }

        // These answer 200 to what they refuse and say so in the body.
        var field = form switch
        {
            WebhookForm.DingTalk or WebhookForm.WeCom => "errcode",
            WebhookForm.Feishu => "code",
            _ => null,
        };
        return field is null ? Taken : CodeOf(field, await BodyAsync(response, cancellationToken).ConfigureAwait(false));
    }

    private static WebhookAnswer CodeOf(string field, ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(field, out var value)
                && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var code))
            {
                // Which of their numbers pass with time is not documented completely; four more tries do no harm.
                return code == 0 ? Taken : new WebhookAnswer(string.Create(CultureInfo.InvariantCulture, $"{field} {code}"), MayRetry: true);
            }
        }
        catch (JsonException)
        {
        }

        return Taken;
    }

    private static async Task<ReadOnlyMemory<byte>> BodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = new byte[MaxBody];
        var length = await stream.ReadAtLeastAsync(buffer, MaxBody, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return buffer.AsMemory(0, length);
    }
}
