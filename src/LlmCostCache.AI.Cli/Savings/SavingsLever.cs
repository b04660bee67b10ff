namespace LlmCostCache.AI.Cli.Savings;

/// <summary>One way in which money was saved: a layer of the cache, or an offer of the provider.</summary>
internal sealed class SavingsLever(string name)
{
    public string Name { get; } = name;

    public long Calls { get; private set; }

    /// <summary>What the lever claims before anything is taken off.</summary>
    public Money Gross { get; private set; }

    /// <summary>What is left of it. Below zero where it cost more than it brought.</summary>
    public Money Net { get; private set; }

    /// <summary>What was taken off: a discount that the provider would have given anyway, or what the lever cost itself.</summary>
    public Money Less => Gross - Net;

    /// <summary>Calls of which nothing can be said; they are in no sum.</summary>
    public long Unknown { get; private set; }

    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public void Add(Money gross, Money net)
    {
        Calls++;
        Gross += gross;
        Net += net;
    }

    public void AddUnknown()
    {
        Calls++;
        Unknown++;
    }

    /// <summary>Several as one.</summary>
    public static SavingsLever Sum(string name, IEnumerable<SavingsLever> levers)
    {
        var sum = new SavingsLever(name);
        foreach (var lever in levers)
        {
            sum.Calls += lever.Calls;
            sum.Unknown += lever.Unknown;
            sum.Gross += lever.Gross;
            sum.Net += lever.Net;
        }

        return sum;
    }
}
