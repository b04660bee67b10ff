using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LlmCostCache.AI;

/// <summary>What makes two notices one: budget, period, kind, threshold and the limit they are about.</summary>
internal static class NoticeId
{
    public static string Of(BudgetNotice notice)
    {
        var text = string.Create(CultureInfo.InvariantCulture,
            $"{notice.Budget.Id}\n{notice.Key}\n{notice.Window.UtcTicks}\n{notice.Kind}\n{notice.Threshold}\n{notice.Limit.Count}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
    }
}
