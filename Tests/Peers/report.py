"""Measured rows as Markdown, each bar with whether it holds."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from measure import Program, Series
from rows import Row, benchmark_report

HEADER = ("| job | program | time | without start-up | peak, MiB | ours ÷ its | bar |",
          "|---|---|--:|--:|--:|--:|---|")


@dataclass
class Tally:
    """What became of the bars, by the row's name."""

    holding: int = 0
    missed: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def judge(self, row: str, bar: str, figure: float, holds: bool) -> str:
        if holds:
            self.holding += 1
            return f"{bar}: holds"
        self.missed.append(f"{row}: {bar}, found {figure:.3g}")
        return f"**{bar}: missed**"

    def cannot_judge(self, row: str, bar: str) -> str:
        self.unjudged.append(f"{row}: {bar}")
        return f"{bar}: not judged"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 0.1:
        return f"{seconds * 1e3:.1f} ms"
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def lines(name: str, row: Row, measured: list[Series], floor: float, tally: Tally):
    """A line for ours, then one for each peer."""
    ours, *others = measured
    yield line(name, ours, floor, "", "; ".join(own_bars(name, row, ours, tally)))
    for series in others:
        ratio = series.ratio(row.ours) if series.paired else None
        yield line("", series, floor, "" if ratio is None else f"{ratio:.3f}",
                   peer_bar(name, series.program, ratio, tally))
    for series in measured:
        if series.problem and "failed" in series.problem:
            tally.failed.append(f"{name}: {series.program.name}: {series.problem.replace('*', '')}")


def line(name: str, series: Series, floor: float, ratio: str, bar: str) -> str:
    if not series.runs:
        return f"| {name} | {series.program.name} | {series.problem or 'not run'} | | | | {bar} |"
    peak = f"≤ {floor:.0f}" if series.peak <= floor * 1.05 else f"{series.peak:,.0f}"
    problem = f" {series.problem}" if series.problem else ""
    return (f"| {name} | {series.program.name}{problem} | {duration(series.median)} | {duration(series.work)} | {peak} "
            f"| {ratio} | {bar} |")


def own_bars(name: str, row: Row, ours: Series, tally: Tally):
    bars = []
    if row.milliseconds is not None:
        bars.append((f"≤ {row.milliseconds:g} ms", row.milliseconds, lambda: ours.median * 1e3))
    if row.mebibytes is not None:
        bars.append((f"≤ {row.mebibytes:g} MiB", row.mebibytes, lambda: ours.peak))
    for bar, limit, found in bars:
        if ours.runs:
            yield tally.judge(name, bar, found(), found() <= limit)
        else:
            yield tally.cannot_judge(name, bar)
    if row.copies_nothing:
        if ours.runs:
            copied = max(benchmark_report(run).copied for run in ours.runs)
            yield tally.judge(name, "no byte copied", copied, copied == 0)
        else:
            yield tally.cannot_judge(name, "no byte copied")
    if row.share is not None:
        bar = f"≥ {row.share:g} of the matrix rate"
        if ours.runs:
            share = statistics.median(benchmark_report(run).share for run in ours.runs)
            yield f"{tally.judge(name, bar, share, share >= row.share)} ({share:.3f})"
        else:
            yield tally.cannot_judge(name, bar)


def peer_bar(name: str, peer: Program, ratio: float | None, tally: Tally) -> str:
    if peer.limit is None:
        return ""
    bar = f"≤ {peer.limit:.3g}"
    if ratio is None:
        return tally.cannot_judge(name, f"{bar} × {peer.name}")
    return tally.judge(f"{name} against {peer.name}", bar, ratio, ratio <= peer.limit)


def growth(measured: dict[str, list[Series]], sizes: dict[str, int]):
    """Time and memory against the file's size."""
    yield "| file | time | s per GB | ÷ (cp + sync) | peak, MiB | torch.load + safetensors | its peak, MiB |"
    yield "|--:|--:|--:|--:|--:|--:|--:|"
    for name, (ours, copied, torch) in measured.items():
        if not (ours.runs and copied.runs):
            yield f"| {sizes[name] / 1e9:.2f} GB | not measured | | | | | |"
            continue
        theirs = (f"{duration(torch.median)} | {torch.peak:,.0f}" if torch.runs else f"{torch.problem} | ")
        yield (f"| {sizes[name] / 1e9:.2f} GB | {duration(ours.median)} | {ours.median / sizes[name] * 1e9:.2f} "
               f"| {copied.ratio(ours.program):.2f} | {ours.peak:,.0f} | {theirs} |")
