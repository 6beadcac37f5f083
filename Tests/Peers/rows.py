"""The rows of the table: what is run, against whom, and the bars.

A row is a function that makes its files and returns who runs; nothing is made for rows that are not asked for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Callable

from measure import Program, Run, available_memory, said_seconds
from workloads import Workspace

HERE = Path(__file__).parent


@dataclass
class Row:
    ours: Program
    peers: list[Program]
    cached: tuple[Path, ...] = ()
    """Files that are brought into the page cache first."""
    milliseconds: float | None = None
    mebibytes: float | None = None
    share: float | None = None
    """Of the machine's own matrix rate."""
    copies_nothing: bool = False
    rounds: int | None = None
    """Where a run takes long, fewer than asked for."""


@dataclass
class Setting:
    binary: Path
    workspace: Workspace
    threads: int
    seconds: float
    small: bool
    large: bool
    growth: bool

    @cached_property
    def has_benchmark(self) -> bool:
        return "benchmark" in subprocess.run([str(self.binary), "--help"], capture_output=True, text=True).stdout


Rows = dict[str, Callable[[], Row]]


def all_rows(setting: Setting) -> Rows:
    return {**conversions(setting), **inspections(setting), **digests(setting), **models(setting),
            **start_up(setting), **growth(setting)}


# Programs.

def command(setting: Setting, *arguments: object, name: str = "vit-convert", **more) -> Program:
    return Program(name, [str(setting.binary), *map(str, arguments)], **more)


def convert(setting: Setting, source: Path) -> Program:
    output = setting.workspace.output(".swt")
    return command(setting, source, output, output=output)


def job(name: str, work: str, *arguments: object, **more) -> Program:
    return Program(name, [sys.executable, str(HERE / "peer_jobs.py"), work, *map(str, arguments)], **more)


def copy(setting: Setting, source: Path, limit: float) -> Program:
    output = setting.workspace.output(".copy")
    return Program("cp + sync", ["sh", "-c", 'cp "$1" "$2" && sync "$2"', "sh", str(source), str(output)], output,
                   limit=limit)


def torch_convert(setting: Setting, source: Path, **more) -> Program:
    output = setting.workspace.output(".safetensors")
    return job("torch.load + safetensors", "torch-convert", source, output, output=output,
               needs=("torch", "safetensors"), **more)


# Rows.

def conversions(setting: Setting) -> Rows:
    size, files = "small" if setting.small else "in21k", setting.workspace

    def torch(kind: str) -> Row:
        source = files.file(kind, size)
        return Row(convert(setting, source), [copy(setting, source, 1.5),
                                              torch_convert(setting, source, limit=1 / 6)], (source,), mebibytes=48)

    def jax() -> Row:
        source, output = files.file("npz", size), files.output(".safetensors")
        return Row(convert(setting, source), [
            copy(setting, source, 3),
            job("numpy + safetensors", "numpy-convert", source, output, output=output, needs=("numpy", "safetensors")),
        ], (source,), mebibytes=96)

    def deflated() -> Row:
        source, output = files.file("deflated.npz", size), files.output(".safetensors")
        return Row(convert(setting, source), [
            job("np.load of all members", "numpy-read", source, needs=("numpy",), limit=0.6),
            job("numpy + safetensors", "numpy-convert", source, output, output=output, needs=("numpy", "safetensors")),
        ], (source,))

    def keras() -> Row:
        source, output = files.file("h5", size), files.output(".safetensors")
        return Row(convert(setting, source), [
            copy(setting, source, 3),
            job("h5py + safetensors", "h5py-convert", source, output, output=output, needs=("h5py", "safetensors")),
        ], (source,), mebibytes=96)

    return {".pth → .swt": lambda: torch("pth"), "legacy .pth → .swt": lambda: torch("legacy.pth"),
            "JAX .npz → .swt": jax, "deflated .npz → .swt": deflated, "Keras .h5 → .swt": keras}


def inspections(setting: Setting) -> Rows:
    size, files = "small" if setting.small else "in21k", setting.workspace

    def listing(source: Path, sparse: bool) -> list[Program]:
        zip_list = Program("unzip -l", ["unzip", "-l", str(source)], needs=("$unzip",))
        mapped = job("torch.load(mmap=True)", "torch-list-mapped", source, needs=("torch",))
        tinygrad = job("tinygrad torch_load", "tinygrad-list", source, needs=("tinygrad",))
        # Unmapped, torch.load would read all 8 GB: nothing is learnt from that.
        whole = [] if sparse else [job("torch.load", "torch-list", source, needs=("torch",))]
        return {
            ".pth": [*whole, mapped, tinygrad, zip_list],
            ".npz": [job("np.load, names", "numpy-list", source, needs=("numpy",)), zip_list],
            ".swt": [job("safetensors safe_open", "safetensors-list", source, needs=("safetensors", "numpy"))],
            ".h5": [job("h5py visititems", "h5py-list", source, needs=("h5py",))],
        }[source.suffix]

    def file(ending: str) -> Path:
        return files.swt(files.file("pth", size)) if ending == ".swt" else files.file(ending[1:], size)

    def plain(ending: str) -> Row:
        source = file(ending)
        return Row(command(setting, "inspect", source), listing(source, False), (source,), milliseconds=15,
                   mebibytes=24)

    def sparse(ending: str) -> Row:
        giant = "small" if setting.small else "8 GB"
        source = (files.swt(files.file("sparse.pth", giant), sparse=True) if ending == ".swt" else
                  files.file(f"sparse{ending}", giant))
        usual = command(setting, "inspect", file(ending), name=f"vit-convert, the usual {ending}", limit=2)
        return Row(command(setting, "inspect", source), [usual, *listing(source, True)], mebibytes=48)

    endings = (".pth", ".npz", ".swt", ".h5")
    return {**{f"inspect {ending}": lambda ending=ending: plain(ending) for ending in endings},
            **{f"inspect {ending}, 8 GB": lambda ending=ending: sparse(ending) for ending in endings}}


def digests(setting: Setting) -> Rows:
    def digest() -> Row:
        source = setting.workspace.file("pth", "small" if setting.small else "in21k")
        return Row(command(setting, "inspect", "--digest", source), [
            Program("sha256sum", ["sha256sum", str(source)], needs=("$sha256sum",), limit=1 / 0.8),
            Program("openssl dgst -sha256", ["openssl", "dgst", "-sha256", str(source)], needs=("$openssl",),
                    limit=1 / 0.8),
        ], (source,))
    return {"inspect --digest": digest}


def models(setting: Setting) -> Rows:
    base = "vit_tiny_patch16_224" if setting.small else "vit_base_patch16_224"

    def benchmark(name: str, batch: int, figure: Callable[[Run], float], *more: object) -> Program:
        absent = None if setting.has_benchmark else "not here: this vit-convert has no benchmark"
        swt = setting.workspace.swt(setting.workspace.exported(name, batch) / "weights.pth")
        return command(setting, "benchmark", swt, "--batch", batch, "--threads", setting.threads, "--json", *more,
                       figure=figure, skipped=absent)

    def opening() -> Row:
        ours = benchmark(base, 1, lambda run: benchmark_report(run).opening, "--runs", 1)
        source = setting.workspace.exported(base, 1) / "weights.pth.swt"
        more = dict(needs=("timm", "safetensors"), figure=lambda run: run.said["work"])
        return Row(ours, [job("timm.create_model + load_file", "timm-open", base, source, **more),
                          job("the same, made on the meta device", "timm-open-empty", base, source, **more)],
                   (source,), milliseconds=10, copies_nothing=True)

    def forward(name: str, batch: int) -> Row:
        ours = benchmark(name, batch, lambda run: benchmark_report(run).latency)
        folder = setting.workspace.exported(name, batch)

        def engine(label: str, which: str, *needs: str) -> Program:
            return Program(label, [sys.executable, str(HERE / "engines.py"), which, str(folder), "--threads",
                                   str(setting.threads), "--seconds", str(setting.seconds)],
                           needs=needs, limit=1, figure=said_seconds)

        return Row(ours, [engine("torch eager", "torch", "torch", "timm"),
                          engine("ONNX Runtime", "onnxruntime", "onnxruntime"),
                          engine("OpenVINO", "openvino", "openvino")], share=0.88, rounds=5)

    names = {"ViT-B/16": base}
    if setting.large:
        names |= {"ViT-L/16": "vit_large_patch16_224", "ViT-H/14": "vit_huge_patch14_224"}
    return {"open .swt, build the model": opening,
            **{f"forward {name}, batch {batch}": lambda model=model, batch=batch: forward(model, batch)
               for name, model in names.items() for batch in (1, 8)}}


def start_up(setting: Setting) -> Rows:
    def version() -> Row:
        return Row(command(setting, "--version"), [
            Program("python -c pass", [sys.executable, "-c", "pass"]),
            Program('python -c "import torch"', [sys.executable, "-c", "import torch"], needs=("torch",)),
        ], milliseconds=12)
    return {"--version": version}


def growth(setting: Setting) -> Rows:
    sizes = {"0.1 GB": "ViT-S", "0.4 GB": "in21k", "1.2 GB": "ViT-L", "2.5 GB": "ViT-H", "8 GB": "8 GB"}
    if setting.small:
        sizes = {"0.1 GB": "small ViT-S", "0.4 GB": "small"}

    def grown(size: str) -> Row:
        source = setting.workspace.file("pth", size)
        mebibytes = source.stat().st_size / 2**20
        needed, there = 700 + 1.1 * mebibytes, available_memory()  # torch holds the whole file
        skipped = f"not run: it takes about {needed:,.0f} MiB, and {there:,.0f} are free" if needed > there else None
        return Row(convert(setting, source),
                   [copy(setting, source, 1.5), torch_convert(setting, source, skipped=skipped)], (source,),
                   mebibytes=48, rounds=3 if mebibytes > 1000 else None)

    return {f"growth, {name}": lambda size=size: grown(size) for name, size in sizes.items()} if setting.growth else {}


# The answer of `vit-convert benchmark --json`.

@dataclass
class BenchmarkReport:
    latency: float
    """The median pass, in seconds."""
    share: float
    """Of the matrix rate that the same process measured."""
    opening: float
    """Seconds from the file's name to a model that can compute."""
    copied: int
    """Bytes of parameters that did not stay in the mapped file."""


def benchmark_report(run: Run) -> BenchmarkReport:
    answer = json.loads(run.output)
    only = answer["measurements"][0]
    return BenchmarkReport(latency=only["latency"]["median"], share=only["share"],
                           opening=answer["load"]["seconds"], copied=answer["load"]["copiedByteCount"])
