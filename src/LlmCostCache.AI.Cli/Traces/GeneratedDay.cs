namespace LlmCostCache.AI.Cli.Traces;

/// <summary>The calls of a day while they are being made.</summary>
internal sealed class GeneratedDay(DateOnly date, int number, SeededRandom random, GeneratedPrompts prompts)
{
    private const int Midnight = 86_400_000;

    // Of a thousand calls: turned away and tried again, and answers that nobody received, so that they were asked for again.
    private const int Failed = 12;
    private const int Lost = 8;

    private readonly DateTimeOffset _start = new(date.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
    private readonly List<TraceCall> _calls = [];

    public DateOnly Date => date;

    public int Number => number;

    public SeededRandom Random => random;

    public GeneratedPrompts Prompts => prompts;

    /// <param name="at">Milliseconds of the day; a call after midnight is not made.</param>
    /// <param name="provider">Who is asked.</param>
    /// <param name="model">What is asked.</param>
    /// <param name="who">Who pays.</param>
    /// <param name="key">Names the request.</param>
    /// <param name="prompt">The prompt as it is now.</param>
    /// <param name="output">The tokens of the answer.</param>
    /// <param name="most">The most that it might have had.</param>
    /// <param name="canWait">Whether nobody waits.</param>
    public void Add(int at, string provider, string model, Attribution who, string key, GeneratedPrompt prompt, int output, int most, bool canWait = false)
    {
        var call = new TraceCall
        {
            At = _start.AddMilliseconds(at),
            Provider = provider,
            Model = model,
            Usage = new() { UncachedInputTokens = prompt.Tokens, OutputTokens = output, Requests = 1 },
            Key = key,
            Blocks = prompt.Blocks(),
            MaxOutputTokens = most,
            CanWait = canWait,
            Attribution = who,
        };
        if (random.Happens(Failed))
        {
            Keep(call with { Status = CallStatus.Failed, Error = nameof(HttpRequestException), Usage = new() { UncachedInputTokens = prompt.Tokens, Requests = 1 } });
            call = call with { At = call.At.AddMilliseconds(random.Next(2_000, 12_000)) };
        }

        Keep(call);
        if (random.Happens(Lost))
        {
            Keep(call with { At = call.At.AddMilliseconds(random.Next(30_000, 65_000)) });
        }
    }

    /// <summary>The calls by time; those of the same millisecond as they were made.</summary>
    public IEnumerable<TraceCall> InOrder() => _calls.OrderBy(call => call.At);

    private void Keep(TraceCall call)
    {
        if (call.At < _start.AddMilliseconds(Midnight))
        {
            _calls.Add(call);
        }
    }
}
