using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI.Tests;

/// <summary>A real Prometheus that scrapes one address every second and answers queries on the loopback.</summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    public const string HowToInstall = "The prometheus server is not on the PATH; 'apt-get install prometheus' brings it.";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly string _directory;
    private readonly StringBuilder _output = new();
    private readonly HttpClient _http;

    private PrometheusServer(Uri target)
    {
        var binary = Binary ?? throw new InvalidOperationException(HowToInstall);
        var port = FreePort();
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(10) };
        _directory = Directory.CreateTempSubdirectory("llmcost-prometheus-").FullName;
        var config = Path.Combine(_directory, "prometheus.yml");
        File.WriteAllText(config, $"""
            global:
              scrape_interval: 1s
            scrape_configs:
              - job_name: app
                metrics_path: /metrics
                static_configs:
                  - targets: ['{target.Authority}']
            """);
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(binary)
            {
                ArgumentList =
                {
                    $"--config.file={config}", $"--storage.tsdb.path={Path.Combine(_directory, "data")}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
                },
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            },
        };
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The server's file, or null when it is not installed.</summary>
    public static string? Binary { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Append("/usr/bin").Select(directory => Path.Combine(directory, OperatingSystem.IsWindows() ? "prometheus.exe" : "prometheus")).FirstOrDefault(File.Exists);

    /// <summary>Starts the server. A port that was free a moment ago may be taken; then another one is tried.</summary>
    public static async Task<PrometheusServer> StartAsync(Uri target)
    {
        for (var attempt = 1; ; attempt++)
        {
            var server = new PrometheusServer(target);
            if (await server.IsReadyAsync() || attempt == 3)
            {
                return server;
            }

            await server.DisposeAsync();
        }
    }

    /// <summary>Asks until the query has a result, for at most a minute.</summary>
    public async Task<IReadOnlyList<(Dictionary<string, string> Labels, double Value)>> QueryAsync(string query)
    {
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < s_patience)
        {
            if (_process.HasExited)
            {
                break;
            }

            if (await TryQueryAsync(query) is { Count: > 0 } result)
            {
                return result;
            }

            await Task.Delay(250);
        }

        lock (_output)
        {
            throw new TimeoutException($"Prometheus has no answer to '{query}'. It says: {_output}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        _http.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<bool> IsReadyAsync()
    {
        var started = Stopwatch.GetTimestamp();
        while (!_process.HasExited && Stopwatch.GetElapsedTime(started) < s_patience)
        {
            if (await TryQueryAsync("up") is not null)
            {
                return true;
            }

            await Task.Delay(100);
        }

        return false;
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.AppendLine(line.Data);
        }
    }

    private async Task<IReadOnlyList<(Dictionary<string, string> Labels, double Value)>?> TryQueryAsync(string query)
    {
        try
        {
            var answer = await _http.GetFromJsonAsync<JsonElement>($"/api/v1/query?query={Uri.EscapeDataString(query)}");
            return [.. answer.GetProperty("data").GetProperty("result").EnumerateArray().Select(series => (
                series.GetProperty("metric").EnumerateObject().ToDictionary(label => label.Name, label => label.Value.GetString()!),
                double.Parse(series.GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture)))];
        }
        catch (HttpRequestException)
        {
            // Still starting.
            return null;
        }
    }
}
