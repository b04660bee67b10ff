using CsCheck;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Two questions have the same key exactly when they are the same question, over generated pairs that differ as little as possible.</summary>
public class CanonicalFormTests
{
    // Few and nasty, so that pairs collide in every way that concatenation, normalisation and replacement would allow.
    private static readonly Gen<string> s_text = Any(
        "", "a", "b", "ab", "\0", "a\0", "\0a", "\r\n", "\n", "\r", "\ud800", "\udc00", "\ud800\udc00", "\ufffd", "é", "e\u0301", " ", "a ", "1", "-0", "0", "A", "user");

    private static readonly Gen<object?> s_value = Gen.OneOf(
        s_text.Select(t => (object?)t),
        Any<object?>(null, true, false, 0, 1, 0L, 0.0, -0.0, 0f, 1m, 1.0m, new byte[] { 0 }),
        Any("0", "1.0", "1", "\"a\"", "null", "{}", "[]").Select(json => (object?)System.Text.Json.JsonElement.Parse(json)),
        s_text.Array[0, 3].Select(list => (object?)list));

    private static readonly Gen<Part> s_part =
        Gen.Select(Gen.Int[0, 4], s_text, s_text, Any("1", "2", "3"), (kind, text, detail, id) => new Part(kind, text, detail, id));

    private static readonly Gen<Turn> s_turn = Gen.Select(Any("user", "assistant", "tool"), s_part.Array[0, 3], Gen.OneOf(Gen.Const((string?)null), s_text.Select(t => (string?)t)),
        (role, parts, author) => new Turn(role, parts, author));

    private static readonly Gen<Question> s_question = Gen.Select(s_turn.Array[0, 3], s_text.Array[0, 2], s_text.Array[0, 2],
        Gen.Select(Any("p", "q", "P"), s_value).Array[0, 3], Any<float?>(null, 0f, -0f, 1f), s_text, s_text,
        (turns, stops, tools, properties, temperature, ns, tenant) => new Question(turns, stops, tools, properties, temperature, ns, tenant));

    private static Gen<T> Any<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    [Fact]
    public void Equal_keys_mean_equal_questions_and_equal_questions_have_equal_keys()
    {
        Gen.Select(s_question, s_question, Gen.Int[0, 7]).Sample((left, other, what) =>
        {
            var right = Changed(left, other, what);
            return left.Key().Equals(right.Key()) == (left.Meaning() == right.Meaning());
        }, iter: TestSize.Cases, print: t => $"{t.Item1.Meaning()}\n{t.Item2.Meaning()}\n{t.Item3}");
    }

    [Fact]
    public void Equal_outlines_mean_equal_keys_and_equal_keys_have_equal_outlines()
    {
        Gen.Select(s_question, s_question, Gen.Int[0, 7]).Sample((left, other, what) =>
        {
            var right = Changed(left, other, what);
            return left.Key().Equals(right.Key()) == left.Outline().SequenceEqual(right.Outline());
        }, iter: TestSize.Cases, print: t => $"{t.Item1.Meaning()}\n{t.Item2.Meaning()}\n{t.Item3}");
    }

    [Fact]
    public void A_key_does_not_depend_on_what_was_keyed_before()
    {
        s_question.Sample(question =>
        {
            var first = question.Key();
            CacheFixture.Ask(new string('x', 20_000));
            return first.Equals(question.Key());
        }, iter: TestSize.Cases / 10);
    }

    // Mostly the same question with one part exchanged; two random ones would hardly ever be alike.
    private static Question Changed(Question left, Question other, int what) => what switch
    {
        0 => left,
        1 => left with { Turns = other.Turns },
        2 => left with { Stops = other.Stops },
        3 => left with { Tools = other.Tools },
        4 => left with { Properties = [.. left.Properties.Reverse()] },
        5 => left with { Temperature = other.Temperature },
        6 => left with { Namespace = other.Tenant, Tenant = other.Namespace },
        _ => Shift(left),
    };

    // Moves the boundary between the first two turns, or the first two parts.
    private static Question Shift(Question question)
    {
        if (question.Turns is not [{ Parts: [.., var last] parts } first, var second, ..])
            return question;

        Turn[] shifted = [first with { Parts = parts[..^1] }, second with { Parts = [last, .. second.Parts] }, .. question.Turns[2..]];
        return question with { Turns = shifted };
    }

    private sealed record Part(int Kind, string Text, string Detail, string Id)
    {
        public AIContent Content => Kind switch
        {
            0 => new TextContent(Text),
            1 => new TextReasoningContent(Text) { ProtectedData = Detail },
            2 => new FunctionCallContent(Id, "f" + Text, new Dictionary<string, object?> { [Detail] = Text }),
            3 => new FunctionResultContent(Id, Text),
            _ => new DataContent(System.Text.Encoding.Unicode.GetBytes(Text), "image/png") { Name = Detail },
        };

        public string Meaning(List<string> ids)
        {
            if (!ids.Contains(Id) && Kind is 2 or 3)
            {
                if (!ids.Contains(Id))
                    ids.Add(Id);
            }

            var id = ids.IndexOf(Id);
            return Kind switch
            {
                0 => $"text {Quote(Text)}",
                1 => $"reasoning {Quote(Text)} {Quote(Detail)}",
                2 => $"call {id} {Quote(Text)} {Quote(Detail)}",
                3 => $"result {id} {Quote(Text)}",
                _ => $"data {Quote(Text)} {Quote(Detail)}",
            };
        }
    }

    private sealed record Turn(string Role, Part[] Parts, string? Author);

    private sealed record Question(Turn[] Turns, string[] Stops, string[] Tools, (string, object?)[] Properties, float? Temperature, string Namespace,
        string Tenant)
    {
        public CacheKey Key()
        {
            var (messages, options) = Build();
            Assert.True(QuestionKeys.TryKey(messages, options, CacheFixture.Endpoint, Namespace, null, Tenant, "m", false, out var key, out var whyNot), whyNot);
            return key;
        }

        public IReadOnlyList<RequestPart> Outline()
        {
            var (messages, options) = Build();
            return RequestOutline.Of(messages, options, new(CacheFixture.Endpoint, Namespace, null, Tenant, "m"), false, out _)!.Parts;
        }

        private (List<ChatMessage> Messages, ChatOptions Options) Build()
        {
            var messages = Turns.Select(t => new ChatMessage(new ChatRole(t.Role), [.. t.Parts.Select(p => p.Content)])
            {
                AuthorName = t.Author,
                MessageId = Guid.NewGuid().ToString(),
            }).ToList();
            var options = new ChatOptions
            {
                StopSequences = [.. Stops],
                Tools = [.. Tools.Select(t => AIFunctionFactory.CreateDeclaration("t" + t, t, System.Text.Json.JsonElement.Parse("{}")))],
                Temperature = Temperature,
                AdditionalProperties = [],
            };
            foreach (var (name, value) in Effective())
                options.AdditionalProperties[name] = value;

            return (messages, options);
        }

        public string Meaning()
        {
            // ChatMessage itself turns a blank author into none.
            var ids = new List<string>();
            var turns = Turns.Select(t => $"{t.Role} by {(string.IsNullOrWhiteSpace(t.Author) ? "nobody" : Quote(t.Author))}: {string.Join(", ", t.Parts.Select(p => p.Meaning(ids)).ToList())}").ToList();
            var properties = Effective().OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key} {Describe(p.Value)}");
            return $"[{string.Join("; ", turns)}] stops [{string.Join(", ", Stops.Select(Quote))}] tools [{string.Join(", ", Tools.Select(Quote))}] "
                + $"with [{string.Join(", ", properties)}] at {(Temperature is { } t ? BitConverter.SingleToInt32Bits(t) : "none")} "
                + $"in {Quote(Namespace)} for {Quote(Tenant)}";
        }

        // The dictionary of M.E.AI ignores case and keeps the first spelling of a name.
        private AdditionalPropertiesDictionary Effective()
        {
            var effective = new AdditionalPropertiesDictionary();
            foreach (var (name, value) in Properties.DistinctBy(p => p.Item1.ToUpperInvariant()))
                effective[name] = value;

            return effective;
        }

        private static string Describe(object? value) => value switch
        {
            null => "nothing",
            string text => Quote(text),
            string[] list => $"[{string.Join(", ", list.Select(Quote))}]",
            byte[] bytes => $"bytes {Convert.ToHexString(bytes)}",
            double number => $"double {BitConverter.DoubleToInt64Bits(number)}",
            System.Text.Json.JsonElement json => $"json {json.GetRawText()}",
            var other => $"{other.GetType().Name} {Convert.ToString(other, System.Globalization.CultureInfo.InvariantCulture)}",
        };
    }

    // Unambiguous: the code units as numbers.
    private static string Quote(string text) => "'" + string.Join(".", text.Select(c => (int)c)) + "'";
}
