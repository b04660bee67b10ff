using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Forecasts;

/// <summary>From how many calls a day on hardware of one's own is cheaper than paying per call.</summary>
internal sealed record BreakEven
{
    private const int HoursOfDay = 24;
    private const int SecondsOfDay = 86_400;

    public required decimal PricePerHour { get; init; }

    public required decimal TokensPerSecond { get; init; }

    /// <summary>Paid calls of which cost and number are known.</summary>
    public required MeasuredCalls Measured { get; init; }

    public required decimal Days { get; init; }

    public decimal MachinePerDay => PricePerHour * HoursOfDay;

    public decimal? PerCall => Measured.Calls == 0 ? null : Measured.Spent.Usd / Measured.Calls;

    public decimal? TokensPerCall => Measured.Calls == 0 ? null : Measured.Tokens / Measured.Calls;

    /// <summary>What one machine must answer in a day to cost what the calls cost. Null when calls cost nothing, or there are none.</summary>
    public decimal? BreakEvenCalls => PerCall is > 0 ? MachinePerDay / PerCall : null;

    /// <summary>What one machine can answer in a day if it never waits; null without tokens.</summary>
    public decimal? Capacity => TokensPerCall is > 0 ? TokensPerSecond * SecondsOfDay / TokensPerCall : null;

    /// <summary>The number of calls a day from which on own hardware is cheaper, whatever their number; null when it never is, or that is not known.</summary>
    /// <remarks>
    /// With k machines it is cheaper from k × break-even to k × capacity calls. Right above that another machine is needed, whose break-even may not be reached yet; from the k on
    /// with (k + 1) × break-even at or below k × capacity there is no such gap any more.
    /// </remarks>
    public decimal? CheaperFrom => BreakEvenCalls is { } breakEven && Capacity is { } capacity && breakEven < capacity
        ? Math.Max(1, decimal.Ceiling(breakEven / (capacity - breakEven))) * breakEven
        : null;

    /// <summary>Measured; null below a day.</summary>
    public decimal? CallsPerDay => Days < 1 ? null : Measured.Calls / Days;

    public decimal? Machines => CallsPerDay is { } calls && Capacity is { } most ? Math.Max(1, decimal.Ceiling(calls / most)) : null;

    public void WriteFields(Utf8JsonWriter json)
    {
        json.WriteStartObject("break_even");
        json.WriteString("price_per_hour_usd", Decimals.Text(PricePerHour));
        json.WriteString("tokens_per_second", Decimals.Text(TokensPerSecond));
        json.WriteString("machine_per_day_usd", Decimals.Text(MachinePerDay));
        json.WriteString("cost_per_call_usd", Text(PerCall, 12));
        json.WriteString("tokens_per_call", Text(TokensPerCall, 2));
        json.WriteString("break_even_calls_per_day", Text(BreakEvenCalls, 1));
        json.WriteString("capacity_calls_per_day", Text(Capacity, 1));
        json.WriteString("cheaper_from_calls_per_day", Text(CheaperFrom, 1));
        json.WriteNumber("calls", Measured.Calls);
        json.WriteNumber("uncounted", Measured.Uncounted);
        json.WriteString("calls_per_day", Text(CallsPerDay, 2));
        json.WriteString("machines", Text(Machines, 0));
        json.WriteString("own_per_day_usd", Text(Machines * MachinePerDay, 9));
        json.WriteString("api_per_day_usd", Text(PerCall * CallsPerDay, 9));
        json.WriteEndObject();
    }

    public IEnumerable<string> Sentences()
    {
        if (Measured.Uncounted > 0)
        {
            yield return $"{Amounts.Count(Measured.Uncounted, "row")} of providers' reports say nothing of how many calls they add up; they are not in it.";
        }

        if (BreakEvenCalls is not { } breakEven || Capacity is not { } capacity)
        {
            yield return "A break-even needs paid calls with counts and a cost above zero; there are none here.";
            yield break;
        }

        yield return $"Own hardware: {Decimals.Readable(PricePerHour, "0.00##")} x 24 hours / {Decimals.Readable(PerCall!.Value, "0.00#######")} per call = {Calls(breakEven)} calls a day to break even, all in dollars.";
        yield return $"One machine answers {Decimals.Readable(TokensPerSecond, "#,0.##")} tokens/s x 86,400 s / {Calls(TokensPerCall!.Value)} tokens per call = {Calls(capacity)} calls a day at most, if it never waits.";
        yield return CheaperFrom is not { } cheaperFrom ? "So it is never cheaper: a machine that works all day costs more than the calls it answers."
            : cheaperFrom == breakEven ? $"So it is cheaper from {Calls(breakEven)} calls a day on. Each {Calls(capacity)} calls take another machine."
            : $"So one machine is cheaper from {Calls(breakEven)} to {Calls(capacity)} calls a day. Right above that another one is needed that has too little to do; it is always cheaper from {Calls(cheaperFrom)} calls a day on.";
        if (CallsPerDay is { } calls)
        {
            yield return $"Here: {Calls(calls)} calls a day, measured on {Decimals.Readable(Days, "0.#")} days, cost {Dollars(PerCall.Value * calls)} a day; "
                + $"{Amounts.Count((long)Machines!.Value, "machine")} would cost {Dollars(Machines.Value * MachinePerDay)}.";
        }

        yield return "Not in it: people, idle hours between bursts, and whether the answers are as good.";
    }

    private static string Calls(decimal count) => Decimals.Readable(count, "#,0.#");

    private static string Dollars(decimal amount) => Decimals.Readable(amount, "#,0.00##");

    private static string? Text(decimal? amount, int digits) => amount is { } value ? Decimals.Text(Decimals.Rounded(value, digits)) : null;
}
