using System.Buffers;
using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Traces;

/// <summary>Writes a trace as JSON Lines: the fields of an export as far as a trace has them, and <c>key</c>, <c>blocks</c>, <c>can_wait</c> and <c>max_output_tokens</c>.</summary>
internal static class TraceWriter
{
    private const int ChunkBytes = 64 * 1024;

    /// <returns>How many lines were written.</returns>
    public static async Task<long> WriteAsync(IEnumerable<TraceCall> calls, Stream output, Action<long> progress, CancellationToken cancellationToken)
    {
        var (chunk, count) = (new ArrayBufferWriter<byte>(ChunkBytes + 4096), 0L);
        var json = new Utf8JsonWriter(chunk, new JsonWriterOptions { Encoder = JsonOutput.Encoder });
        await using (json.ConfigureAwait(false))
        {
            foreach (var call in calls)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Write(json, call);
                json.Flush();
                json.Reset();
                chunk.Write("\n"u8);
                progress(++count);
                if (chunk.WrittenCount >= ChunkBytes)
                {
                    await output.WriteAsync(chunk.WrittenMemory, cancellationToken).ConfigureAwait(false);
                    chunk.ResetWrittenCount();
                }
            }

            await output.WriteAsync(chunk.WrittenMemory, cancellationToken).ConfigureAwait(false);
            await output.FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        return count;
    }

    private static void Write(Utf8JsonWriter json, TraceCall call)
    {
        json.WriteStartObject();
        json.WriteString("at", call.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture));
        json.WriteString("key", call.Key);
        json.WriteString("provider", call.Provider);
        json.WriteString("model", call.Model);
        json.WriteNumber("input_tokens", call.Usage.TotalInputTokens);
        json.WriteNumber("output_tokens", call.Usage.TotalOutputTokens);
        if (call.MaxOutputTokens is { } most)
        {
            json.WriteNumber("max_output_tokens", most);
        }

        if (call.Blocks is { } blocks)
        {
            json.WriteStartArray("blocks");
            foreach (var block in blocks)
            {
                json.WriteNumberValue(block);
            }

            json.WriteEndArray();
        }

        if (call.CanWait)
        {
            json.WriteBoolean("can_wait", true);
        }

        if (call.Status == CallStatus.Failed)
        {
            json.WriteString("status", LedgerWords.Word(call.Status));
            json.WriteString("error", call.Error);
        }

        json.WriteString("user", call.Attribution.User);
        json.WriteString("team", call.Attribution.Team);
        json.WriteString("project", call.Attribution.Project);
        json.WriteString("feature", call.Attribution.Feature);
        json.WriteString("session", call.Attribution.Session);
        if (call.Attribution.Agent is { } agent)
        {
            json.WriteString("agent", agent);
        }

        json.WriteEndObject();
    }
}
