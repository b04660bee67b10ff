using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace LlmCostCache.AI;

/// <summary>Values of a configuration, and what to say of one that cannot be read.</summary>
internal static class ConfigurationValue
{
    public static decimal Number(IConfigurationSection entry, string expected) => Read(entry, Dollars, expected);

    /// <summary>An amount of money. Without commas: what one means by 2,50 is not 250.</summary>
    public static decimal Dollars(string text) =>
        decimal.Parse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign | NumberStyles.AllowExponent, CultureInfo.InvariantCulture);

    public static long Count(IConfigurationSection entry, string expected) => Read(entry, static text => long.Parse(text, CultureInfo.InvariantCulture), expected);

    public static T Name<T>(IConfigurationSection entry)
        where T : struct, Enum =>
        Enum.TryParse<T>(entry.Value, ignoreCase: true, out var value) && Enum.IsDefined(value) ? value : throw Wrong(entry, string.Join(", ", Enum.GetNames<T>()));

    public static T Read<T>(IConfigurationSection entry, Func<string, T> parse, string expected)
    {
        try
        {
            return parse(entry.Value ?? throw Wrong(entry, expected));
        }
        catch (Exception exception) when (exception is FormatException or OverflowException or TimeZoneNotFoundException or InvalidTimeZoneException or ArgumentException)
        {
            throw Wrong(entry, expected);
        }
    }

    /// <summary>What a list or a group holds. One value in its place is refused: passed over, a limit would not hold.</summary>
    public static IEnumerable<IConfigurationSection> Entries(IConfigurationSection section) =>
        section.Value is { Length: > 0 } ? throw Failure($"'{section.Path}' is one value; expected entries below it, such as '{section.Path}:0' of a list.") : section.GetChildren();

    /// <summary>A value that no message may quote.</summary>
    public static T Hidden<T>(IConfigurationSection entry, Func<string, T> parse)
    {
        try
        {
            return parse(entry.Value ?? "");
        }
        catch (ArgumentException exception)
        {
            throw Failure($"'{entry.Path}': {exception.Message}");
        }
    }

    public static OptionsValidationException Wrong(IConfigurationSection entry, string expected) => Failure($"'{entry.Path}' is '{entry.Value}'; expected {expected}.");

    public static OptionsValidationException Missing(IConfigurationSection section, string key) => Failure($"'{section.Path}' has no {key}.");

    public static OptionsValidationException OnlyInCode(IConfigurationSection entry) => Failure($"'{entry.Path}' can only be set in code.");

    public static OptionsValidationException Unknown(IConfigurationSection entry) => Failure($"'{entry.Path}' is not an option of LlmCostCache.AI.");

    private static OptionsValidationException Failure(string message) => new(Options.DefaultName, typeof(LlmCostsOptions), [message]);
}
