namespace LlmCostCache.AI.Cli.Reports.Html;

/// <summary>How the page looks: light and dark, on a screen and on paper. Everything is in the page; nothing is loaded.</summary>
internal static class PageStyle
{
    public const string Css = """
        :root { color-scheme: light dark; --ink: #1c2230; --soft: #5b6475; --page: #f6f7f9; --card: #ffffff; --rule: #dfe3ea; --heat: #2f6fde; --good: #1a8f5f; --bad: #c8381f; --warn: #b87400;
          --c0: #2f6fde; --c1: #e08a00; --c2: #1a9c6b; --c3: #b0479b; --c4: #d2452f; --c5: #2a9bc0; --c6: #8a6d3b; --c7: #9aa1ad; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa4b5; --page: #12151b; --card: #1b2029; --rule: #323a47; --heat: #6ea2ff; --good: #4cc38a; --bad: #ff7b66; --warn: #f0b44c;
          --c0: #6ea2ff; --c1: #f2ab3d; --c2: #4cc38a; --c3: #d98bcb; --c4: #ff7b66; --c5: #62c4e3; --c6: #c3a46b; --c7: #7d8695; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        main { max-width: 1160px; margin: 0 auto; padding: 28px 24px 48px; }
        h1 { font-size: 26px; margin: 0 0 4px; letter-spacing: -0.01em; }
        h2 { font-size: 17px; margin: 0 0 12px; }
        p { margin: 6px 0; }
        .quiet { color: var(--soft); font-size: 13px; }
        .note { border-left: 3px solid var(--warn); padding: 2px 12px; margin: 16px 0 0; }
        section { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 18px 20px; margin-top: 18px; overflow-x: auto; }
        .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 18px; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 14px; margin-top: 18px; }
        .tile { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 16px; }
        .tile b { display: block; font-size: 22px; font-weight: 650; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
        .tile span { color: var(--soft); font-size: 13px; }
        svg { display: block; width: 100%; height: auto; }
        svg .tick { fill: var(--soft); font-size: 12px; } svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
        svg .grid { stroke: var(--rule); } svg .zero { stroke: var(--soft); }
        svg .line { fill: none; stroke: var(--c0); stroke-width: 2; } svg .dot { fill: var(--c0); }
        svg .heat { fill: var(--heat); } svg .none { fill: var(--rule); fill-opacity: 0.45; }
        .c0 { fill: var(--c0); --key: var(--c0); } .c1 { fill: var(--c1); --key: var(--c1); } .c2 { fill: var(--c2); --key: var(--c2); } .c3 { fill: var(--c3); --key: var(--c3); }
        .c4 { fill: var(--c4); --key: var(--c4); } .c5 { fill: var(--c5); --key: var(--c5); } .c6 { fill: var(--c6); --key: var(--c6); } .c7 { fill: var(--c7); --key: var(--c7); }
        .legend { display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 0; margin: 10px 0 0; list-style: none; font-size: 13px; }
        .legend li { overflow-wrap: anywhere; } .legend i { display: inline-block; width: 11px; height: 11px; border-radius: 2px; background: var(--key); margin-right: 6px; }
        table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
        th, td { text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
        th { color: var(--soft); font-weight: 600; font-size: 13px; }
        th.name, td.name { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 9em; }
        td.part { padding-left: 28px; } tfoot td { font-weight: 650; border-bottom: 0; } tr.gap td { color: var(--soft); }
        .gauge { background: var(--rule); border-radius: 4px; height: 10px; min-width: 160px; overflow: hidden; }
        .gauge i { display: block; height: 100%; background: var(--good); } .gauge .warn { background: var(--warn); } .gauge .bad { background: var(--bad); }
        details { margin-top: 12px; } summary { cursor: pointer; color: var(--soft); font-size: 13px; }
        footer { margin-top: 20px; }
        @media print {
          @page { size: A4; margin: 14mm 12mm; }
          :root { --ink: #000; --soft: #444; --page: #fff; --card: #fff; --rule: #ccc; --heat: #2f6fde; --good: #1a8f5f; --bad: #c8381f; --warn: #b87400;
            --c0: #2f6fde; --c1: #e08a00; --c2: #1a9c6b; --c3: #b0479b; --c4: #d2452f; --c5: #2a9bc0; --c6: #8a6d3b; --c7: #9aa1ad; }
          * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          body { font-size: 11px; } main { max-width: none; padding: 0; } h1 { font-size: 20px; } h2 { font-size: 13px; margin: 0 0 6px; }
          .quiet, .legend, .tile span, table, th { font-size: 10px; } .tile b { font-size: 15px; } .tile { padding: 8px 10px; } .note { margin-top: 8px; } th, td { padding: 3px 5px; }
          section { padding: 10px 12px; margin-top: 10px; } .tiles, .pair { gap: 10px; margin-top: 10px; } .pair section { margin-top: 0; }
          section, .tile { border-radius: 0; break-inside: avoid; overflow: visible; } section.long { break-inside: auto; } tr { break-inside: avoid; } thead { display: table-header-group; }
          .tiles { grid-template-columns: repeat(4, 1fr); } .pair { grid-template-columns: 1fr 1fr; } .gauge { min-width: 80px; } details { display: none; }
        }
        """;
}
