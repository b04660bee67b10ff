using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>
/// Says on standard error that long work goes on, and how far it is, after the first second. In a terminal it is one line that is drawn anew and is gone when the work is done; in a
/// log it is a line at each look after a second, two, four and so on, so that the log stays short.
/// </summary>
internal sealed class Progress : IDisposable
{
    private const string Cut = "...";

    /// <summary>Of a terminal that only standard error goes to.</summary>
    private const int UsualWidth = 80;

    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly CliHost _host;
    private readonly string _what;
    private readonly Lock _line = new();
    private readonly long _startedAt;
    private readonly ITimer? _timer;
    private TimeSpan _nextInLog = s_pause;
    private long _done;
    private int _written;
    private bool _ended;

    /// <param name="host">Where it is said.</param>
    /// <param name="what">What is done, as in "reading rows, because sessions are in no sum".</param>
    public Progress(CliHost host, string what)
    {
        (_host, _what, _startedAt) = (host, what, host.Time.GetTimestamp());
        _timer = host.IsWatched ? host.Time.CreateTimer(_ => Draw(), null, s_pause, s_pause) : null;
    }

    /// <summary>How many are done.</summary>
    public void Report(long done)
    {
        Volatile.Write(ref _done, done);
        if (_timer is null)
        {
            SayNowAndThen();
        }
    }

    /// <summary>How many more are done.</summary>
    public void Add(int more) => Report(Volatile.Read(ref _done) + more);

    public void Dispose()
    {
        _timer?.Dispose();
        lock (_line)
        {
            _ended = true;
            if (_written > 0)
            {
                _host.Error.Write($"\r{new string(' ', _written)}\r");
            }
        }
    }

    private void Draw()
    {
        lock (_line)
        {
            if (!_ended)
            {
                var text = Text(Width);
                _host.Error.Write($"\r{text.PadRight(_written)}");
                _written = Math.Max(_written, text.Length);
            }
        }
    }

    private void SayNowAndThen()
    {
        if (_host.Time.GetElapsedTime(_startedAt) >= _nextInLog)
        {
            _host.Error.WriteLine(Text(int.MaxValue));
            _nextInLog *= 2;
        }
    }

    /// <summary>What is written into the last column begins a new line in many terminals, and a carriage return does not take back more than one.</summary>
    private int Width => (_host.IsDrawn ? _host.Console.Profile.Width : UsualWidth) - 1;

    private string Text(int width)
    {
        var (done, seconds) = (Volatile.Read(ref _done), (long)_host.Time.GetElapsedTime(_startedAt).TotalSeconds);
        var (what, count) = (Shown.OneLine($"llmcost: {_what}"), $"{(done > 0 ? $", {Amounts.Count(done)} so far" : "")} ({seconds} s)");
        return what.Length + count.Length <= width ? what + count : $"{what[..Math.Clamp(width - count.Length - Cut.Length, 0, what.Length)]}{Cut}{count}";
    }
}
