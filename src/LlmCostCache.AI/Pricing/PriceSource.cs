using System.Text;

namespace LlmCostCache.AI;

/// <summary>A text that overrides what is built in, and the name by which errors call it.</summary>
internal readonly record struct PriceSource(byte[] Json, string Name)
{
    /// <summary>An environment variable that holds JSON or the path of a file with it; null when it is not set.</summary>
    /// <exception cref="LlmCostException">The file cannot be read.</exception>
    public static PriceSource? FromVariable(string variable, string? value) => value?.Trim() switch
    {
        null or "" => null,
        ['{', ..] json => new(Encoding.UTF8.GetBytes(json), variable),
        var path => new(Read(path, $"{variable} ({path})"), $"{variable} ({path})"),
    };

    /// <summary>A file in the home directory; null when there is none.</summary>
    /// <exception cref="LlmCostException">The file cannot be read.</exception>
    public static PriceSource? FromHome(string? homeDirectory, string file) =>
        homeDirectory is not null && Path.Combine(homeDirectory, file) is var path && File.Exists(path) ? new(Read(path, path), path) : null;

    private static byte[] Read(string path, string name)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new LlmCostException($"{name}: neither JSON nor a file that can be read ({e.Message.TrimEnd('.')}).", e);
        }
    }
}
