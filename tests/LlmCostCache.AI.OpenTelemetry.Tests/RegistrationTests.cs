using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace LlmCostCache.AI.Tests;

public class RegistrationTests
{
    [Fact]
    public void Metrics_without_a_builder_are_refused_by_name() =>
        Assert.Throws<ArgumentNullException>("builder", () => ((MeterProviderBuilder)null!).AddLlmCostCacheInstrumentation());

    [Fact]
    public void Tracing_without_a_builder_is_refused_by_name() =>
        Assert.Throws<ArgumentNullException>("builder", () => ((TracerProviderBuilder)null!).AddLlmCostCacheInstrumentation());

    [Fact]
    public void The_registered_names_are_those_of_the_core()
    {
        var meters = new NamesOfMeters();
        var sources = new NamesOfSources();

        Assert.Same(meters, meters.AddLlmCostCacheInstrumentation());
        Assert.Same(sources, sources.AddLlmCostCacheInstrumentation());

        Assert.Equal([TelemetryNames.Source], meters.Names);
        Assert.Equal([TelemetryNames.Source], sources.Names);
    }

    [Fact]
    public void The_package_needs_nothing_of_OpenTelemetry_but_its_Api()
    {
        var references = typeof(LlmCostCacheMeterProviderBuilderExtensions).Assembly.GetReferencedAssemblies().Select(assembly => assembly.Name);

        Assert.Equal(["OpenTelemetry.Api"], references.Where(name => name!.StartsWith("OpenTelemetry", StringComparison.Ordinal)));
    }

    private sealed class NamesOfMeters : MeterProviderBuilder
    {
        public List<string> Names { get; } = [];

        public override MeterProviderBuilder AddInstrumentation<TInstrumentation>(Func<TInstrumentation> instrumentationFactory) => this;

        public override MeterProviderBuilder AddMeter(params string[] names)
        {
            Names.AddRange(names);
            return this;
        }
    }

    private sealed class NamesOfSources : TracerProviderBuilder
    {
        public List<string> Names { get; } = [];

        public override TracerProviderBuilder AddInstrumentation<TInstrumentation>(Func<TInstrumentation> instrumentationFactory) => this;

        public override TracerProviderBuilder AddLegacySource(string operationName) => this;

        public override TracerProviderBuilder AddSource(params string[] names)
        {
            Names.AddRange(names);
            return this;
        }
    }
}
