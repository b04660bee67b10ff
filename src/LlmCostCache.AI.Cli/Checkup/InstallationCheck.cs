using System.CommandLine;
using System.Globalization;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Checkup;

/// <summary>Checks the home directory and the machine; changes nothing.</summary>
internal sealed class InstallationCheck(string home, CommonOptions common, ParseResult parse, CliHost host)
{
    private const long LeastFreeBytes = 500L << 20;
    private const long MostLogBytes = 256L << 20;

    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private static readonly string[] s_privateFiles = ["ledger.db", "ledger.db-wal", "ledger.db-shm", "cache.db", "cache.db-wal", "cache.db-shm", "prices.json", "spool.jsonl"];

    private string LedgerPath => LedgerFile.PathIn(home);

    private bool HasLedger => File.Exists(LedgerPath);

    public IEnumerable<CheckResult> Run()
    {
        yield return Sqlite();
        yield return NetworkFileSystem();
        foreach (var result in Permissions())
        {
            yield return result;
        }

        yield return FreeDisk();
        yield return ZoneData();
        yield return PriceFiles();
        foreach (var result in Ledger())
        {
            yield return result;
        }
    }

    private CheckResult Sqlite() => Trying("sqlite_version", () => SqliteFile.RequireSoundVersion(LedgerPath, SqliteFile.LoadedVersion()), "Update llmcost, which brings SQLite along.");

    private CheckResult NetworkFileSystem() => Directory.Exists(home)
        ? Trying("network_file_system", () => SqliteFile.PrepareDirectory(home), "Move the home directory to a local disk and name it with LLMCOSTCACHE_HOME.")
        : new("network_file_system") { WhyNotChecked = "there is no home directory yet" };

    private IEnumerable<CheckResult> Permissions()
    {
        const string Check = "permissions";
        if (OperatingSystem.IsWindows())
        {
            yield return new(Check) { WhyNotChecked = "on Windows the rights of the user's directory hold" };
            yield break;
        }

        var paths = s_privateFiles.Select(name => Path.Combine(home, name)).Where(File.Exists).ToList();
        var found = false;
        foreach (var path in Directory.Exists(home) ? paths.Prepend(home) : paths)
        {
            var mode = File.GetUnixFileMode(path);

            // A directory that others can look into shows names of files that they cannot open; one that they can write to lets them put another ledger in its place.
            if ((mode & (path == home ? OthersWrite : Others)) != 0)
            {
                found = true;
                var (can, wanted) = path == home ? ("replace files in", "700") : ("use", "600");
                yield return new(Check) { What = $"Others on this machine can {can} '{path}' (mode {Convert.ToString((int)mode, 8)}).", Remedy = $"chmod {wanted} '{path}'" };
            }
        }

        if (!found)
        {
            yield return new(Check);
        }
    }

    private CheckResult FreeDisk()
    {
        try
        {
            var place = Directory.Exists(home) ? home : Path.GetPathRoot(home)!;
            var free = new DriveInfo(place).AvailableFreeSpace;
            var needed = Math.Max(LeastFreeBytes, HasLedger ? new FileInfo(LedgerPath).Length : 0);
            return free >= needed ? new("free_disk") : new("free_disk")
            {
                What = $"{Sizes.Text(free)} are free where the ledger lies; {Sizes.Text(needed)} or more leave room for its log and for a copy.",
                Remedy = "Free some space, or move the home directory. When the disk is full, calls of strict budgets are refused and others wait in a spool file.",
            };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new("free_disk") { WhyNotChecked = error.Message };
        }
    }

    private static CheckResult ZoneData() => TimeZoneInfo.TryFindSystemTimeZoneById("Europe/Berlin", out _) && TimeZoneInfo.TryFindSystemTimeZoneById("Asia/Kolkata", out _) ? new("zone_data") : new("zone_data")
    {
        What = "This machine has no time zone data, so days can only be counted in UTC.",
        Remedy = "Install it (the package tzdata; in Alpine images also icu-data-full).",
    };

    private CheckResult PriceFiles() => Trying("price_files", () => common.PricesOf(parse, host), "'llmcost prices check' names what is wrong; correct prices.json or LLMCOSTCACHE_PRICES.");

    private IEnumerable<CheckResult> Ledger()
    {
        if (!HasLedger)
        {
            yield return new("ledger") { WhyNotChecked = $"no calls recorded yet in {home}" };
            yield break;
        }

        var (stats, version, wrong) = (default(LedgerStatistics), 0L, default(string));
        try
        {
            using (LedgerReader.Open(LedgerPath, host.Time))
            {
                // Opening refuses a file that is no ledger, a newer schema and a zone that is not known here.
            }

            using (var connection = LedgerFile.OpenForReading(LedgerPath, asIs: true))
            {
                version = SqliteFile.Scalar(connection, "PRAGMA user_version");
            }

            stats = LedgerStatistics.Read(LedgerPath, host.Time);
        }
        catch (LlmCostException error)
        {
            wrong = error.Message;
        }

        if (stats is null)
        {
            yield return new("ledger") { What = wrong, Remedy = "'llmcost ledger verify' looks closer, 'llmcost ledger repair' mends what can be computed anew; a copy may be beside it (ledger.db.*.bak)." };
            yield break;
        }

        yield return new("ledger");
        yield return version == LedgerFile.Steps.Count ? new("schema") : new("schema")
        {
            What = string.Create(CultureInfo.InvariantCulture, $"The ledger has schema {version}, this version writes {LedgerFile.Steps.Count}; every command copies it first, which takes time."),
            Remedy = "Update the application that writes it; it brings the ledger up to date when it starts.",
        };
        yield return stats.LogBytes <= MostLogBytes ? new("log_size") : new("log_size")
        {
            What = $"The write-ahead log has grown to {Sizes.Text(stats.LogBytes)}: some process has kept the ledger open in the middle of a read.",
            Remedy = "Look for a backup tool or a database browser that holds ledger.db open, and close it.",
        };
        foreach (var result in Archives())
        {
            yield return result;
        }

        yield return stats.Spooled == 0 ? new("spool") : new("spool")
        {
            What = $"{Amounts.Count(stats.Spooled, "row")} could not be written to the ledger and {(stats.Spooled == 1 ? "waits" : "wait")} in a file beside it.",
            Calls = stats.Spooled,
            Remedy = "Start the application once with room on the disk: it takes them in. Until then reports lack them.",
        };
        yield return stats.Refused == 0 ? new("refused_rows") : new("refused_rows")
        {
            What = $"The ledger refused {Amounts.Count(stats.Refused, "row")}; {(stats.Refused == 1 ? "it is" : "they are")} kept in spool-refused.jsonl.",
            Calls = stats.Refused,
            Remedy = "Read the reasons there; what was spent on these calls is in no report.",
        };
    }

    /// <summary>Opens each; their rows are what 'llmcost ledger verify' reads.</summary>
    private IEnumerable<CheckResult> Archives()
    {
        using var connection = LedgerFile.OpenForReading(LedgerPath);
        var directory = LedgerArchive.DirectoryOf(LedgerPath);
        return
        [
            .. LedgerArchive.All(connection).Select(archive => Trying("archives", () => LedgerArchiveFile.Open(directory, archive).Dispose(),
                "Put the file back into the directory 'archive' beside the ledger; until then reports and exports that need its rows end with exit code 3.")).DefaultIfEmpty(new("archives")),
        ];
    }

    private static CheckResult Trying(string check, Action act, string remedy)
    {
        try
        {
            act();
            return new(check);
        }
        catch (LlmCostException error)
        {
            return new(check) { What = error.Message, Remedy = remedy };
        }
    }
}
