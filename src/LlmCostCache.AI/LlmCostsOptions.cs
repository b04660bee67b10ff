using System.Diagnostics.Metrics;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>How an <see cref="LlmCosts"/> counts, remembers and limits. Everything has a default.</summary>
public sealed class LlmCostsOptions
{
    /// <summary>The directory of <c>ledger.db</c>, <c>cache.db</c> and <c>prices.json</c>; made when missing, readable by its owner only.</summary>
    /// <value>The environment variable <c>LLMCOSTCACHE_HOME</c>, else <c>.llmcostcache</c> in the user's home directory.</value>
    public string? HomeDirectory { get; set; }

    /// <summary>The zone whose days, weeks and months budgets and reports follow.</summary>
    /// <value>UTC.</value>
    public TimeZoneInfo TimeZone { get; set; } = TimeZoneInfo.Utc;

    /// <summary>The first day of a week.</summary>
    /// <value>Monday.</value>
    public DayOfWeek WeekStart { get; set; } = DayOfWeek.Monday;

    /// <summary>The first month of the fiscal year, from which quarters and years of budgets are counted.</summary>
    /// <value>1, January. From 1 to 12.</value>
    public int FiscalYearStart { get; set; } = 1;

    /// <summary>The limits that <c>UseBudget()</c> enforces, beside those that are set at run time.</summary>
    /// <value>Empty: everything is metered, nothing is limited.</value>
    public IList<Budget> Budgets { get; } = [];

    /// <summary>Prices that are stronger than the built-in book, <c>prices.json</c> and <c>LLMCOSTCACHE_PRICES</c>.</summary>
    public IList<ModelPrice> Prices { get; } = [];

    /// <summary>What one US dollar is worth in other currencies, by day; stronger than <c>LLMCOSTCACHE_FX</c>, <c>fx.json</c> and the built-in rate.</summary>
    /// <value>Empty: one rate is built in, 7.20 CNY for a dollar, which is assumed. A currency that is named here takes no rate from elsewhere.</value>
    public IList<ExchangeRate> ExchangeRates { get; } = [];

    /// <summary>Discounts and margins on list prices, per provider or per model; stronger than those of <c>LLMCOSTCACHE_PRICES</c> and <c>prices.json</c>.</summary>
    /// <value>Empty: list prices. <see cref="Prices"/> given in code are never adjusted.</value>
    public IList<PriceAdjustment> PriceAdjustments { get; } = [];

    /// <summary>Names that stand for a model of the price book, such as Azure deployments: <c>["my-deployment"] = "gpt-4o-mini"</c>.</summary>
    public IDictionary<string, string> ModelAliases { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// How providers count that the built-in rules do not know, by the provider's name (<c>ChatClientMetadata.ProviderName</c>, or the one set on the metering client) or, for
    /// gateways that are asked through another vendor's client, by host: <c>["my-gateway"] = UsageRule.ExclusiveInput</c>.
    /// </summary>
    /// <value>Empty: the built-in rules know the adapters of OpenAI, Azure OpenAI, Anthropic (both SDKs), Google (both), Bedrock, Ollama, Mistral, DeepSeek, xAI, OpenRouter and LiteLLM.</value>
    public IDictionary<string, UsageRule> UsageRules { get; } = new Dictionary<string, UsageRule>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a cost that a provider reports with its answer is taken for the cost of the call.</summary>
    /// <value><see cref="ProviderCostPolicy.Prefer"/>: OpenRouter's and Perplexity's is, others' only without a price. A reported zero never is.</value>
    public ProviderCostPolicy ProviderCosts { get; set; } = ProviderCostPolicy.Prefer;

    /// <summary>The currency that reports show beside US dollars, as an ISO 4217 code; what is stored does not change.</summary>
    /// <value>USD.</value>
    public string Currency { get; set; } = "USD";

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Where log messages go; they never carry prompts, answers or keys.</summary>
    /// <value>None.</value>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>Makes the meter <c>LlmCostCache.AI</c>; null makes one that listeners find by its name.</summary>
    public IMeterFactory? MeterFactory { get; set; }

    /// <summary>Keeps the answers of this application apart from those of others that share a cache.</summary>
    /// <value>Empty. Demanded as soon as <see cref="DistributedCache"/> is set, unless <see cref="AllowSharedCacheWithoutNamespace"/> says otherwise;
    /// tenants are kept apart within it.</value>
    public string CacheNamespace { get; set; } = "";

    /// <summary>Which differences in the texts of messages and instructions do not make another question. Schemas, data and everything else always count as they are.</summary>
    /// <value><see cref="CacheNormalization.None"/>: every character counts. Another value makes other keys: what was stored with this one is not found with that one.</value>
    public CacheNormalization CacheNormalization { get; set; }

    /// <summary>Whether the first 256 characters of the last user message and of the instructions are kept beside a cached answer, so that
    /// <c>llmcost cache</c> can show what an entry is about and answers can be invalidated by the beginning of their instructions.</summary>
    /// <value>True; they are shown on request only. Without them such an invalidation is refused. They are encrypted only when there are
    /// <see cref="CacheEncryptionKeys"/>: with a <see cref="CacheSecret"/> alone they stand in <c>cache.db</c> as readable as the answers.</value>
    public bool CacheExcerpts { get; set; } = true;

    /// <summary>How much memory cached answers may take, in bytes.</summary>
    /// <value>64 MB. Zero turns the memory layer off; at most 16 GB.</value>
    public long MemoryCacheBytes { get; set; } = 64L << 20;

    /// <summary>How large <c>cache.db</c> may grow, in bytes.</summary>
    /// <value>1 GB. Zero turns the disk layer off; at most 1 TB.</value>
    public long DiskCacheBytes { get; set; } = 1L << 30;

    /// <summary>A cache shared with other machines, asked after memory and disk.</summary>
    /// <value>None.</value>
    public IDistributedCache? DistributedCache { get; set; }

    /// <summary>How long a call waits for <see cref="DistributedCache"/>. When that was in vain, calls go on without it until it answers in this time again.</summary>
    /// <value>50 milliseconds. From one millisecond to one minute.</value>
    public TimeSpan DistributedCacheTimeout { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Whether <see cref="DistributedCache"/> may be used although <see cref="CacheNamespace"/> is empty.</summary>
    /// <value>
    /// False. When true, answers are shared with every application that uses the same distributed cache without a namespace and asks the same endpoint the same
    /// question; the tenant of <see cref="CostScope"/> and the namespace of a call still keep them apart, and calls that name neither share with all such calls.
    /// </value>
    public bool AllowSharedCacheWithoutNamespace { get; set; }

    /// <summary>Makes the keys of cached answers, and their checksums, such that only those who know the secret can make them: nobody who can write
    /// to a shared cache can then plant an answer or find out what was asked. Everyone who shares a cache needs the same one; after a change all
    /// answers are bought again.</summary>
    /// <value>The environment variable <c>LLMCOSTCACHE_CACHE_SECRET</c>, else none: checksums then notice accidents, not people.</value>
    public CacheSecret? CacheSecret { get; set; }

    /// <summary>Encrypts cached answers, in <c>cache.db</c> and in <see cref="DistributedCache"/>, with AES-256-GCM. The first key encrypts, all of them
    /// decrypt: to rotate, put a new key first and take the old one away when its answers have expired. Answers under a key that is not here are
    /// neither found nor deleted.</summary>
    /// <value>The environment variable <c>LLMCOSTCACHE_CACHE_KEYS</c> (Base64, separated by commas), else empty: not encrypted. Names of models, tenants,
    /// namespaces and tags are replaced by keyed digests; sizes, times and numbers of hits stay readable.</value>
    public IList<CacheEncryptionKey> CacheEncryptionKeys { get; } = [];

    /// <summary>How long an unanswered call keeps its reserved amount.</summary>
    /// <value>Ten minutes. From one second to one day; longer than any call you make, or its amount is booked too early.</value>
    public TimeSpan ReservationTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a call waits when only the reservations of other calls stand in its way, before it is refused.</summary>
    /// <value>30 seconds. Zero refuses at once; at most one hour.</value>
    public TimeSpan ReservationWait { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether a reservation is on the disk, not only with the operating system, before its call is sent.</summary>
    /// <value>False: a power loss can forget a reservation, never a recorded cost.</value>
    public bool ReservationsSurvivePowerLoss { get; set; }

    /// <summary>The limits that <c>UseRateLimit()</c> keeps.</summary>
    /// <value>None.</value>
    public RateLimitOptions RateLimiting { get; } = new();

    /// <summary>How <c>UseRetry()</c> tries again.</summary>
    /// <value>Up to three times, with growing waits.</value>
    public RetryOptions Retries { get; } = new();

    /// <summary>When <c>UseRunawayGuard()</c> stops a run.</summary>
    /// <value>When a model asks three times in a row for the same tools with the same arguments.</value>
    public RunawayOptions Runaway { get; } = new();

    /// <summary>The names that cost takes on spans.</summary>
    /// <value><see cref="CostAttributeNames.SemConv"/>.</value>
    public CostAttributeNames CostAttributes { get; set; } = CostAttributeNames.SemConv;
}
