namespace LlmCostCache.AI.Tests;

/// <summary>The ledgers that the cases share: one for each day and each set of names the user has mapped.</summary>
public sealed class ConformanceBooks : IAsyncDisposable
{
    private readonly Dictionary<string, (TempHome Home, LlmCosts Costs)> _books = [];

    public LlmCosts Of(ConformanceCase test)
    {
        var key = $"{test.At:O} {string.Join(' ', test.Aliases.Select(alias => $"{alias.Key}={alias.Value}"))}";
        if (!_books.TryGetValue(key, out var book))
        {
            var home = new TempHome();
            _books[key] = book = (home, LlmCosts.Open(o =>
            {
                o.HomeDirectory = home.Path;
                o.TimeProvider = new FixedClock(test.At);
                foreach (var (alias, model) in test.Aliases)
                {
                    o.ModelAliases[alias] = model;
                }
            }));
        }

        return book.Costs;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (home, costs) in _books.Values)
        {
            await costs.DisposeAsync();
            home.Dispose();
        }
    }
}
