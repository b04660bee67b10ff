using LlmCostCache.AI.Cli.Traces;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>Makes the calls of a trace through the product itself, with cache, budgets and ledger in a home directory; only the provider and the clock are not real.</summary>
/// <param name="home">The home directory.</param>
/// <param name="plan">Under what the calls are made.</param>
/// <param name="start">What time it is when the trace has no call; else it is that of the first one.</param>
internal sealed class LedgerPlay(string home, SimulationPlan plan, DateTimeOffset start) : IAsyncDisposable
{
    /// <summary>The tag that every call carries, so that nobody takes it for a real one.</summary>
    public const string Tag = "simulated";

    private readonly PromptCache _prompts = new(plan.PromptLifetime);
    private readonly Dictionary<(string? Provider, string Model), (TraceProvider Provider, IChatClient Client)> _clients = [];
    private TraceClock? _clock;
    private LlmCosts? _costs;
    private CallPrices? _prices;

    /// <summary>Calls that a provider was asked.</summary>
    public long Asked { get; private set; }

    public long Hits { get; private set; }

    public long Refused { get; private set; }

    public long Failed { get; private set; }

    /// <summary>Calls whose answer never came, because a mistake was asked for.</summary>
    public long Lost { get; private set; }

    /// <summary>Calls that cannot be made again: they name no request or no model, or have no counts.</summary>
    public long Skipped { get; private set; }

    public long Wrong { get; private set; }

    public List<TraceRow> WrongLines { get; } = [];

    /// <exception cref="StoreUnavailableException">The home directory cannot be used.</exception>
    public async Task ReadAsync(IAsyncEnumerable<TraceRow> rows, Action<long> progress, CancellationToken cancellationToken)
    {
        var number = 0L;
        await foreach (var row in rows.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (row.Call is not { } call)
            {
                Wrong++;
                if (WrongLines.Count < 100)
                {
                    WrongLines.Add(row);
                }
            }
            else if (call.Key is null || (plan.Model ?? call.Model) is null || call.Status == CallStatus.Blocked || call.Usage.TotalTokens == 0)
            {
                Skipped++;
            }
            else
            {
                await MakeAsync(Open(call.At), call, ++number, cancellationToken).ConfigureAwait(false);
                progress(number);
            }
        }

        await Open(start).FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, client) in _clients.Values)
        {
            client.Dispose();
        }

        if (_costs is { } costs)
        {
            await costs.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Opens the home when the first call is made, so that budgets are noted at the time of the trace.</summary>
    private LlmCosts Open(DateTimeOffset now)
    {
        if (_costs is { } open)
        {
            return open;
        }

        _clock = new(now);
        _costs = LlmCosts.Open(options =>
        {
            options.HomeDirectory = home;
            options.TimeProvider = _clock;

            // An application that comes to this home by mistake never gets one of our answers.
            options.CacheNamespace = Tag;
            options.ReservationWait = TimeSpan.Zero;
            foreach (var budget in plan.Budgets)
            {
                options.Budgets.Add(budget);
            }
        });
        _prices = new(_costs.Prices);
        return _costs;
    }

    private async Task MakeAsync(LlmCosts costs, TraceCall traced, long number, CancellationToken cancellationToken)
    {
        var mistakes = plan.Mistakes.Of(number);
        var call = MistakePlan.With(mistakes, InTier(traced, number));
        var (provider, client) = ClientOf(costs, call);
        (provider.Next, provider.Number, provider.Mistakes, _clock!.Now) = (call, number, mistakes, call.At);
        var who = call.Attribution;
        using (CostScope.Begin(who.Tenant, who.Project, who.User, who.Team, who.Feature, who.Session, who.Agent, [.. who.Tags, Tag]))
        {
            try
            {
                var response = await client.GetResponseAsync(
                    TraceQuestion.Messages(call, isWhole: true), TraceQuestion.Options(call, plan.Model ?? call.Model), cancellationToken).ConfigureAwait(false);
                if (response.GetCost().CacheLayer == CacheLayer.None)
                {
                    Asked++;
                }
                else
                {
                    Hits++;
                }
            }
            catch (Exception refusal) when (refusal is BudgetExceededException or QuotaExceededException or UnknownPriceException)
            {
                Refused++;
            }
            catch (HttpRequestException) when (call.Status == CallStatus.Failed)
            {
                Failed++;
            }
            catch (TimeoutException) when (mistakes.HasFlag(CallMistakes.LostAnswers))
            {
                Lost++;
            }
        }
    }

    /// <summary>The call in the tier for what can wait, if it can and its model has a price there; as it is otherwise.</summary>
    private TraceCall InTier(TraceCall call, long number)
    {
        var (provider, model) = plan.Model is null ? (call.Provider, call.Model) : (plan.Provider, plan.Model);
        return plan.Batches && plan.CanWait(call, number, TraceQuestion.KeyOf(call, provider, model)) && _prices!.Of(call, provider, model, call.Usage, plan.BatchTier).Cost.Amount is not null
            ? call with { ServiceTier = plan.BatchTier }
            : call;
    }

    private (TraceProvider Provider, IChatClient Client) ClientOf(LlmCosts costs, TraceCall call)
    {
        var (provider, model) = plan.Model is { } other ? (plan.Provider, other) : (call.Provider, call.Model!);
        if (!_clients.TryGetValue((provider, model), out var made))
        {
            var facts = costs.Prices.Find(provider, model, call.At);
            var rule = PromptCaches.Instance.RuleFor(facts?.Provider ?? provider, facts?.Model ?? model);
            var asked = new TraceProvider(provider ?? facts?.Provider, model, rule, _prompts, plan.Latency, _clock!);
            costs.Options.UsageRules[provider ?? facts?.Provider ?? ""] = TraceProvider.Rule;
            var pipeline = asked.AsBuilder();
            if (plan.Caches)
            {
                pipeline = pipeline.UseCostCache(costs, cache => cache.TimeToLive = plan.TimeToLive);
            }

            pipeline = pipeline.UseBudget(costs);
            if (plan.Mistakes.Retries)
            {
                pipeline = pipeline.UseRetry(costs, retry => (retry.Delay, retry.ShouldRetry) = (TimeSpan.Zero, _ => asked.CanTryAgain));
            }

            _clients.Add((provider, model), made = (asked, pipeline.UseUsageMetering(costs).Build()));
        }

        return made;
    }
}
