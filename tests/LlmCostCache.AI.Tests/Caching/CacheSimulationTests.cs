using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>Random histories of the whole client, two processes on one home, beside a model that is too simple to be wrong: every answer names the question it was bought for.</summary>
public class CacheSimulationTests
{
    private const int StepsPerSeed = 500;

    [Theory]
    [InlineData(64L << 20, 1L << 30)] // as it comes
    [InlineData(20_000L, 1L << 30)] // memory for a dozen answers
    [InlineData(0L, 1L << 30)] // only the disk
    [InlineData(64L << 20, 0L)] // only memory
    public async Task No_history_makes_the_cache_serve_what_it_must_not_or_ask_for_what_it_has(long memoryBytes, long diskBytes)
    {
        var seeds = Math.Max(1, TestSize.SimulationSteps / 200 / StepsPerSeed);
        await Parallel.ForEachAsync(Enumerable.Range(0, seeds), new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (seed, _) =>
        {
            await using var simulation = new Simulation(seed, memoryBytes, diskBytes);
            await simulation.RunAsync(StepsPerSeed);
        });
    }

    private sealed record Question(string? Tenant, string? Namespace, string Model, int Number)
    {
        public string Tag => $"t{Number % 3}";

        public string Text => $"question {Number}";
    }

    /// <summary>One call of the provider, and what became of its answer since.</summary>
    private sealed class Purchase(int number, Question question)
    {
        public int Number => number;

        public Question Question => question;

        public bool IsStored { get; set; }

        public DateTimeOffset ExpiresAt { get; set; }

        /// <summary>From when on a process must not serve it, by process.</summary>
        public DateTimeOffset[] DeadFrom { get; } = [DateTimeOffset.MaxValue, DateTimeOffset.MaxValue];

        public string Answer => $"{number} {question}";
    }

    private sealed class Simulation : IAsyncDisposable
    {
        // Design, section 7: another process learns of an invalidation within 100 ms of its clock; the API promises a second.
        private static readonly TimeSpan s_untilOthersKnow = TimeSpan.FromSeconds(1);
        private static readonly TimeSpan s_timeToLive = TimeSpan.FromHours(24);
        private static readonly Money s_price = Money.FromUsd(0.00045m);

        private readonly int _seed;
        private readonly Random _random;
        private readonly (long Memory, long Disk) _limits;
        private readonly TempHome _home = new();
        private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 9, 1, 12, 0, 0, TimeSpan.Zero));
        private readonly FakeChatClient _provider = new();
        private readonly AsyncLocal<Question> _asking = new();
        private readonly List<Purchase> _purchases = [];
        private readonly LlmCosts?[] _costs = new LlmCosts?[2];
        private readonly IChatClient[] _clients = new IChatClient[2];
        private readonly Dictionary<Question, Purchase>[] _known = [[], []];
        private readonly Lock _lock = new();
        private readonly HashSet<CacheLayer> _layers = [];
        private int _step;
        private DateTimeOffset _asked;
        private bool _isDamaged;
        private int _hits;
        private Money _saved;

        public Simulation(int seed, long memoryBytes, long diskBytes)
        {
            _seed = seed;
            _random = new Random(seed);
            _limits = (memoryBytes, diskBytes);
            _provider.Answer = AnswerAsync;
            Open(0);
            Open(1);
        }

        public async Task RunAsync(int steps)
        {
            for (_step = 0; _step < steps; _step++)
            {
                // Stamps of two processes are told apart by their clocks.
                _clock.Advance(TimeSpan.FromMilliseconds(2));
                _asked = _clock.GetUtcNow();
                await StepAsync();
            }

            await CompareLedgerAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await CloseAsync(0);
            await CloseAsync(1);
            _home.Dispose();
        }

        private Task StepAsync() => _random.Next(1_000) switch
        {
            < 600 => AskAsync(_random.Next(2), AnyQuestion()),
            < 700 => AskAtOnceAsync(),
            < 750 => AskOtherwiseAsync(),
            < 830 => AdvanceAsync(TimeSpan.FromSeconds(_random.Next(1, 300))),
            < 860 => AdvanceAsync(TimeSpan.FromHours(_random.Next(1, 30))),
            < 900 => InvalidateAsync((cache, process) => cache.InvalidateTagAsync($"t{process}"), (question, process) => question.Tag == $"t{process}"),
            < 930 => InvalidateAsync((cache, _) => cache.InvalidateModelAsync("gpt-4o"), (question, _) => question.Model == "gpt-4o"),
            < 938 => InvalidateAsync((cache, _) => cache.InvalidateNamespaceAsync("beta"), (question, _) => question.Namespace == "beta"),
            < 946 => InvalidateAsync((cache, _) => cache.InvalidateTenantAsync("acme"), (question, _) => question.Tenant == "acme"),
            < 955 => InvalidateAsync((cache, _) => cache.ClearAsync(), (_, _) => true),
            < 990 => RestartAsync(damages: false),
            _ => RestartAsync(damages: true),
        };

        private Question AnyQuestion() => new(
            _random.Next(3) switch { 0 => null, 1 => "acme", _ => "globex" }, _random.Next(4) == 0 ? "beta" : null, _random.Next(3) == 0 ? "gpt-4o" : "gpt-4o-mini", _random.Next(6));

        private async Task AskAsync(int process, Question question)
        {
            var calls = _purchases.Count;
            var mustHit = MustHit(process, question);
            var answer = await AskAsync(process, question, _ => { });
            Check(process, question, answer);
            Assert.True(!mustHit || _purchases.Count == calls, $"{Where}: process {process} knew the answer to {question} and asked again.");
            Assert.True(_purchases.Count <= calls + 1, $"{Where}: one question was asked {_purchases.Count - calls} times.");
        }

        private async Task AskAtOnceAsync()
        {
            var (process, question, calls) = (_random.Next(2), AnyQuestion(), _purchases.Count);
            var answers = await GoOnAsync(Task.WhenAll(Enumerable.Range(0, _random.Next(2, 6)).Select(_ => CallAsync(process, question, _ => { }))));

            // All against what was known before: one of them may have bought an answer while another found, a moment later, what the other process had just written.
            var purchases = answers.Select(answer => CheckOnly(process, question, answer)).OrderBy(purchase => purchase.Number).ToList();
            purchases.ForEach(purchase => Learn(process, question, purchase));

            Assert.True(_purchases.Count <= calls + 1 || !RemembersAll, $"{Where}: {answers.Length} identical questions at once were asked {_purchases.Count - calls} times.");
        }

        // With a wish for this call; what it must do is known without any state.
        private async Task AskOtherwiseAsync()
        {
            var (process, question, calls) = (_random.Next(2), AnyQuestion(), _purchases.Count);
            switch (_random.Next(4))
            {
                case 0:
                    await AskAsync(process, question, cache => cache.Refresh());
                    Assert.Equal(calls + 1, _purchases.Count);
                    break;
                case 1:
                    _ = await AskAsync(process, question, cache => cache.Bypass());
                    Assert.Equal(calls + 1, _purchases.Count);
                    _purchases[^1].IsStored = false;
                    break;
                case 2:
                    var answer = await AskAsync(process, question, cache => cache.NoStore());
                    if (_purchases.Count > calls)
                    {
                        _purchases[^1].IsStored = false;
                    }

                    Check(process, question, answer);
                    break;
                default:
                    await AskAsync(process, question, cache => cache.Refresh().TimeToLive(TimeSpan.FromMinutes(1)));
                    _purchases[^1].ExpiresAt += TimeSpan.FromMinutes(1) - s_timeToLive;
                    break;
            }

            if (_purchases.Count > calls && _purchases[^1].IsStored)
            {
                _known[process][question] = _purchases[^1];
            }
        }

        private Task<ChatResponse> AskAsync(int process, Question question, Action<CacheControl> wish) => GoOnAsync(CallAsync(process, question, wish));

        private async Task<ChatResponse> CallAsync(int process, Question question, Action<CacheControl> wish)
        {
            _asking.Value = question;
            var options = new ChatOptions { ModelId = question.Model }.WithCache(cache => cache.Tag(question.Tag)).WithCache(wish);
            if (question.Namespace is { } name)
            {
                options.WithCache(cache => cache.Namespace(name));
            }

            ChatResponse answer;
            using (CostScope.Begin(tenant: question.Tenant))
            {
                answer = (question.Number + _step) % 2 == 0
                    ? await _clients[process].GetResponseAsync(question.Text, options)
                    : await _clients[process].GetStreamingResponseAsync(question.Text, options).ToChatResponseAsync();
            }

            var cost = answer.GetCost();
            if (cost.CacheLayer != CacheLayer.None)
            {
                Assert.Null(answer.Usage);
                Assert.Equal(Money.Zero, cost.Amount);
                lock (_lock)
                {
                    _hits++;
                    _layers.Add(cost.CacheLayer);
                    _saved += cost.Saved;
                }
            }

            return answer;
        }

        // A process that waits for the other one waits by the clock. Callers of one question are moved on together: each by itself, on a busy machine, they would lose patience with one another.
        private async Task<T> GoOnAsync<T>(Task<T> asking)
        {
            while (await Task.WhenAny(asking, Task.Delay(TimeSpan.FromMilliseconds(20))) != asking)
            {
                _clock.Advance(TimeSpan.FromMilliseconds(250));
            }

            return await asking;
        }

        private void Check(int process, Question question, ChatResponse answer) => Learn(process, question, CheckOnly(process, question, answer));

        private Purchase CheckOnly(int process, Question question, ChatResponse answer)
        {
            var number = int.Parse(answer.Text.Split(' ')[0], null);
            var purchase = _purchases[number - 1];
            var now = _asked;
            Assert.True(purchase.Answer == answer.Text && purchase.Question == question, $"{Where}: {question} was answered with '{answer.Text}'.");
            if (answer.GetCost().CacheLayer != CacheLayer.None)
            {
                Assert.True(purchase.IsStored, $"{Where}: an answer that nobody was to store was served.");
                Assert.True(now < purchase.ExpiresAt, $"{Where}: an answer was served at {now:O} that expired at {purchase.ExpiresAt:O}.");
                Assert.True(now < purchase.DeadFrom[process], $"{Where}: an answer was served by process {process} at {now:O} that was invalidated before {purchase.DeadFrom[process]:O}.");

                // Without memory, a new answer is out of reach until its transaction ends.
                Assert.True(!RemembersAll || !_known[process].TryGetValue(question, out var newest) || newest.Number <= number, $"{Where}: an answer was served that had been replaced.");
            }

            return purchase;
        }

        private void Learn(int process, Question question, Purchase purchase)
        {
            if (purchase.IsStored)
            {
                _known[process][question] = purchase;
            }
        }

        // Whether there is no excuse for asking: this process has had the answer since it was opened, and it is still good.
        private bool MustHit(int process, Question question) => RemembersAll && _known[process].TryGetValue(question, out var purchase)
            && _asked < purchase.ExpiresAt && purchase.DeadFrom.All(from => from == DateTimeOffset.MaxValue);

        private Task AdvanceAsync(TimeSpan time)
        {
            _clock.Advance(time);
            return Task.CompletedTask;
        }

        private async Task InvalidateAsync(Func<ResponseCache, int, Task<int>> invalidate, Func<Question, int, bool> matches)
        {
            var (process, what) = (_random.Next(2), _random.Next(3));
            await invalidate(_costs[process]!.Cache, what);
            var now = _clock.GetUtcNow();
            foreach (var purchase in _purchases.Where(purchase => matches(purchase.Question, what)))
            {
                purchase.DeadFrom[process] = Min(purchase.DeadFrom[process], now);

                // Without a file between them, processes do not know of each other.
                if (_limits.Disk > 0)
                {
                    purchase.DeadFrom[1 - process] = Min(purchase.DeadFrom[1 - process], now + s_untilOthersKnow);
                }
            }
        }

        private async Task RestartAsync(bool damages)
        {
            if (!damages)
            {
                var process = _random.Next(2);
                await CloseAsync(process);
                Open(process);
                return;
            }

            await CloseAsync(0);
            await CloseAsync(1);
            Damage(Path.Combine(_home.Path, DiskFile.Name));
            _isDamaged = true;
            Open(0);
            Open(1);
        }

        private void Damage(string file)
        {
            if (!File.Exists(file))
            {
                return;
            }

            using var stream = new FileStream(file, FileMode.Open);
            if (_random.Next(4) == 0)
            {
                stream.SetLength(_random.NextInt64(stream.Length + 1));
                return;
            }

            for (var i = _random.Next(1, 100); i > 0; i--)
            {
                stream.Position = _random.NextInt64(Math.Max(1, stream.Length));
                stream.WriteByte((byte)_random.Next(256));
            }
        }

        private async Task CompareLedgerAsync()
        {
            foreach (var costs in _costs)
            {
                await costs!.FlushAsync();
            }

            var rows = await _costs[0]!.Store.ReadAsync(LedgerFilter.All).ToListAsync();
            var served = rows.Where(row => row.Status is CallStatus.Cached or CallStatus.Coalesced).ToList();
            var paid = rows.Where(row => row.Status == CallStatus.Ok).ToList();
            Assert.Equal(rows.Count, served.Count + paid.Count);
            Assert.Equal(_purchases.Count, paid.Count);
            Assert.Equal(_purchases.Count(purchase => purchase.Question.Model == "gpt-4o-mini") * s_price.Nanos, paid.Where(row => row.Model == "gpt-4o-mini").Sum(row => row.Cost.Amount!.Value.Nanos));
            Assert.Equal(_hits, served.Count);
            Assert.True((_limits.Memory == 0 || _layers.Contains(CacheLayer.Memory)) && (_limits.Disk == 0 || _layers.Contains(CacheLayer.Disk)), $"seed {_seed} had hits of {string.Join(", ", _layers)} only.");
            Assert.All(served, row => Assert.True(row.Cost.Amount == Money.Zero && row.Cost.Saved > Money.Zero));
            Assert.Equal(_saved.Nanos, served.Sum(row => row.Cost.Saved.Nanos));
        }

        private async Task<ChatResponse> AnswerAsync(IReadOnlyList<ChatMessage> messages, ChatOptions? options, int number)
        {
            Purchase purchase;
            lock (_lock)
            {
                purchase = new Purchase(_purchases.Count + 1, _asking.Value!) { IsStored = true, ExpiresAt = _clock.GetUtcNow() + s_timeToLive };
                _purchases.Add(purchase);
            }

            // Others arrive meanwhile.
            await Task.Yield();
            return _provider.DefaultAnswer(options, purchase.Answer);
        }

        private void Open(int process)
        {
            var costs = LlmCosts.Open(o =>
            {
                o.HomeDirectory = _home.Path;
                o.TimeProvider = _clock;
                o.MemoryCacheBytes = _limits.Memory;
                o.DiskCacheBytes = _limits.Disk;
            });
            _costs[process] = costs;
            _clients[process] = _provider.AsBuilder().UseCostCache(costs).Build();
            _known[process].Clear();
        }

        private async Task CloseAsync(int process)
        {
            if (_costs[process] is { } costs)
            {
                _costs[process] = null;
                await costs.DisposeAsync();
            }
        }

        // After damage nothing is promised but that no answer is wrong.
        private bool RemembersAll => _limits.Memory > 1_000_000 && !_isDamaged;

        private string Where => $"seed {_seed}, step {_step}";

        private static DateTimeOffset Min(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
    }
}
