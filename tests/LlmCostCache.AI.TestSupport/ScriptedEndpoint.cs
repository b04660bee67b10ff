using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>A provider on the loopback that speaks whatever wire format it is given, so that real SDKs can be tested without a network.</summary>
public sealed class ScriptedEndpoint : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<ScriptedRequest> _requests = [];
    private readonly Func<ScriptedRequest, int, ScriptedReply> _script;
    private readonly WebApplication _server;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _received = new(0);

    private ScriptedEndpoint(Func<ScriptedRequest, int, ScriptedReply> script)
    {
        _script = script;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _server = builder.Build();
        _server.Run(AnswerAsync);
    }

    /// <summary>The address, for example <c>http://127.0.0.1:40123/</c>.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>What was received so far, in order.</summary>
    public IReadOnlyList<ScriptedRequest> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>Answers with the given replies, one a request; the last one again and again.</summary>
    public static Task<ScriptedEndpoint> StartAsync(params ScriptedReply[] replies) =>
        StartAsync((_, number) => replies[Math.Min(number, replies.Length) - 1]);

    /// <summary>Answers as the script says, which is told the request and its number, from 1.</summary>
    public static async Task<ScriptedEndpoint> StartAsync(Func<ScriptedRequest, int, ScriptedReply> script)
    {
        var endpoint = new ScriptedEndpoint(script);
        await endpoint._server.StartAsync();
        endpoint.Address = new Uri(endpoint._server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return endpoint;
    }

    /// <summary>Waits until so many further requests have arrived.</summary>
    public async Task ReceivedAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await _received.WaitAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _server.DisposeAsync();
        _stopping.Dispose();
        _received.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var request = new ScriptedRequest(context.Request.Path, await reader.ReadToEndAsync())
        {
            Query = context.Request.QueryString.Value ?? "",
            Headers = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
        };
        int number;
        lock (_lock)
        {
            _requests.Add(request);
            number = _requests.Count;
        }

        _received.Release();

        using var gone = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
        try
        {
            await SendAsync(context, _script(request, number), gone.Token);
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            context.Abort();
        }
    }

    private static async Task SendAsync(HttpContext context, ScriptedReply reply, CancellationToken gone)
    {
        if (reply.Pieces.Count > 0)
        {
            context.Response.StatusCode = reply.Status;
            context.Response.ContentType = reply.ContentType;
            foreach (var (name, value) in reply.Headers)
            {
                context.Response.Headers[name] = value;
            }
        }

        for (var i = 0; i < reply.Pieces.Count; i++)
        {
            if (i > 0)
            {
                if (i == 1 && reply.Gate is { } gate)
                {
                    await gate.WaitAsync(gone);
                }

                await Task.Delay(reply.Delay, gone);
            }

            await context.Response.WriteAsync(reply.Pieces[i], gone);
            await context.Response.Body.FlushAsync(gone);
        }

        switch (reply.Ending)
        {
            case ScriptedEnding.Cut when reply.Pieces.Count > 0:
                // Aborting would throw away what the client has not read yet, and how much that is would be a matter of luck.
                await context.Features.GetRequiredFeature<IConnectionTransportFeature>().Transport.Output.CompleteAsync();
                await Task.Delay(Timeout.Infinite, gone);
                break;
            case ScriptedEnding.Cut:
                context.Abort();
                break;
            case ScriptedEnding.Silence:
                await Task.Delay(Timeout.Infinite, gone);
                break;
        }
    }
}
