using System.Text;

namespace LlmCostCache.AI.Cli.Caching;

/// <summary>Asks before something is gone.</summary>
internal static class Confirmation
{
    /// <returns>Whether whoever sits there said yes.</returns>
    /// <exception cref="UsageException">Nobody sits there.</exception>
    public static async Task<bool> AskAsync(CliHost host, string question, CancellationToken cancellationToken)
    {
        if (!host.IsInteractive)
        {
            throw new UsageException($"{question} Nobody is there to ask; repeat the command with --yes, or with --dry-run to see what it would do.");
        }

        await host.Error.WriteAsync($"{question} [y/N] ").ConfigureAwait(false);
        await host.Error.FlushAsync(cancellationToken).ConfigureAwait(false);
        using var reader = new StreamReader(host.Input, Encoding.UTF8, leaveOpen: true);
        var answer = await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false);
        return answer?.Trim() is { } word && (word.Equals("y", StringComparison.OrdinalIgnoreCase) || word.Equals("yes", StringComparison.OrdinalIgnoreCase));
    }
}
