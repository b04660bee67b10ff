using System.Collections.Immutable;
using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>A line of an export that is being written.</summary>
internal abstract class ExportLine : IDisposable
{
    public abstract void Text(string name, string? value);

    /// <summary>A time in UTC: text with up to six digits of a second, where the format has nothing better.</summary>
    public virtual void Instant(string name, DateTimeOffset value) => Text(name, value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture));

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
