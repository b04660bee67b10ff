namespace LlmCostCache.AI.Cli.Traces;

/// <summary>
/// Makes the calls of a software company's weeks: people who ask an assistant during working hours, reviews of changes with some run again, a nightly extraction of which a third was done the night
/// before, agents that work through old code with growing prompts, and documentation on Fridays. Some calls fail and are tried again, some answers are lost and asked for again.
/// </summary>
internal sealed class TraceGenerator
{
    private const int Users = 24;

    // Shares of a working day's calls, of 100.
    private const int AssistantShare = 40;
    private const int ReviewShare = 25;
    private const int ExtractionShare = 20;
    private const int AgentShare = 15;

    private const int UsualTurns = 6;
    private const int UsualSteps = 16;

    private static readonly string[] s_teams = ["search", "payments", "platform", "data"];

    // How busy each hour of a working day is, in UTC.
    private static readonly int[] s_hours = [1, 1, 0, 0, 0, 1, 3, 8, 14, 16, 15, 13, 9, 13, 16, 15, 13, 9, 5, 3, 2, 2, 1, 1];

    // In percent of a working day, Sunday first.
    private static readonly int[] s_weekdays = [10, 100, 108, 110, 104, 88, 14];

    public required int Seed { get; init; }

    public required DateOnly First { get; init; }

    public required int Days { get; init; }

    public required int CallsPerDay { get; init; }

    /// <summary>Calls from here on are left out.</summary>
    public DateTimeOffset Until { get; init; } = DateTimeOffset.MaxValue;

    /// <summary>The calls in the order of their times, a day at a time.</summary>
    public IEnumerable<TraceCall> Calls()
    {
        var prompts = new GeneratedPrompts();
        for (var day = 0; day < Days; day++)
        {
            // Each day draws from its own numbers, so that more days do not change the first ones.
            var made = new GeneratedDay(First.AddDays(day), day, new SeededRandom(((ulong)(uint)Seed << 32) + (uint)day + 1), prompts);
            foreach (var call in Make(made))
            {
                if (call.At >= Until)
                {
                    yield break;
                }

                yield return call;
            }
        }
    }

    private IEnumerable<TraceCall> Make(GeneratedDay day)
    {
        var random = day.Random;
        var level = s_weekdays[(int)day.Date.DayOfWeek] * random.Next(85, 116);
        var calls = (int)Math.Max(1, (long)CallsPerDay * level / 10_000);
        for (var session = 0; session * UsualTurns * 100 < calls * AssistantShare; session++)
        {
            Assist(day, session);
        }

        for (var review = 0; review * 300 < calls * ReviewShare; review++)
        {
            Review(day, review);
        }

        for (var run = 0; run * UsualSteps * 100 < calls * AgentShare; run++)
        {
            Refactor(day, run);
        }

        // Every night, whatever day it is.
        Extract(day, Math.Max(1, CallsPerDay * ExtractionShare / 100));
        if (day.Date.DayOfWeek == DayOfWeek.Friday)
        {
            Document(day, Math.Max(1, CallsPerDay / 25));
        }

        return day.InOrder();
    }

    /// <summary>A person and an assistant in the editor: a few turns, each with all that was said before.</summary>
    private static void Assist(GeneratedDay day, int number)
    {
        var random = day.Random;
        var user = random.Skewed(0, Users);
        var model = random.Happens(700) ? "gpt-4.1-mini" : "gpt-4.1";
        var who = Who(user, "assistant", $"chat-{day.Number}-{number}");
        var prompt = day.Prompts.Begin("assistant", 2_048);
        var at = day.Random.Next(3_600_000) + Hour(random);
        var turns = random.Next(2, 2 * UsualTurns - 1);
        for (var turn = 0; turn < turns; turn++)
        {
            prompt.Grow(random.Skewed(60, 1_800));
            var output = random.Skewed(60, 900);
            day.Add(at, "openai", model, who, $"a{day.Number}.{number}.{turn}", prompt, output, 2_048);
            prompt.Grow(output);
            at += random.Next(20_000, 240_000);
        }
    }

    /// <summary>A change is reviewed file by file; some reviews run again, because a check was flaky.</summary>
    private static void Review(GeneratedDay day, int number)
    {
        var random = day.Random;
        var who = Who(random.Next(Users), "ci-review", $"change-{day.Number}-{number}") with { User = "ci" };
        var at = Hour(random) + random.Next(3_600_000);
        var files = random.Next(1, 6);
        var isRerun = random.Happens(120);
        var later = random.Next(10, 90) * 60_000;
        for (var file = 0; file < files; file++)
        {
            var prompt = day.Prompts.Begin("ci-review", 3_072);
            prompt.Grow(random.Skewed(300, 9_000));
            var (key, output) = ($"r{day.Number}.{number}.{file}", random.Skewed(80, 1_200));
            day.Add(at + (file * 400), "anthropic", "claude-sonnet-4-5", who, key, prompt, output, 2_048);
            if (isRerun)
            {
                day.Add(at + later + (file * 400), "anthropic", "claude-sonnet-4-5", who, key, prompt, output, 2_048);
            }
        }
    }

    /// <summary>An agent works through old code: each step sends everything so far, and the result of a tool.</summary>
    private static void Refactor(GeneratedDay day, int number)
    {
        var random = day.Random;
        var who = Who(random.Skewed(0, Users), "refactor", $"run-{day.Number}-{number}") with { Agent = "refactorer" };
        var model = random.Happens(600) ? ("anthropic", "claude-sonnet-4-5") : ("openai", "gpt-4.1");
        var prompt = day.Prompts.Begin("refactor", 4_096);
        var at = Hour(random) + random.Next(3_600_000);
        var steps = random.Next(6, 2 * UsualSteps - 5);
        for (var step = 0; step < steps; step++)
        {
            prompt.Grow(random.Skewed(200, 3_000));
            var output = random.Skewed(40, 700);
            day.Add(at, model.Item1, model.Item2, who, $"g{day.Number}.{number}.{step}", prompt, output, 4_096);
            prompt.Grow(output);
            at += random.Next(4_000, 45_000);
        }
    }

    /// <summary>Documents are read at night, and nobody waits. A third of them was read the night before, because the job begins anew where it is not sure.</summary>
    private static void Extract(GeneratedDay day, int documents)
    {
        var who = Attribution.None with { User = "nightly", Team = "data", Project = "extraction", Feature = "extraction", Session = $"night-{day.Number}" };
        var fresh = Math.Max(1, documents * 2 / 3);
        for (var index = 0; index < documents; index++)
        {
            // What a document is depends on its number alone, so that it is the same in both nights.
            var document = ((long)day.Number * fresh) + index;
            var random = new SeededRandom((ulong)document + 0xD0C);
            var prompt = day.Prompts.Begin("extraction", 1_024);
            prompt.GrowTo(1_024 + random.Skewed(200, 5_000), -1_000_000_000L - (document * 16));
            day.Add((2 * 3_600_000) + (int)((long)index * 3_600_000 / documents), "openai", "gpt-4o-mini", who, $"d{document}", prompt, random.Next(60, 400), 1_024, canWait: true);
        }
    }

    private static void Document(GeneratedDay day, int pages)
    {
        var random = day.Random;
        var who = Attribution.None with { User = "docs-bot", Team = "platform", Project = "platform", Feature = "docs", Session = $"docs-{day.Number}" };
        for (var page = 0; page < pages; page++)
        {
            var prompt = day.Prompts.Begin("docs", 1_536);
            prompt.Grow(random.Skewed(1_000, 12_000));
            day.Add((17 * 3_600_000) + (page * 20_000), "openai", "gpt-4.1", who, $"p{day.Number}.{page}", prompt, random.Next(400, 2_500), 4_096, canWait: true);
        }
    }

    private static Attribution Who(int user, string feature, string session)
    {
        var team = s_teams[user % s_teams.Length];
        return Attribution.None with { User = $"user-{user + 1:00}", Team = team, Project = team, Feature = feature, Session = session };
    }

    /// <summary>The beginning of an hour, the busy ones more often than the others; in milliseconds of the day.</summary>
    private static int Hour(SeededRandom random)
    {
        var (share, hour) = (random.Next(s_hours.Sum()), 0);
        while (share >= s_hours[hour])
        {
            share -= s_hours[hour++];
        }

        return hour * 3_600_000;
    }
}
