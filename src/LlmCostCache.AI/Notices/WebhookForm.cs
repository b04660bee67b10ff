namespace LlmCostCache.AI;

/// <summary>How a notice is written for a webhook.</summary>
public enum WebhookForm
{
    /// <summary>A JSON object with schema <c>budget-notice/1</c>; with a secret, signed as Standard Webhooks (standardwebhooks.com) describes.</summary>
    Json,

    /// <summary>A message for an incoming webhook of Slack.</summary>
    Slack,

    /// <summary>An adaptive card for a Workflows webhook of Microsoft Teams.</summary>
    Teams,

    /// <summary>A text for a custom robot of DingTalk; with a secret, signed as its security setting demands.</summary>
    DingTalk,

    /// <summary>A text for a custom bot of Feishu or Lark; with a secret, signed as its security setting demands.</summary>
    Feishu,

    /// <summary>A text for a group robot of WeCom (WeChat Work).</summary>
    WeCom,
}
