using System.Collections;
using System.Text;

namespace LlmCostCache.AI;

/// <summary>
/// What a piece of a stream says that the model has written, where its adapter hands nothing on: the arguments of a function are kept back until they are whole. A reader who
/// leaves before that has paid for them.
/// </summary>
internal static class UnseenOutput
{
    /// <summary>UTF-8 bytes of arguments, and of code that the provider runs itself; zero when there are none, or nobody can tell. Never throws.</summary>
    /// <param name="raw">What the adapter made the piece from; null when it does not say.</param>
    public static long BytesOf(object? raw)
    {
        try
        {
            // OpenAI's chat completions list the calls of a piece; its responses, and Anthropic, have a delta for one of them.
            if (raw is null || RawProperties.Get(raw, "ToolCallUpdates") is not IEnumerable calls)
            {
                var delta = raw is null ? null : RawProperties.Get(RawProperties.Get(raw, "Value") ?? raw, "Delta");
                return delta is null ? 0 : Length(RawProperties.Get(RawProperties.Get(delta, "Value") ?? delta, "PartialJson") ?? delta);
            }

            long bytes = 0;
            foreach (var call in calls)
            {
                bytes += Length(RawProperties.Get(call, "FunctionName")) + Length(RawProperties.Get(call, "FunctionArgumentsUpdate"));
            }

            return bytes;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Other people's objects: the answer goes on, whatever they do when they are looked at.
            return 0;
        }
    }

    private static long Length(object? written) => written switch
    {
        string text => Encoding.UTF8.GetByteCount(text),
        BinaryData data => data.ToMemory().Length,
        _ => 0,
    };
}
