using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>Answers in SQLite as one writes it by hand: a pooled connection and a new command for each look-up, the answer as JSON.</summary>
internal sealed class UsualAnswerTable(string path)
{
    private readonly string _connectionString = $"Data Source={path}";

    public void Fill(IEnumerable<(byte[] Key, ChatResponse Answer)> answers)
    {
        using var connection = new SqliteConnection(_connectionString);
        connection.Open();
        using (var create = connection.CreateCommand())
        {
            create.CommandText = "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE answer (key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL)";
            create.ExecuteNonQuery();
        }

        using var transaction = connection.BeginTransaction();
        using var insert = connection.CreateCommand();
        insert.CommandText = "INSERT INTO answer (key, value) VALUES ($key, $value)";
        var (key, value) = (insert.Parameters.Add("$key", SqliteType.Blob), insert.Parameters.Add("$value", SqliteType.Blob));
        foreach (var answer in answers)
        {
            key.Value = answer.Key;
            value.Value = JsonSerializer.SerializeToUtf8Bytes(answer.Answer, AIJsonUtilities.DefaultOptions);
            insert.ExecuteNonQuery();
        }

        transaction.Commit();
    }

    public ChatResponse? Find(byte[] key)
    {
        using var connection = new SqliteConnection(_connectionString);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT value FROM answer WHERE key = $key";
        command.Parameters.AddWithValue("$key", key);
        using var reader = command.ExecuteReader();
        return reader.Read() ? JsonSerializer.Deserialize<ChatResponse>(reader.GetFieldValue<byte[]>(0), AIJsonUtilities.DefaultOptions) : null;
    }
}
