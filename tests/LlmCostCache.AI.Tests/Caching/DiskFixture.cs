using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>A disk layer alone, in a home of its own or in that of another one, with a clock that stands still.</summary>
internal sealed class DiskFixture : IDisposable
{
    private readonly TempHome? _owned;

    public DiskFixture(string? home = null, AnswerSeal? seal = null, long limit = 64 << 20, FakeTimeProvider? time = null, ILogger? logger = null)
    {
        _owned = home is null ? new TempHome() : null;
        Home = home ?? _owned!.Path;
        Time = time ?? new FakeTimeProvider(new DateTimeOffset(2026, 9, 1, 12, 0, 0, TimeSpan.Zero));
        Invalidations = new Invalidations(Time);
        Layer = DiskLayer.TryOpen(Home, limit, seal ?? AnswerSeal.None, Time, Invalidations, logger ?? NullLogger.Instance, Failures.Enqueue)!;
    }

    public string Home { get; }

    public string Path => System.IO.Path.Combine(Home, DiskFile.Name);

    public FakeTimeProvider Time { get; }

    public Invalidations Invalidations { get; }

    public DiskLayer Layer { get; }

    public ConcurrentQueue<string> Failures { get; } = [];

    public static CacheKey KeyOf(string question) => new(SHA256.HashData(Encoding.UTF8.GetBytes(question)));

    public StoredAnswer Answer(string text = "Paris.") => new()
    {
        Messages = [new StoredMessage { Role = "assistant", Contents = [new StoredContent { Kind = StoredContentKind.Text, Text = text }] }],
        FinishReason = "stop",
        Model = "gpt-4o-mini",
        Original = CacheFixture.Cost,
        AskedAt = Invalidations.Stamp(),
        StoredAt = Time.GetUtcNow(),
        ExpiresAt = Time.GetUtcNow() + TimeSpan.FromHours(1),
    };

    public void Put(string question, StoredAnswer? answer = null, RequestOutline? outline = null) => Layer.Put(KeyOf(question), answer ?? Answer(), () => outline);

    public string? Find(string question) => Layer.Find(KeyOf(question))?.ToResponse().Text;

    public Task FlushAsync() => Layer.FlushAsync();

    /// <summary>Runs SQL beside the layer, as somebody else would.</summary>
    public void Sql(string sql) => Sql(Path, sql);

    public static void Sql(string path, string sql)
    {
        using var connection = Open(path);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public T Ask<T>(string sql)
    {
        using var connection = Open(Path);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (T)command.ExecuteScalar()!;
    }

    public SqliteConnection Open() => Open(Path);

    public static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        return connection;
    }

    public void Dispose()
    {
        Layer?.Dispose();
        _owned?.Dispose();
    }
}
