using System.IO.Enumeration;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>Who sells models: read once from <c>Catalogue/_providers.json</c>.</summary>
internal sealed class ProviderDirectory
{
    private static readonly Lazy<ProviderDirectory> Loaded = new(Load);

    private readonly Dictionary<string, PriceProvider> _byName;
    private readonly Dictionary<string, string> _serviceTiers;
    private readonly HashSet<string> _localNames;
    private readonly string[] _localHosts;
    private readonly string[] _neverLocal;

    private ProviderDirectory(JsonElement root)
    {
        Providers = root.GetProperty("providers").EnumerateArray().Select(Read).ToArray();
        var byName = new Dictionary<string, PriceProvider>();
        foreach (var provider in Providers)
        {
            byName[Normalized(provider.Id)] = provider;
        }

        foreach (var (provider, name) in Providers.SelectMany(provider => provider.Names, (provider, name) => (provider, name)))
        {
            byName.TryAdd(Normalized(name), provider);
        }

        _byName = byName;
        var local = root.GetProperty("local");
        _localNames = Strings(local, "names").Select(Normalized).ToHashSet();
        _localHosts = Strings(local, "hosts");
        _neverLocal = Strings(local, "never_local");
        Patterns = new(Strings(root, "model_prefixes"), Strings(root, "dated_suffixes"), Strings(root, "preview_suffixes"));
        _serviceTiers = root.GetProperty("service_tiers").EnumerateObject()
            .SelectMany(tier => tier.Value.EnumerateArray(), (tier, name) => (tier.Name, Value: name.GetString()!))
            .ToDictionary(pair => pair.Value, pair => pair.Name, StringComparer.OrdinalIgnoreCase);
    }

    public static ProviderDirectory Instance => Loaded.Value;

    public IReadOnlyList<PriceProvider> Providers { get; }

    public NamePatterns Patterns { get; }

    public static string Normalized(string name) => name.Trim().ToLowerInvariant().Replace('.', '_').Replace('-', '_').Replace(' ', '_');

    public static bool HostMatches(string host, string pattern) => FileSystemName.MatchesSimpleExpression(pattern, host);

    /// <summary>The bare host of what may be an address with scheme, port and path; null when there is none.</summary>
    public static string? HostOf(string? address)
    {
        if (string.IsNullOrWhiteSpace(address))
        {
            return null;
        }

        address = address.Trim();
        var text = address.Contains("://", StringComparison.Ordinal) ? address
            : IsBareIPv6(address) ? $"http://[{address}]"
            : "http://" + address;
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Host.Length > 0
            ? uri.Host.Trim('[', ']').TrimEnd('.').ToLowerInvariant()
            : address.ToLowerInvariant();

        static bool IsBareIPv6(string host) => host.Count(c => c == ':') > 1 && host[0] != '[';
    }

    public PriceProvider? ByName(string? name) => string.IsNullOrWhiteSpace(name) ? null : _byName.GetValueOrDefault(Normalized(name));

    /// <summary>The provider that a host belongs to. Where two price the same host, the name decides.</summary>
    public PriceProvider? ByHost(string? host, PriceProvider? named) =>
        host is null ? null : named?.OwnsHost(host) == true ? named : Providers.FirstOrDefault(provider => provider.OwnsHost(host));

    public bool IsLocalName(string? name) => !string.IsNullOrWhiteSpace(name) && _localNames.Contains(Normalized(name));

    public bool IsLocalHost(string? host) => host is not null && _localHosts.Any(pattern => HostMatches(host, pattern));

    /// <summary>Whether a model cannot run on one's own machine, so that a local address is a proxy's.</summary>
    public bool IsNeverLocal(string model)
    {
        var name = model[(model.LastIndexOf('/') + 1)..];
        return _neverLocal.Any(beginning => name.StartsWith(beginning, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The tier by the name that price files use; null when nobody knows the name.</summary>
    public string? ServiceTier(string? name) => string.IsNullOrEmpty(name) ? "standard" : _serviceTiers.GetValueOrDefault(name);

    private static ProviderDirectory Load()
    {
        using var stream = BuiltInCatalogue.Open("_providers");
        using var document = JsonDocument.Parse(stream);
        return new(document.RootElement);
    }

    private static PriceProvider Read(JsonElement provider) => new(
        provider.GetProperty("id").GetString()!,
        provider.GetProperty("name").GetString()!)
    {
        Names = Strings(provider, "names"),
        Hosts = Strings(provider, "hosts"),
        RegionalHosts = Strings(provider, "regional_hosts"),
        Families = Strings(provider, "families"),
        Then = Strings(provider, "then"),
        SpokenByOthers = provider.TryGetProperty("spoken_by_others", out var spoken) && spoken.GetBoolean(),
    };

    private static string[] Strings(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var array) ? array.EnumerateArray().Select(item => item.GetString()!).ToArray() : [];
}
