using System.Collections.Immutable;

namespace LlmCostCache.AI;

/// <summary>A line of an export that is being written.</summary>
internal abstract class ExportLine : IDisposable
{
    public abstract void Text(string name, string? value);

    public abstract void Number(string name, long? value);

    /// <summary>A decimal: a string in JSON, because readers there would round it.</summary>
    public abstract void Decimal(string name, decimal? value);

    public abstract void Flag(string name, bool value);

    public abstract void Tags(string name, ImmutableArray<string> tags);

    public abstract void End();

    /// <summary>Writes the names of the fields that <paramref name="row"/> writes, where the format has such a line.</summary>
    public virtual void Header(Action row)
    {
    }

    public abstract void Dispose();
}
