namespace Quickstart;

/// <summary>Notes what is not as it should be; an example that quietly prints wrong numbers is worse than none.</summary>
internal sealed class Checks
{
    private readonly List<string> _failures = [];

    public void That(bool condition, string otherwise)
    {
        if (!condition)
        {
            _failures.Add(otherwise);
        }
    }

    /// <summary>The exit code: 0 when all is as expected, else 1.</summary>
    public int Report()
    {
        foreach (var failure in _failures)
        {
            Console.Error.WriteLine($"Not as expected: {failure}.");
        }

        return _failures.Count == 0 ? 0 : 1;
    }
}
