using System.Net;
using System.Text;

namespace TrimmedApp;

/// <summary>Answers every request with the same body.</summary>
internal sealed class CannedHandler(string body, bool streamed) : HttpMessageHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)
    {
        RequestMessage = request,
        Content = new StringContent(body, Encoding.UTF8, streamed ? "text/event-stream" : "application/json"),
    });
}
