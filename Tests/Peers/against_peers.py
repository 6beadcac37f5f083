#!/usr/bin/env python3
"""Measure vit-convert beside what people use today, and print a Markdown table: medians, ratios, bars.

  against_peers.py --workspace DIR            all rows but the large ones
  against_peers.py … --large --growth         ViT-L/16 and ViT-H/14 forward; conversions of 0.1 to 8 GB
  against_peers.py … --only inspect digest    rows whose name holds one of these words
  against_peers.py … --small                  tiny models, for a look at the plumbing: bars missed do not count
  against_peers.py --list                     the names of the rows

Ours and a peer take turns, and ratios are taken within each pair. The exit code is 1 when a bar is missed or a program
fails. See README.md.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Launcher, alternate, read_into_cache
from report import HEADER, Tally, growth, lines
from rows import Rows, Setting, all_rows
from workloads import Workspace

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("torch", "timm", "safetensors", "numpy", "h5py", "tinygrad", "onnx", "onnxruntime", "openvino")
# Nothing is fetched, and only the table is printed.
QUIET = {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}


def first_line(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as problem:
        return f"{command[0]}: {problem.strerror}"
    return (done.stdout or done.stderr).strip().partition("\n")[0]


def machine(workspace: Path) -> str:
    processor = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                      if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (f"{processor}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, Linux {platform.release()}, "
            f"{first_line(['stat', '-f', '-c', '%T', str(workspace)])}")


def versions(binary: Path) -> str:
    present = [first_line([str(binary), "--version"]), f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            present.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            present.append(f"no {package}")
    # What tells a library which kernels or threads to take decides comparisons.
    chosen = [f"{name}={value}" for name, value in sorted(os.environ.items())
              if name.startswith(("OPENBLAS_", "OMP_", "MKL_", "ONEDNN_", "DNNL_", "VIT_CONVERT_"))]
    return ", ".join([*present, first_line(["openssl", "version"]), first_line(["cp", "--version"]), *chosen])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kept = Path(tempfile.gettempdir(), "vit-convert-peers")
    parser.add_argument("--workspace", type=Path, metavar="DIR", default=kept,
                        help="where files of up to 8 GB are made and kept for the next time (default: %(default)s)")
    parser.add_argument("--binary", type=Path, default=PROJECT / ".build/release/vit-convert", metavar="PATH",
                        help="vit-convert (default: this project's release build)")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="rows whose name holds one of these words")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="pairs of runs (default: 7)")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="of every forward pass (default: 2)")
    parser.add_argument("--seconds", type=float, default=2, metavar="S",
                        help="how long an engine computes in each run (default: 2)")
    parser.add_argument("--large", action="store_true", help="ViT-L/16 and ViT-H/14, too")
    parser.add_argument("--growth", action="store_true", help="conversions of 0.1 to 8 GB, too")
    parser.add_argument("--small", action="store_true", help="tiny models")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there, too")
    parser.add_argument("--list", action="store_true", help="print the names of the rows and stop")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("expected --rounds of at least 1")
    return options


class Table:
    """Prints lines as they come, and keeps them."""

    def __init__(self):
        self.lines: list[str] = []

    def say(self, *lines: str) -> None:
        for line in lines:
            self.lines.append(line)
            print(line, flush=True)


def measure(rows: Rows, rounds: int, table: Table) -> Tally:
    tally, grown, sizes = Tally(), {}, {}
    with Launcher(QUIET) as launcher:
        for name, make in rows.items():
            try:
                row = make()
            except RuntimeError as problem:
                tally.failed.append(f"{name}: {problem}")
                table.say(f"| {name} | | **failed**: {' '.join(str(problem).split())} | | | | |")
                continue
            for path in row.cached:
                read_into_cache(path)
            measured = alternate(launcher, row.ours, row.peers, min(rounds, row.rounds or rounds),
                                 warm=row.rounds is None)
            table.say(*lines(name, row, measured, launcher.floor, tally))
            if name.startswith("growth"):
                grown[name], sizes[name] = measured, row.cached[0].stat().st_size
    if grown:
        table.say("", *growth(grown, sizes))
    return tally


def main() -> None:
    options = arguments()
    workspace = Workspace(options.workspace, options.binary)
    rows = {name: make for name, make in all_rows(Setting(
                options.binary.resolve(), workspace, options.threads, options.seconds, options.small, options.large,
                options.growth)).items()
            if not options.only or any(word in name for word in options.only)}
    if options.list:
        print("\n".join(rows))
        return
    if not os.access(options.binary, os.X_OK):
        sys.exit(f"against_peers.py: {options.binary} is not there: swift build -c release, or --binary PATH")

    options.workspace.mkdir(parents=True, exist_ok=True)
    table = Table()
    table.say(f"{datetime.date.today():%d %B %Y}. {machine(options.workspace)}.  ", f"{versions(options.binary)}.", "",
              *HEADER)
    tally = measure(rows, options.rounds, table)
    table.say("", f"{tally.holding} bars hold, {len(tally.missed)} are missed, {len(tally.unjudged)} were not judged.",
              *[f"- {heading}: {text}" for heading, texts in (
                  ("missed", tally.missed), ("not judged", tally.unjudged), ("failed", tally.failed))
                for text in texts])
    if options.markdown:
        options.markdown.write_text("\n".join(table.lines) + "\n")
    sys.exit(1 if tally.failed or (tally.missed and not options.small) else 0)


if __name__ == "__main__":
    main()
