"""Whole processes, run in turn: wall time, processor time, peak resident memory, and what they say of themselves."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Callable

MEBIBYTE = 1024 * 1024


class Failed(Exception):
    """A program that did not do its job, with what it said."""


@dataclass
class Run:
    seconds: float
    cpu: float
    peak: float
    """In MiB."""
    output: str

    @property
    def said(self) -> dict:
        """The JSON object on the last line of standard output, where a peer's job tells of itself."""
        try:
            return json.loads(self.output.strip().rpartition("\n")[2])
        except ValueError:
            return {}


def wall(run: Run) -> float:
    return run.seconds


def said_seconds(run: Run) -> float:
    """What an engine measured itself, once it was up."""
    return run.said["seconds"]


@dataclass
class Program:
    name: str
    command: list[str]
    output: Path | None = None
    """Made afresh by every run."""
    needs: tuple[str, ...] = ()
    """Python packages, or programs where the name starts with a slash or a dollar sign ("$unzip")."""
    limit: float | None = None
    """The bar: how many times this one's time ours may take."""
    figure: Callable[[Run], float] = wall
    """What is compared, in seconds."""
    skipped: str | None = None
    """Why it is not run, where that is known beforehand."""

    def missing(self) -> str | None:
        if self.skipped:
            return self.skipped
        absent = [need.lstrip("$") for need in self.needs
                  if not (shutil.which(need[1:]) if need.startswith("$") else find_spec(need))]
        return f"not here: {', '.join(absent)}" if absent else None


@dataclass
class Series:
    """The runs of one program; for a peer, also those with a run of ours just before."""

    program: Program
    runs: list[Run] = field(default_factory=list)
    paired: list[tuple[Run, Run]] = field(default_factory=list)
    """Ours, and its."""
    problem: str | None = None

    @property
    def figures(self) -> list[float]:
        return [self.program.figure(run) for run in self.runs]

    @property
    def median(self) -> float:
        return statistics.median(self.figures)

    @property
    def peak(self) -> float:
        return max(run.peak for run in self.runs)

    @property
    def work(self) -> float | None:
        """The time without start-up and imports, where the program tells it."""
        told = [run.said["work"] for run in self.runs if "work" in run.said]
        return statistics.median(told) if told else None

    def ratio(self, ours: Program) -> float:
        """Ours over this one's, pair by pair."""
        return statistics.median(ours.figure(mine) / self.program.figure(its)
                                 for mine, its in self.paired)


class Launcher:
    """Runs one program at a time, from a process of its own (see launch.py)."""

    def __init__(self, environment: dict[str, str]):
        self.folder = tempfile.TemporaryDirectory()
        self.output, self.errors = Path(self.folder.name, "output"), Path(self.folder.name, "errors")
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py"))], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
        self.floor = self.run(Program("nothing", ["true"])).peak
        """A program's peak is not seen below this."""

    def __enter__(self) -> Launcher:
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()

    def run(self, program: Program) -> Run:
        if program.output:
            program.output.unlink(missing_ok=True)
            os.sync()  # what others left to be written is not this one's burden
        line = "\0".join([str(self.output), str(self.errors), *program.command])
        if "\n" in line:
            raise Failed(f"{program.name}: a line break in the command")
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        seconds, cpu, kibibytes, code = self.process.stdout.readline().split()
        try:
            if code != "0":
                said = " ".join(self.errors.read_text(errors="replace").split())
                raise Failed(f"exit {code}: {said[-300:]}")
            if program.output and not program.output.exists():
                raise Failed(f"did not write {program.output.name}")
            return Run(float(seconds), float(cpu), int(kibibytes) / 1024, self.output.read_text(errors="replace"))
        finally:
            if program.output:
                program.output.unlink(missing_ok=True)


def alternate(launcher: Launcher, ours: Program, peers: list[Program], rounds: int, warm: bool) -> list[Series]:
    """Ours, peer, ours, next peer …, round after round; the first round is thrown away where `warm` is asked for.

    A peer that is missing or fails is left out from there on, and its series says why. The first series is ours.
    """
    mine, others = Series(ours, problem=ours.missing()), [Series(peer, problem=peer.missing()) for peer in peers]
    for number in range(-1 if warm else 0, rounds):
        present = [series for series in others if series.problem is None]
        for series in present or [None]:
            my_run, its_run = attempt(launcher, mine), attempt(launcher, series)
            if number < 0:
                continue
            if my_run:
                mine.runs.append(my_run)
            if its_run:
                series.runs.append(its_run)
            if my_run and its_run:
                series.paired.append((my_run, its_run))
    return [mine, *others]


def attempt(launcher: Launcher, series: Series | None) -> Run | None:
    """A run, if nothing was wrong with this program so far."""
    if series is None or series.problem:
        return None
    try:
        run = launcher.run(series.program)
        series.program.figure(run)
        return run
    except Failed as problem:
        series.problem = f"**failed**: {problem}"
    except (KeyError, IndexError, TypeError, ValueError) as problem:
        series.problem = f"**failed**: its answer is not understood ({problem!r})"
    return None


def read_into_cache(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(16 * MEBIBYTE):
            pass


def available_memory() -> float:
    """In MiB."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / 1024
    raise Failed("/proc/meminfo has no MemAvailable")
