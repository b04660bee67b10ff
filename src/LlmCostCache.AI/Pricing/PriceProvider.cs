namespace LlmCostCache.AI;

/// <summary>A vendor or reseller, and the names by which clients, telemetry and hosts mean it.</summary>
internal sealed record PriceProvider(string Id, string DisplayName)
{
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Host names; <c>*</c> stands for anything.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Beginnings of the names of the models that this vendor makes itself.</summary>
    public IReadOnlyList<string> Families { get; init; } = [];

    /// <summary>Providers whose list holds where this one's is silent.</summary>
    public IReadOnlyList<string> Then { get; init; } = [];

    /// <summary>Whether others' servers speak this vendor's protocol, so that its name says little in front of an unknown host.</summary>
    public bool SpokenByOthers { get; init; }

    /// <summary>Hosts whose first label is the geography that serves the request.</summary>
    public IReadOnlyList<string> RegionalHosts { get; init; } = [];

    /// <summary>The geography that a host names; <c>global</c> for another host of this provider; null where this provider's hosts say nothing about it.</summary>
    public string? RegionOf(string? host) =>
        host is null || RegionalHosts.Count == 0 ? null
        : RegionalHosts.Any(pattern => ProviderDirectory.HostMatches(host, pattern)) ? host[..host.IndexOf('.', StringComparison.Ordinal)]
        : OwnsHost(host) ? "global"
        : null;

    public bool OwnsHost(string host) => Hosts.Any(pattern => ProviderDirectory.HostMatches(host, pattern));

    public bool Makes(string model) => Families.Any(family => model.StartsWith(family, StringComparison.OrdinalIgnoreCase));
}
