using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>Writes a ledger such as a busy company has after a month: through the real book, so that chain, sums and windows are right, but many calls in one transaction and without waiting for the disk.</summary>
/// <remarks>
/// Calls come by the hour of the working day, from some users far more than from others. A user belongs to a team, a team to a project; a feature mostly asks one model. A third of
/// the calls are hits; some fail, some are estimates, some have no price, and some are corrected later. The same seed writes the same calls.
/// </remarks>
public sealed class MonthLedger(long rows, DateTimeOffset start, int days, int seed = 42)
{
    private const int Users = 300;
    private const int Teams = 24;
    private const int Projects = 8;
    private const int BatchRows = 5_000;

    private static readonly (string Provider, string Model, long InputNanos, long OutputNanos)[] s_models =
    [
        ("openai", "gpt-4o-mini", 150, 600), ("openai", "gpt-4o", 2_500, 10_000), ("openai", "gpt-4.1", 2_000, 8_000), ("openai", "gpt-4.1-mini", 400, 1_600),
        ("openai", "o3", 2_000, 8_000), ("anthropic", "claude-sonnet-4-5", 3_000, 15_000), ("anthropic", "claude-haiku-4-5", 1_000, 5_000), ("anthropic", "claude-opus-4-1", 15_000, 75_000),
        ("google", "gemini-2.5-pro", 1_250, 10_000), ("google", "gemini-2.5-flash", 300, 2_500), ("mistral", "mistral-large-latest", 2_000, 6_000), ("deepseek", "deepseek-chat", 280, 420),
    ];

    private static readonly (string Name, int Model, int Other)[] s_features =
    [
        ("chat", 0, 1), ("search", 9, 0), ("summaries", 3, 6), ("code", 5, 7), ("support", 6, 0), ("extraction", 11, 3), ("research", 4, 8), ("translation", 10, 9),
    ];

    // A share of the day's calls for each hour of UTC, of 200.
    private static readonly int[] s_hours = [2, 2, 2, 2, 3, 4, 6, 9, 12, 14, 15, 14, 12, 14, 15, 15, 14, 12, 9, 7, 6, 5, 4, 2];

    private readonly Random _random = new(seed);

    /// <summary>Hears how many rows are written, after each transaction.</summary>
    public Action<long>? Progress { get; init; }

    /// <summary>Makes the ledger in a home directory.</summary>
    public void WriteTo(string home)
    {
        var clock = new RowTime();
        using var connection = LedgerFile.OpenForWriting(LedgerFile.PathIn(home), clock);
        SqliteFile.Execute(connection, "PRAGMA synchronous = OFF");
        SqliteFile.Execute(connection, "PRAGMA cache_size = -262144");
        using var book = new LedgerBook(connection, clock);
        var written = 0L;
        while (written < rows)
        {
            book.Begin(careful: false);
            var end = Math.Min(rows, written + BatchRows);
            for (; written < end; written++)
            {
                var record = Call(written);
                clock.Now = record.At + record.Latency;
                book.Append(record, repeated: false);
                if (written % 500 == 499)
                {
                    book.Adjust($"{record.Id}/better", record.Id, CallCost.Known(Money.FromNanos((record.Cost.Amount ?? Money.Zero).Nanos + 1_000)) with { Usage = record.Cost.Usage }, "tokenizer");
                }
            }

            book.Commit();
            Progress?.Invoke(written);
        }

        SqliteFile.Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    }

    private UsageRecord Call(long number)
    {
        // Skewed: a tenth of the users make half of the calls.
        var user = (int)((long)_random.Next(Users) * _random.Next(Users) / Users);
        var team = user % Teams;
        var feature = s_features[(user + (_random.Next(10) < 7 ? 0 : 3)) % s_features.Length];
        var model = s_models[_random.Next(10) < 8 ? feature.Model : feature.Other];
        var (input, output) = (_random.Next(50, 6_000), _random.Next(10, 900));
        var usage = new TokenUsage { UncachedInputTokens = input, CachedInputTokens = _random.Next(4) == 0 ? input / 2 : 0, OutputTokens = output, Requests = 1 };
        var cost = CallCost.Known(Money.FromNanos((input * model.InputNanos) + (output * model.OutputNanos)));
        var (status, kind) = (CallStatus.Ok, _random.Next(1_000));
        if (kind < 330)
        {
            (status, cost) = (CallStatus.Cached, CallCost.Known(Money.Zero) with { Saved = cost.Amount!.Value, CacheLayer = kind < 250 ? CacheLayer.Memory : CacheLayer.Disk });
        }
        else if (kind < 340)
        {
            (status, usage, cost) = (CallStatus.Failed, TokenUsage.None, CallCost.Known(Money.Zero));
        }
        else if (kind < 350)
        {
            cost = CallCost.Between(Money.FromNanos(cost.Amount!.Value.Nanos / 2), cost.Amount.Value);
        }
        else if (kind < 352)
        {
            cost = CallCost.Unpriced("no price");
        }

        return new UsageRecord
        {
            Id = string.Create(CultureInfo.InvariantCulture, $"{number:x12}{_random.NextInt64():x16}"),
            At = At(number),
            Provider = model.Provider,
            RequestedModel = model.Model,
            Model = model.Model,
            ModelKey = model.Model,
            Status = status,
            Cost = cost with { Usage = usage, PriceRevision = "2026-08-22" },
            UsageSource = "provider",
            FinishReason = "stop",
            Latency = TimeSpan.FromMilliseconds(status == CallStatus.Cached ? 1 : 300 + (output * 8)),
            Streamed = number % 3 == 0,
            Attribution = new Attribution
            {
                Project = string.Create(CultureInfo.InvariantCulture, $"project-{team % Projects}"),
                Team = string.Create(CultureInfo.InvariantCulture, $"team-{team:00}"),
                User = string.Create(CultureInfo.InvariantCulture, $"user-{user:000}"),
                Feature = feature.Name,
                Session = string.Create(CultureInfo.InvariantCulture, $"session-{user}-{number / (rows < 400_000 ? 400 : rows / 1_000)}"),
            },
        };
    }

    /// <summary>The calls of a day in their hours, in the order of their numbers.</summary>
    private DateTimeOffset At(long number)
    {
        var day = number * days / rows;
        var first = ((day * rows) + days - 1) / days;
        var next = (((day + 1) * rows) + days - 1) / days;
        var share = (decimal)(number - first) / (next - first) * s_hours.Sum();
        var hour = 0;
        while (share >= s_hours[hour])
        {
            share -= s_hours[hour++];
        }

        return start.AddDays(day).AddHours(hour).AddTicks((long)(share / s_hours[hour] * TimeSpan.TicksPerHour));
    }

    private sealed class RowTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
