using System.Diagnostics;
using System.Text;

namespace LlmCostCache.AI;

/// <summary>An address that is sent notices about budgets, and the form it wants them in. Put it in <see cref="LlmCostsOptions.BudgetWebhooks"/>.</summary>
/// <remarks>
/// Notices are sent in the background, never in the path of a call, up to five times each with growing pauses or those the receiver asks for; what could not be sent
/// is logged. Redirects are not followed. When <see cref="LlmCosts"/> is disposed, what waits has five seconds. The address and the secret of a webhook are what others
/// need to write in your name: they cannot be read back and appear in no message.
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class BudgetWebhook
{
    private const string EncodedSecret = "whsec_";

    /// <summary>Makes a webhook of any form.</summary>
    /// <param name="form">The form.</param>
    /// <param name="url">The address: https, or http on this machine.</param>
    /// <param name="secret">The secret that notices are signed with; only <see cref="WebhookForm.Json"/>, <see cref="WebhookForm.DingTalk"/> and <see cref="WebhookForm.Feishu"/> have one.</param>
    /// <exception cref="ArgumentException">The address is not absolute, not https, or carries a user name; or the form has no secret.</exception>
    public BudgetWebhook(WebhookForm form, Uri url, string? secret = null)
    {
        ArgumentNullException.ThrowIfNull(url);
        if (!Enum.IsDefined(form))
        {
            throw new ArgumentOutOfRangeException(nameof(form), form, "This form is not known.");
        }

        if (!url.IsAbsoluteUri || !(url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)))
        {
            throw new ArgumentException("The address of a webhook begins with https://; http:// is allowed on this machine only.", nameof(url));
        }

        if (url.UserInfo.Length > 0)
        {
            throw new ArgumentException("The address of a webhook carries no user name or password.", nameof(url));
        }

        if (secret is not null && (string.IsNullOrWhiteSpace(secret) || form is not (WebhookForm.Json or WebhookForm.DingTalk or WebhookForm.Feishu)))
        {
            throw new ArgumentException(string.IsNullOrWhiteSpace(secret) ? "A secret is not empty; leave it out to send unsigned." : $"{form} has no signature, so no secret.", nameof(secret));
        }

        Form = form;
        Url = url;
        Secret = secret;
        if (secret is not null && form == WebhookForm.Json)
        {
            SecretBytes = Decoded(secret);
        }
    }

    private BudgetWebhook(BudgetWebhook other, bool showsKey)
        : this(other.Form, other.Url, other.Secret) => ShowsKey = showsKey;

    /// <summary>The form.</summary>
    public WebhookForm Form { get; }

    /// <summary>Where notices go, without the path and the query, which are secret.</summary>
    public string Host => Url.Host;

    /// <summary>Whether notices say whose period it is where each user or session has their own (<see cref="BudgetNotice.Key"/>).</summary>
    /// <value>False.</value>
    public bool ShowsKey { get; }

    internal Uri Url { get; }

    internal string? Secret { get; }

    internal byte[] SecretBytes { get; } = [];

    /// <summary>JSON, signed when there is a secret: <c>whsec_</c> and Base64, or any text.</summary>
    /// <inheritdoc cref="BudgetWebhook(WebhookForm, Uri, string?)"/>
    public static BudgetWebhook Json(Uri url, string? secret = null) => new(WebhookForm.Json, url, secret);

    /// <summary>An incoming webhook of Slack.</summary>
    /// <inheritdoc cref="BudgetWebhook(WebhookForm, Uri, string?)"/>
    public static BudgetWebhook Slack(Uri url) => new(WebhookForm.Slack, url);

    /// <summary>A Workflows webhook of Microsoft Teams.</summary>
    /// <inheritdoc cref="BudgetWebhook(WebhookForm, Uri, string?)"/>
    public static BudgetWebhook Teams(Uri url) => new(WebhookForm.Teams, url);

    /// <summary>A custom robot of DingTalk; the secret begins with <c>SEC</c>. If its security setting is a keyword, take <c>Budget</c>.</summary>
    /// <inheritdoc cref="BudgetWebhook(WebhookForm, Uri, string?)"/>
    public static BudgetWebhook DingTalk(Uri url, string? secret = null) => new(WebhookForm.DingTalk, url, secret);

    /// <summary>A custom bot of Feishu or Lark. If its security setting is a keyword, take <c>Budget</c>.</summary>
    /// <inheritdoc cref="BudgetWebhook(WebhookForm, Uri, string?)"/>
    public static BudgetWebhook Feishu(Uri url, string? secret = null) => new(WebhookForm.Feishu, url, secret);

    /// <summary>A group robot of WeCom.</summary>
    /// <inheritdoc cref="BudgetWebhook(WebhookForm, Uri, string?)"/>
    public static BudgetWebhook WeCom(Uri url) => new(WebhookForm.WeCom, url);

    /// <summary>Says whose period it is where each user or session has their own: everyone who reads along learns the names.</summary>
    public BudgetWebhook ShowKey() => new(this, showsKey: true);

    /// <summary>Form and host: <c>Slack at hooks.slack.com</c>.</summary>
    public override string ToString() => $"{Form} at {Host}";

    private static byte[] Decoded(string secret)
    {
        if (!secret.StartsWith(EncodedSecret, StringComparison.Ordinal))
        {
            return Encoding.UTF8.GetBytes(secret);
        }

        try
        {
            if (Convert.FromBase64String(secret[EncodedSecret.Length..]) is { Length: > 0 } bytes)
            {
                return bytes;
            }
        }
        catch (FormatException)
        {
            // Said below, without the secret.
        }

        throw new ArgumentException($"A secret that begins with {EncodedSecret} goes on in Base64.", nameof(secret));
    }
}
