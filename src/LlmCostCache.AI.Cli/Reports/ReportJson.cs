using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>A report as machines read it; each field is explained in docs/reference/json.md.</summary>
internal sealed class ReportJson(Report report)
{
    public const string Schema = "report/1";

    private readonly ReportChoice _choice = report.Choice;

    public void WriteFields(Utf8JsonWriter json)
    {
        json.WriteString("by", Dimensions.WordOf(_choice.By));
        json.WriteString("then_by", _choice.ThenBy is { } second ? Dimensions.WordOf(second) : null);
        json.WriteString("timezone", report.Calendar.Zone.Id);
        TotalJson.WriteInstant(json, "since", report.Filter.Since);
        TotalJson.WriteInstant(json, "until", report.Filter.Until);
        if (report.ComparedWith is { } before)
        {
            json.WriteStartObject("compared_with");
            TotalJson.WriteInstant(json, "since", before.Since);
            TotalJson.WriteInstant(json, "until", before.Until);
            json.WriteEndObject();
        }

        json.WriteStartArray("groups");
        foreach (var group in report.Groups)
        {
            if (_choice.ThenBy is null || _choice.Breakdown)
            {
                WriteGroup(json, group);
                continue;
            }

            foreach (var part in group.Parts)
            {
                json.WriteStartObject();
                json.WriteString("key", part.Key);
                json.WriteString("then_key", part.ThenKey);
                WriteFields(json, part);
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
        if (report.Others is { } others)
        {
            json.WriteStartObject("others");
            json.WriteNumber("groups", report.OtherGroups);
            WriteFields(json, others);
            json.WriteEndObject();
        }

        json.WriteStartObject("total");
        WriteFields(json, report.Total);
        json.WriteEndObject();
        Conversions.WriteFields(json, report.Converted);
        report.Display?.WriteFields(json, report.Total.Total);
    }

    private void WriteGroup(Utf8JsonWriter json, ReportGroup group)
    {
        if (group.Sum.IsGap)
        {
            return;
        }

        json.WriteStartObject();
        json.WriteString("key", group.Sum.Key);
        WriteFields(json, group.Sum);
        if (_choice.Breakdown)
        {
            json.WriteStartArray("models");
            foreach (var part in group.Parts)
            {
                json.WriteStartObject();
                json.WriteString("model", part.ThenKey);
                WriteFields(json, part);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private void WriteFields(Utf8JsonWriter json, ReportRow row)
    {
        TotalJson.WriteFields(json, row.Total);
        json.WriteString("per_call_usd", row.PerCall is { } average ? Decimals.Text(average) : null);
        if (_choice.Latency)
        {
            if (row.Latency is { } latency)
            {
                json.WriteNumber("latency_ms", Milliseconds(latency));
            }
            else
            {
                json.WriteNull("latency_ms");
            }
        }

        if (report.ComparedWith is not null)
        {
            json.WriteStartObject("before");
            json.WriteNumber("spent_nanos", row.Before?.Spent.Nanos ?? 0);
            json.WriteNumber("saved_nanos", row.Before?.Saved.Nanos ?? 0);
            json.WriteNumber("calls", row.Before?.Calls ?? 0);
            json.WriteNumber("unpriced", row.Before?.Unpriced ?? 0);
            json.WriteEndObject();
            json.WriteNumber("change_nanos", row.Change.Nanos);
            if (row.ChangeShare is { } share)
            {
                json.WriteNumber("change_share", share);
            }
            else
            {
                json.WriteNull("change_share");
            }
        }
    }

    public static decimal Milliseconds(TimeSpan latency) => decimal.Round((decimal)latency.Ticks / TimeSpan.TicksPerMillisecond, 3);
}
