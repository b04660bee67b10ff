using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>Requests of given sizes: prose with quotes and line breaks, at 4.2 characters a token.</summary>
internal static class Payload
{
    private static readonly string[] s_words =
    [
        "the", "invoice", "for", "March", "is", "late", "because", "a", "customer", "in", "Zürich", "changed", "its", "\"billing address\"", "twice", "and", "nobody",
        "noticed;", "please", "summarise", "what", "happened", "(with dates)", "if", "order.total", ">", "42", "then", "refund", "it", "at", "once.\n",
    ];

    private static readonly string[] s_chinese = ["发票", "三月", "迟到了，", "因为", "客户", "在苏黎世", "更改了", "地址", "两次。", "请", "总结", "发生了", "什么", "（带日期）", "如果", "金额", "大于", "四十二", "就", "退款。\n"];

    private static readonly JsonElement s_schema = JsonElement.Parse("""
        {"type":"object","properties":{"orderId":{"type":"string","description":"The number of the order as printed on the invoice."},"includeItems":{"type":"boolean",
        "description":"Whether the lines of the order are wanted as well."},"from":{"type":"string","format":"date"},"to":{"type":"string","format":"date"},
        "page":{"type":"integer","minimum":1,"maximum":1000,"default":1}},"required":["orderId"],"additionalProperties":false}
        """);

    private static readonly AITool[] s_tools =
    [
        .. Enumerable.Range(1, 8).Select(i => AIFunctionFactory.CreateDeclaration(
            string.Create(CultureInfo.InvariantCulture, $"look_up_{i}"), "Looks something up in the order system and returns it as JSON; ask for one order at a time.", s_schema)),
    ];

    /// <summary>A request whose every string is its own object; only the tools are shared, as an application does.</summary>
    public static (List<ChatMessage> Messages, ChatOptions Options) Request(int tokens, bool tools)
    {
        var count = tokens switch { <= 100 => 2, <= 2_000 => 6, <= 30_000 => 20, _ => 3 };
        var characters = tokens * 42 / 10 / count;
        var messages = new List<ChatMessage>(count);
        for (var i = 0; i < count; i++)
        {
            var role = i == 0 ? ChatRole.System : i % 2 == 1 ? ChatRole.User : ChatRole.Assistant;
            messages.Add(new ChatMessage(role, Text(characters, seed: i)));
        }

        var options = new ChatOptions { ModelId = new string("gpt-4o-mini".AsSpan()), Temperature = 0.2f };
        if (tools)
        {
            options.Tools = [.. s_tools];
            options.ResponseFormat = ChatResponseFormat.ForJsonSchema(s_schema, "answer");
        }

        return (messages, options);
    }

    /// <summary>Six messages in Chinese, at 1.5 characters a token.</summary>
    public static (List<ChatMessage> Messages, ChatOptions Options) ChineseRequest(int tokens)
    {
        var messages = new List<ChatMessage>(6);
        for (var i = 0; i < 6; i++)
        {
            var role = i == 0 ? ChatRole.System : i % 2 == 1 ? ChatRole.User : ChatRole.Assistant;
            messages.Add(new ChatMessage(role, Text(tokens * 3 / 2 / 6, seed: i, s_chinese, separator: "")));
        }

        return (messages, new ChatOptions { ModelId = new string("gpt-4o-mini".AsSpan()), Temperature = 0.2f });
    }

    public static string Text(int characters, int seed) => Text(characters, seed, s_words, separator: " ");

    private static string Text(int characters, int seed, string[] words, string separator)
    {
        var text = new StringBuilder(characters + 20);
        var state = (uint)(seed * 2_654_435_761u) + 12_345u;
        while (text.Length < characters)
        {
            state = (state * 1_664_525u) + 1_013_904_223u;
            text.Append(words[(state >> 16) % words.Length]).Append(separator);
        }

        return text.ToString(0, characters);
    }
}
