namespace LlmCostCache.AI;

/// <summary>
/// Finds the budgets that count a call without looking at every one: budgets that name the same kinds of things (a team and a model, say) form a shape, and within a shape the names lead to the
/// budget. Ten thousand budgets of ten thousand users cost one look-up. Not safe for changes beside readers.
/// </summary>
internal sealed class BudgetMatcher
{
    private readonly Dictionary<BudgetScope.Shape, Dictionary<BudgetScope, List<Entry>>> _shapes = [];
    private int _count;

    public BudgetMatcher(IEnumerable<Budget> budgets)
    {
        foreach (var budget in budgets)
        {
            Add(budget);
        }
    }

    public static BudgetMatcher Empty { get; } = new([]);

    public bool IsEmpty => _count == 0;

    public void Add(Budget budget)
    {
        var shape = budget.Scope.ShapeOf();
        if (!_shapes.TryGetValue(shape, out var byNames))
        {
            _shapes.Add(shape, byNames = []);
        }

        var names = budget.Scope.Names();
        if (!byNames.TryGetValue(names, out var entries))
        {
            byNames.Add(names, entries = []);
        }

        entries.Add(new(budget, _count++));
    }

    /// <summary>The budgets that count the call, in the order in which they were given.</summary>
    public List<BudgetMatch> Match(Attribution attribution, string? requestedModel, string? modelKey)
    {
        var found = new List<(int Order, BudgetMatch Match)>();
        var model = requestedModel?.ToUpperInvariant();
        var other = modelKey?.ToUpperInvariant();
        string?[] any = [null];
        string?[] models = [.. new[] { model, other }.Where(name => name is not null).Distinct()];
        foreach (var (shape, byNames) in _shapes)
        {
            var who = BudgetScope.Of(attribution, shape);
            foreach (var asked in shape.HasFlag(BudgetScope.Shape.Model) ? models : any)
            {
                if (!shape.HasFlag(BudgetScope.Shape.Tag))
                {
                    Look(who with { Model = asked });
                    continue;
                }

                foreach (var tag in attribution.Tags)
                {
                    Look(who with { Model = asked, Tag = tag });
                }
            }

            void Look(BudgetScope names)
            {
                foreach (var (budget, order) in byNames.GetValueOrDefault(names) ?? [])
                {
                    if (budget.Scope.TryMatch(attribution, requestedModel, modelKey, out var key))
                    {
                        found.Add((order, new(budget, key)));
                    }
                }
            }
        }

        if (found.Count > 1)
        {
            found.Sort(static (left, right) => left.Order.CompareTo(right.Order));
        }

        return found.ConvertAll(static pair => pair.Match);
    }

    private readonly record struct Entry(Budget Budget, int Order);
}
