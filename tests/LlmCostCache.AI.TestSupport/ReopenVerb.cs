namespace LlmCostCache.AI;

/// <summary>An application without a home of its own that begins while its home cannot be used. Says <c>unusable</c>, and after a line tries again and says where its home is.</summary>
internal static class ReopenVerb
{
    public static int Run()
    {
        try
        {
            _ = LlmCosts.Shared;
            return 1;
        }
        catch (StoreUnavailableException)
        {
            Console.Out.WriteLine("unusable");
        }

        Console.In.ReadLine();
        Console.Out.WriteLine(LlmCosts.Shared.HomeDirectory);
        return ReferenceEquals(LlmCosts.Shared, LlmCosts.Shared) ? 0 : 1;
    }
}
