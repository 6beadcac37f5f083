/// How a page looks: in light and in dark, on a wide screen, on a phone and on paper. It holds neither `<` nor `&`.
enum ReportStyle {
    static let source = base + tables + model + pictures + changes + media

    private static let base = """
        :root {
          color-scheme: light dark;
          --page: #fff; --raised: #f5f7f9; --line: #d5dbe1; --text: #1b2127; --quiet: #545e69;
          --accent: #0b5cad; --good: #0b4f43; --good-page: #d8f0ea; --bad: #8a3200; --bad-page: #fde6d7;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #10151b; --raised: #19212a; --line: #36424f; --text: #e6ecf2; --quiet: #a2aeba;
            --accent: #7cbcff; --good: #a9ead9; --good-page: #103b33; --bad: #ffbf94; --bad-page: #472410;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 2.5rem) 4rem; max-width: 84rem;
          background: var(--page); color: var(--text);
          font: 1rem/1.5 system-ui, sans-serif;
        }
        h1 { margin: 0 0 .5rem; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
        h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem; }
        code, td, tbody th { font-variant-numeric: tabular-nums; }
        code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .875em; overflow-wrap: anywhere; }
        .command { margin: 0; color: var(--quiet); }
        .verdict { display: inline-block; margin: 0; padding: .15rem .75rem; border-radius: 1rem; font-weight: 600; }
        .good { background: var(--good-page); color: var(--good); }
        p.bad { background: var(--bad-page); color: var(--bad); }
        .note { margin: 0 0 .75rem; max-width: 70ch; color: var(--quiet); }
        section ul { padding-left: 1.25rem; overflow-wrap: anywhere; }
        .figures { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0 0; }
        .figures div {
          display: flex; flex-direction: column-reverse; justify-content: flex-end; flex: 1 1 8rem; padding: .6rem 1rem;
          border: 1px solid var(--line); border-radius: .5rem; background: var(--raised);
        }
        .figures dt { color: var(--quiet); font-size: .875rem; }
        .figures dd { margin: 0; font-size: 1.35rem; font-weight: 600; overflow-wrap: anywhere; }
        .facts { display: grid; gap: .25rem 0; margin: 0; }
        .facts div { display: grid; grid-template-columns: minmax(6rem, 11rem) 1fr; gap: 1rem; }
        .facts dt { color: var(--quiet); overflow-wrap: anywhere; }
        .facts dd { margin: 0; overflow-wrap: anywhere; }

        """

    private static let tables = """
        .tool { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .75rem; margin-bottom: .5rem; }
        .tool[hidden] { display: none; }
        .tool input {
          flex: 0 1 20rem; min-width: 6rem; width: 10rem; padding: .4rem .6rem; border: 1px solid var(--quiet);
          border-radius: .35rem; background: var(--page); color: inherit; font: inherit;
        }
        .tool output { color: var(--quiet); }
        .wide { max-height: 80vh; overflow: auto; border: 1px solid var(--line); border-radius: .5rem; }
        table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: .875rem; }
        caption {
          position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
        }
        thead th, thead td { position: sticky; top: 0; z-index: 1; background: var(--raised); }
        th, td { padding: .3rem .6rem; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
        thead th { vertical-align: bottom; }
        thead .n, .heat thead th { white-space: normal; }
        tbody tr:last-child th, tbody tr:last-child td { border-bottom: 0; }
        tbody th { font-weight: 400; }
        tbody tr:hover th, tbody tr:hover td { background-color: var(--raised); }
        .n { text-align: right; }
        tr.bad td b { color: var(--bad); }
        td b { font-weight: 700; }
        th button {
          all: unset; cursor: pointer; font-weight: 600;
        }
        th button::after { content: "\u{A0}↕"; color: var(--quiet); }
        th[aria-sort=ascending] button::after { content: "\u{A0}↑"; color: var(--accent); }
        th[aria-sort=descending] button::after { content: "\u{A0}↓"; color: var(--accent); }
        :focus-visible, th button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
        .h { display: block; width: 96px; height: 22px; }
        .h path { fill: var(--accent); }

        """

    private static let model = """
        .model { display: flex; flex-wrap: wrap; gap: 1rem 1.9rem; margin: 0; padding: 0; list-style: none; }
        .model > li {
          position: relative; max-width: 100%; padding: .6rem .9rem; border: 1px solid var(--line);
          border-radius: .5rem; background: var(--raised);
        }
        .flow > li + li::before {
          content: "→"; position: absolute; left: -1.55rem; top: .55rem; color: var(--quiet);
        }
        .model .series { box-shadow: 4px 4px 0 -1px var(--raised), 4px 4px 0 0 var(--line); }
        .model h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
        .model p { margin: 0 0 .5rem; color: var(--quiet); font-size: .875rem; }
        .model ul { display: flex; flex-wrap: wrap; align-items: flex-end; gap: .6rem 1.1rem; margin: 0; padding: 0; }
        .model ul li { list-style: none; font-size: .8125rem; line-height: 1.35; overflow-wrap: anywhere; }
        .model svg { display: block; margin-bottom: .3rem; }
        .model rect { fill: var(--accent); }
        .model b { display: block; font-weight: 600; }
        .model span { color: var(--quiet); font-variant-numeric: tabular-nums; }

        """

    private static let pictures = """
        .pictures { display: flex; flex-wrap: wrap; gap: 1.5rem 3rem; }
        .pictures figure { margin: 0; max-width: 28rem; }
        .pictures img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; }
        figcaption { margin-bottom: .5rem; color: var(--quiet); }
        figcaption h3 { margin: 0; font-size: 1rem; color: var(--text); }
        .pictures p { margin: .5rem 0 0; color: var(--quiet); font-size: .875rem; }
        .scale {
          display: inline-block; width: 10rem; max-width: 40vw; height: .75rem; vertical-align: -.05rem;
          background: linear-gradient(to right, \(ColourScale.stops.map(ColourScale.text).joined(separator: ", ")));
        }
        .chart { display: block; margin: 0 auto; font-size: 12px; }
        .chart text { fill: var(--quiet); dominant-baseline: middle; }
        .chart .end { text-anchor: end; }
        .chart .middle { text-anchor: middle; }
        .chart text.bad { fill: var(--bad); stroke: none; font-weight: 600; }
        .grid { stroke: var(--line); }
        .stripe { fill: var(--raised); }
        .max { fill: var(--accent); }
        .rms { fill: var(--quiet); }
        path.bad { fill: none; stroke: var(--bad); stroke-width: 2; }
        .allowed { fill: none; stroke: var(--quiet); stroke-width: 1.5; }
        .first { stroke: var(--bad); stroke-dasharray: 3 3; }
        .legend { margin: .5rem 0; padding: 0; color: var(--quiet); font-size: .875rem; }
        ul.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; list-style: none; }
        .legend svg { vertical-align: -.1rem; }

        """

    private static let changes = """
        .heat { width: auto; }
        .heat td { min-width: 3.6rem; text-align: center; }
        .heat thead th { font-weight: 400; text-align: center; }
        .heat tbody th, .heat thead td { position: sticky; left: 0; background: var(--page); }
        .heat thead td { z-index: 2; background: var(--raised); }
        .wide:has(.heat) + .wide:has(.heat) { margin-top: 1rem; }
        .wide:has(.heat) { width: fit-content; max-width: 100%; }
        .same { color: var(--quiet); }
        .other { background: var(--bad-page); color: var(--bad); }

        """
        + ColourScale.stops.enumerated().map { number, colour in
            let letters = ColourScale.isDark(colour) ? "#fff" : "#000"
            return """
                .heat tr td.c\(number) { background: \(ColourScale.text(colour)); color: \(letters); }

                """
        }.joined()

    private static let media = """
        @media (max-width: 40rem) {
          body { padding-top: 1rem; }
          h1 { font-size: 1.25rem; }
          .facts div { grid-template-columns: 1fr; gap: 0; margin-bottom: .25rem; }
          .model { flex-direction: column; gap: 1.6rem; }
          .flow > li + li::before { content: "↓"; left: 1rem; top: -1.6rem; }
          th, td { padding: .3rem .45rem; }
        }
        @media print {
          :root { color-scheme: light; }
          body { max-width: none; padding: 0; }
          .tool, .tool[hidden] { display: none; }
          .wide { max-height: none; overflow: visible; border: 0; }
          thead th, thead td, .heat tbody th { position: static; }
          .heat td, .model rect, .scale { print-color-adjust: exact; }
        }

        """
}
