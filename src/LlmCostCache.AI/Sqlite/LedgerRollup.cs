using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>The sums by quarter-hour, kept in the transaction of the rows they sum. Gathers what a batch adds, so that a quarter-hour is written once for all its rows.</summary>
internal sealed class LedgerRollup : IDisposable
{
    /// <summary>The sums, in the order of <see cref="LedgerSums"/>.</summary>
    public const string SumColumns = """
        calls, unpriced, booked_nanos, low_nanos, high_nanos, saved_nanos,
        uncached_input_tokens, cached_input_tokens, cache_write_5m_tokens, cache_write_1h_tokens, input_audio_tokens, cached_audio_tokens,
        input_image_tokens, output_tokens, reasoning_tokens, output_audio_tokens, output_image_tokens, requests, web_searches, milliseconds, characters,
        cached_image_tokens, input_video_tokens, output_video_tokens, citation_tokens, images, video_milliseconds, compute_milliseconds, storage_byte_hours
        """;

    private const int MaxDimensions = 50_000;

    private readonly RowHasher _hasher = new();
    private readonly Dictionary<LedgerDimensions, long> _dimensions = [];
    private readonly Dictionary<(long Dimension, long Slot), LedgerSums> _added = [];
    private readonly SqliteStatement _selectDimension, _insertDimension, _add;

    public LedgerRollup(SqliteConnection connection)
    {
        _selectDimension = new SqliteStatement(connection, "SELECT id FROM dimension WHERE digest = ?1");
        _insertDimension = new SqliteStatement(connection, """
            INSERT INTO dimension (digest, provider, model, tenant, project, team, user, feature, agent, status, operation, cache_layer, whole)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) RETURNING id
            """);
        _add = new SqliteStatement(connection, $"""
            INSERT INTO rollup_slot (dimension, slot, {SumColumns})
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
                ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31)
                ON CONFLICT (dimension, slot) DO UPDATE SET
                calls = calls + excluded.calls,
                unpriced = unpriced + excluded.unpriced,
                booked_nanos = booked_nanos + excluded.booked_nanos,
                low_nanos = low_nanos + excluded.low_nanos,
                high_nanos = high_nanos + excluded.high_nanos,
                saved_nanos = saved_nanos + excluded.saved_nanos,
                uncached_input_tokens = uncached_input_tokens + excluded.uncached_input_tokens,
                cached_input_tokens = cached_input_tokens + excluded.cached_input_tokens,
                cache_write_5m_tokens = cache_write_5m_tokens + excluded.cache_write_5m_tokens,
                cache_write_1h_tokens = cache_write_1h_tokens + excluded.cache_write_1h_tokens,
                input_audio_tokens = input_audio_tokens + excluded.input_audio_tokens,
                cached_audio_tokens = cached_audio_tokens + excluded.cached_audio_tokens,
                input_image_tokens = input_image_tokens + excluded.input_image_tokens,
                output_tokens = output_tokens + excluded.output_tokens,
                reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
                output_audio_tokens = output_audio_tokens + excluded.output_audio_tokens,
                output_image_tokens = output_image_tokens + excluded.output_image_tokens,
                requests = requests + excluded.requests,
                web_searches = web_searches + excluded.web_searches,
                milliseconds = milliseconds + excluded.milliseconds,
                characters = characters + excluded.characters,
                cached_image_tokens = cached_image_tokens + excluded.cached_image_tokens,
                input_video_tokens = input_video_tokens + excluded.input_video_tokens,
                output_video_tokens = output_video_tokens + excluded.output_video_tokens,
                citation_tokens = citation_tokens + excluded.citation_tokens,
                images = images + excluded.images,
                video_milliseconds = video_milliseconds + excluded.video_milliseconds,
                compute_milliseconds = compute_milliseconds + excluded.compute_milliseconds,
                storage_byte_hours = storage_byte_hours + excluded.storage_byte_hours
            """);
    }

    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public void Add(LedgerEntry folded, int sign)
    {
        var (names, slot) = (LedgerDimensions.Of(folded), LedgerTime.Slot(folded.At));
        SumsOf(names, slot).Add(folded, sign);
        SumsOf(names.Whole, slot).Add(folded, sign);
    }

    public void Add(LedgerDimensions names, long slot, ReadOnlySpan<long> sums) => SumsOf(names, slot).Add(sums);

    /// <summary>Writes what was gathered; reading the sums and seeding a window from them need that first.</summary>
    public void Flush()
    {
        foreach (var ((dimension, slot), sums) in _added)
        {
            _add.Bind(1, dimension).Bind(2, slot);
            for (var i = 0; i < LedgerSums.Count; i++)
            {
                _add.Bind(3 + i, sums.Values[i]);
            }

            _add.Run();
        }

        _added.Clear();
    }

    /// <summary>Forgets what was gathered and remembered: the transaction, or a part of it, was undone.</summary>
    public void Forget()
    {
        _selectDimension.Reset();
        _insertDimension.Reset();
        _add.Reset();
        _added.Clear();
        _dimensions.Clear();
    }

    public void Dispose()
    {
        _selectDimension.Dispose();
        _insertDimension.Dispose();
        _add.Dispose();
    }

    private LedgerSums SumsOf(LedgerDimensions names, long slot)
    {
        var key = (DimensionOf(names), slot);
        if (!_added.TryGetValue(key, out var sums))
        {
            _added.Add(key, sums = new LedgerSums());
        }

        return sums;
    }

    private long DimensionOf(LedgerDimensions names)
    {
        if (_dimensions.TryGetValue(names, out var id))
        {
            return id;
        }

        var digest = names.Digest(_hasher);
        _selectDimension.Bind(1, digest.AsSpan());
        if (_selectDimension.Step())
        {
            id = _selectDimension.Int64(0);
            _selectDimension.Reset();
        }
        else
        {
            _insertDimension.Bind(1, digest.AsSpan()).Bind(2, names.Provider).Bind(3, names.Model).Bind(4, names.Tenant).Bind(5, names.Project).Bind(6, names.Team)
                .Bind(7, names.User).Bind(8, names.Feature).Bind(9, names.Agent).Bind(10, LedgerWords.Word(names.Status)).Bind(11, names.Operation).Bind(12, LedgerWords.Word(names.CacheLayer)).Bind(13, names.IsWhole ? 1 : 0);
            _insertDimension.Step();
            id = _insertDimension.Int64(0);
            _insertDimension.Run();
        }

        if (_dimensions.Count >= MaxDimensions)
        {
            _dimensions.Clear();
        }

        _dimensions.Add(names, id);
        return id;
    }
}
