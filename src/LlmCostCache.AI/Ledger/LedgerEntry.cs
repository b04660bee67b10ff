using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>A row of the table <c>entry</c>: a call, or what became known about one later.</summary>
/// <remarks>In an adjustment the amounts and counts are differences and everything else is the new value; <see cref="Plus"/> folds it into its call.</remarks>
internal sealed record LedgerEntry
{
    public long Sequence { get; init; }

    public required string Id { get; init; }

    public long? Adjusts { get; init; }

    public required string CallId { get; init; }

    public int Attempt { get; init; }

    public long At { get; init; }

    public long RecordedAt { get; init; }

    public required string Operation { get; init; }

    public string? Provider { get; init; }

    public string? RequestedModel { get; init; }

    public string? Model { get; init; }

    public string? ModelKey { get; init; }

    public CallStatus Status { get; init; }

    public CostCertainty Certainty { get; init; }

    public long? CostNanos { get; init; }

    public long? LowNanos { get; init; }

    public long? HighNanos { get; init; }

    public long BookedNanos { get; init; }

    public long Unpriced { get; init; }

    public long SavedNanos { get; init; }

    public TokenUsage Usage { get; init; } = TokenUsage.None;

    public required string Currency { get; init; }

    public decimal? NativeCost { get; init; }

    public decimal? FxRate { get; init; }

    public DateOnly? FxDate { get; init; }

    public CacheLayer CacheLayer { get; init; }

    public string? PriceRevision { get; init; }

    public string? Reason { get; init; }

    public required string UsageSource { get; init; }

    public string? Flags { get; init; }

    public string? ServiceTier { get; init; }

    public string? Region { get; init; }

    public string? FinishReason { get; init; }

    public string? Error { get; init; }

    public long LatencyMs { get; init; }

    public long? FirstChunkMs { get; init; }

    public bool Streamed { get; init; }

    public Attribution Attribution { get; init; } = Attribution.None;

    public string? TraceId { get; init; }

    public string? SpanId { get; init; }

    public string? ResponseId { get; init; }

    public bool IsAdjustment => Adjusts is not null;

    /// <summary>What the row adds to a budget of this unit. Answers from a cache took no tokens and no request, whatever they say of the call that they saved.</summary>
    public long CountOf(BudgetUnit unit) => unit switch
    {
        BudgetUnit.Usd => BookedNanos,
        _ when CacheLayer != CacheLayer.None => 0,
        BudgetUnit.Tokens => Usage.TotalTokens,
        _ => Usage.Requests,
    };

    /// <summary>The row of a call.</summary>
    public static LedgerEntry Of(UsageRecord record)
    {
        var cost = record.Cost;
        var known = cost.Certainty != CostCertainty.Unknown;
        return new LedgerEntry
        {
            Id = record.Id,
            CallId = record.CallId ?? record.Id,
            Attempt = record.Attempt,
            At = LedgerTime.Micros(record.At),
            Operation = SoundText.Of(record.Operation)!,
            Provider = SoundText.Of(record.Provider),
            RequestedModel = SoundText.Of(record.RequestedModel),
            Model = SoundText.Of(record.Model),
            ModelKey = SoundText.Of(record.ModelKey),
            Status = record.Status,
            Certainty = cost.Certainty,
            CostNanos = known ? cost.Amount!.Value.Nanos : null,
            LowNanos = known ? cost.Low.Nanos : null,
            HighNanos = known ? cost.High.Nanos : null,
            BookedNanos = known ? cost.Amount!.Value.Nanos : 0,
            Unpriced = known ? 0 : 1,
            SavedNanos = cost.Saved.Nanos,
            Usage = cost.Usage,
            Currency = record.Currency,
            NativeCost = record.NativeCost,
            FxRate = record.FxRate,
            FxDate = record.FxDate,
            CacheLayer = cost.CacheLayer,
            PriceRevision = cost.PriceRevision,
            Reason = cost.Reason,
            UsageSource = record.UsageSource,
            Flags = record.Flags,
            ServiceTier = record.ServiceTier,
            Region = record.Region,
            FinishReason = record.FinishReason,
            Error = record.Error,
            LatencyMs = record.Latency.Ticks / TimeSpan.TicksPerMillisecond,
            FirstChunkMs = record.TimeToFirstChunk?.Ticks / TimeSpan.TicksPerMillisecond,
            Streamed = record.Streamed,
            Attribution = SoundText.Of(record.Attribution),
            TraceId = record.TraceId,
            SpanId = record.SpanId,
            ResponseId = record.ResponseId,
        };
    }

    public UsageRecord ToRecord() => new()
    {
        Id = Id,
        CallId = CallId,
        Attempt = Attempt,
        At = LedgerTime.Instant(At),
        Operation = Operation,
        Provider = Provider,
        RequestedModel = RequestedModel,
        Model = Model,
        ModelKey = ModelKey,
        Status = Status,
        Cost = new CallCost
        {
            Certainty = Certainty,
            Amount = CostNanos is { } cost ? Money.FromNanos(cost) : null,
            Low = Money.FromNanos(LowNanos ?? 0),
            High = HighNanos is { } high ? Money.FromNanos(high) : Money.MaxValue,
            Saved = Money.FromNanos(SavedNanos),
            CacheLayer = CacheLayer,
            Usage = Usage,
            PriceRevision = PriceRevision,
            Reason = Reason,
        },
        Currency = Currency,
        NativeCost = NativeCost,
        FxRate = FxRate,
        FxDate = FxDate,
        UsageSource = UsageSource,
        Flags = Flags,
        ServiceTier = ServiceTier,
        Region = Region,
        FinishReason = FinishReason,
        Error = Error,
        Latency = TimeSpan.FromTicks(LatencyMs * TimeSpan.TicksPerMillisecond),
        TimeToFirstChunk = FirstChunkMs is { } first ? TimeSpan.FromTicks(first * TimeSpan.TicksPerMillisecond) : null,
        Streamed = Streamed,
        Attribution = Attribution,
        TraceId = TraceId,
        SpanId = SpanId,
        ResponseId = ResponseId,
    };

    /// <summary>The call with an adjustment folded in.</summary>
    public LedgerEntry Plus(LedgerEntry adjustment)
    {
        var known = adjustment.Certainty != CostCertainty.Unknown;
        return adjustment with
        {
            Sequence = Sequence,
            Id = Id,
            Adjusts = null,
            RecordedAt = RecordedAt,
            CostNanos = known ? checked((CostNanos ?? 0) + adjustment.CostNanos) : null,
            LowNanos = known ? checked((LowNanos ?? 0) + adjustment.LowNanos) : null,
            HighNanos = known ? checked((HighNanos ?? 0) + adjustment.HighNanos) : null,
            BookedNanos = checked(BookedNanos + adjustment.BookedNanos),
            Unpriced = Unpriced + adjustment.Unpriced,
            SavedNanos = checked(SavedNanos + adjustment.SavedNanos),
            Usage = Usage + adjustment.Usage,
        };
    }

    /// <summary>The adjustment that turns this call into <paramref name="truth"/>. When, for whom and which model was asked for stay as they were first written.</summary>
    public LedgerEntry AdjustmentTo(LedgerEntry truth, string id) => truth with
    {
        Id = id,
        Adjusts = Sequence,
        CallId = CallId,
        Attempt = Attempt,
        At = At,
        RequestedModel = RequestedModel,
        ModelKey = ModelKey,
        Attribution = Attribution,
        CostNanos = checked((truth.CostNanos ?? 0) - (CostNanos ?? 0)),
        LowNanos = checked((truth.LowNanos ?? 0) - (LowNanos ?? 0)),
        HighNanos = checked((truth.HighNanos ?? 0) - (HighNanos ?? 0)),
        BookedNanos = checked(truth.BookedNanos - BookedNanos),
        Unpriced = truth.Unpriced - Unpriced,
        SavedNanos = checked(truth.SavedNanos - SavedNanos),
        Usage = TokenBuckets.Difference(Usage, truth.Usage),
    };

    public LedgerEntry WithFlag(string flag) => this with { Flags = Flags is null ? flag : Flags.Split(',').Contains(flag) ? Flags : $"{Flags},{flag}" };

    /// <summary>Binds every column but the last, adding each to the hash, then the hash itself.</summary>
    /// <param name="row">Where to.</param>
    /// <param name="sequence">The row's place.</param>
    /// <param name="recordedAt">When it is written.</param>
    /// <param name="previousHash">The hash of the row before it.</param>
    /// <returns>The hash of the row.</returns>
    public byte[] Bind(LedgerRowBinder row, long sequence, long recordedAt, ReadOnlySpan<byte> previousHash)
    {
        row.Start();
        row.Put(sequence);
        row.Put(Id);
        row.Put(IsAdjustment ? "adjustment" : "call");
        row.Put(Adjusts);
        row.Put(CallId);
        row.Put(Attempt);
        row.Put(At);
        row.Put(recordedAt);
        row.Put(Operation);
        row.Put(Provider);
        row.Put(RequestedModel);
        row.Put(Model);
        row.Put(ModelKey);
        row.Put(LedgerWords.Word(Status));
        row.Put(LedgerWords.Word(Certainty));
        row.Put(CostNanos);
        row.Put(LowNanos);
        row.Put(HighNanos);
        row.Put(BookedNanos);
        row.Put(Unpriced);
        row.Put(SavedNanos);
        Span<long> buckets = stackalloc long[TokenBuckets.Count];
        TokenBuckets.Write(Usage, buckets);
        foreach (var count in buckets[..TokenBuckets.FirstCount])
        {
            row.Put(count);
        }

        row.Put(Currency);
        row.Put(NativeCost?.ToString(CultureInfo.InvariantCulture));
        row.Put(FxRate?.ToString(CultureInfo.InvariantCulture));
        row.Put(FxDate?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        row.Put(LedgerWords.Word(CacheLayer));
        row.Put(PriceRevision);
        row.Put(Reason);
        row.Put(UsageSource);
        row.Put(Flags);
        row.Put(ServiceTier);
        row.Put(FinishReason);
        row.Put(Error);
        row.Put(LatencyMs);
        row.Put(FirstChunkMs);
        row.Put(Streamed ? 1 : 0);
        row.Put(Attribution.Tenant);
        row.Put(Attribution.Project);
        row.Put(Attribution.Team);
        row.Put(Attribution.User);
        row.Put(Attribution.Feature);
        row.Put(Attribution.Session);
        row.Put(Attribution.Agent);
        row.Put(LedgerTags.Write(Attribution.Tags));
        row.Put(TraceId);
        row.Put(SpanId);
        row.Put(ResponseId);
        foreach (var count in buckets[TokenBuckets.FirstCount..])
        {
            row.PutLater(count);
        }

        row.PutLater(Region);
        return row.PutHash(previousHash);
    }

    /// <summary>Whether <see cref="Read"/> met what no writer wrote: the row was changed, and the chain says so.</summary>
    public static bool IsUnreadable(Exception error) => error is FormatException or LlmCostException or OverflowException or System.Text.Json.JsonException or InvalidOperationException;

    /// <summary>Reads a row selected with every column in the order of the table.</summary>
    public static LedgerEntry Read(SqliteStatement row)
    {
        Span<long> buckets = stackalloc long[TokenBuckets.Count];
        for (var i = 0; i < buckets.Length; i++)
        {
            buckets[i] = row.Int64(i < TokenBuckets.FirstCount ? 21 + i : LedgerBook.FirstColumns + i - TokenBuckets.FirstCount);
        }

        return new LedgerEntry
        {
            Sequence = row.Int64(0),
            Id = row.Text(1),
            Adjusts = row.NullableInt64(3),
            CallId = row.Text(4),
            Attempt = checked((int)row.Int64(5)),
            At = row.Int64(6),
            RecordedAt = row.Int64(7),
            Operation = row.Text(8),
            Provider = row.NullableText(9),
            RequestedModel = row.NullableText(10),
            Model = row.NullableText(11),
            ModelKey = row.NullableText(12),
            Status = LedgerWords.Status(row.Text(13)),
            Certainty = LedgerWords.Certainty(row.Text(14)),
            CostNanos = row.NullableInt64(15),
            LowNanos = row.NullableInt64(16),
            HighNanos = row.NullableInt64(17),
            BookedNanos = row.Int64(18),
            Unpriced = row.Int64(19),
            SavedNanos = row.Int64(20),
            Usage = TokenBuckets.Read(buckets),
            Currency = row.Text(36),
            NativeCost = row.NullableText(37) is { } native ? decimal.Parse(native, CultureInfo.InvariantCulture) : null,
            FxRate = row.NullableText(38) is { } rate ? decimal.Parse(rate, CultureInfo.InvariantCulture) : null,
            FxDate = row.NullableText(39) is { } date ? DateOnly.ParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture) : null,
            CacheLayer = LedgerWords.Layer(row.Text(40)),
            PriceRevision = row.NullableText(41),
            Reason = row.NullableText(42),
            UsageSource = row.Text(43),
            Flags = row.NullableText(44),
            ServiceTier = row.NullableText(45),
            FinishReason = row.NullableText(46),
            Error = row.NullableText(47),
            LatencyMs = row.Int64(48),
            FirstChunkMs = row.NullableInt64(49),
            Streamed = row.Int64(50) != 0,
            Attribution = new Attribution
            {
                Tenant = row.NullableText(51),
                Project = row.NullableText(52),
                Team = row.NullableText(53),
                User = row.NullableText(54),
                Feature = row.NullableText(55),
                Session = row.NullableText(56),
                Agent = row.NullableText(57),
                Tags = LedgerTags.Read(row.NullableText(58)),
            },
            TraceId = row.NullableText(59),
            SpanId = row.NullableText(60),
            ResponseId = row.NullableText(61),
            Region = row.NullableText(70),
        };
    }
}
