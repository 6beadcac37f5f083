#!/usr/bin/env python3
"""Hand vit-convert's outputs back to the frameworks, and print what they make of them as a table.

There are two kinds of rows. For each form of checkpoint the framework itself makes a model of the published size with
noise in every parameter, saves it, and computes logits; vit-convert turns the file into an .swt (verified against
those logits), and the .swt back into the framework's form. And where a framework can hold the weights of one of
timm's models, those are written in its form ("timm → …"). Then the framework loads what it was given as strictly as
it can. It must hold the same bits in every parameter and compute the same logits.

  hand_back.py                          every framework that is installed here
  hand_back.py --only timm torchvision  some of them
  hand_back.py --tiny                   small models, for a look at the plumbing
  hand_back.py --workspace DIR          timm's weights and logits are kept in DIR, or taken from there

The frameworks do not fit into one environment. Run it once in each, with the same workspace, first in one that has
timm. See README.md.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

# Nothing is fetched, and only the table is printed.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", HF_HUB_DISABLE_PROGRESS_BARS="1",
                  TQDM_DISABLE="1", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", KERAS_BACKEND="jax",
                  JAX_PLATFORMS="cpu")
warnings.simplefilter("ignore")
sys.dont_write_bytecode = True

import numpy as np  # noqa: E402

import forms  # noqa: E402

PROJECT = Path(__file__).resolve().parents[2]
MODULES = ("timm_forms", "hugging_face", "torchvision_forms", "clip_forms", "jax_forms", "keras_forms",
           "torch_transformer_forms")
PACKAGES = ("torch", "timm", "transformers", "torchvision", "open_clip_torch", "jax", "flax", "tensorflow-cpu", "keras",
            "keras-hub", "vit-keras")
LARGEST_ERROR = 1e-5


class NotHere(Exception):
    """What this environment lacks."""


class Command:
    """vit-convert; its standard error is the message of a failure."""

    def __init__(self, path: Path):
        self.path = path

    def __call__(self, *arguments: object, codes: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run([str(self.path), *map(str, arguments)], capture_output=True, text=True)
        if done.returncode not in codes:
            said = "\n".join(text.strip() for text in (done.stderr, done.stdout) if text.strip())
            raise RuntimeError(f"exit {done.returncode}: {said[-600:]}")
        return done.stdout


class Workspace:
    """Where timm's weights and logits are kept for all frameworks."""

    def __init__(self, folder: Path, command: Command, tiny: bool):
        self.folder, self.command, self.tiny = folder, command, tiny
        folder.mkdir(parents=True, exist_ok=True)

    def origin(self, name: str) -> tuple[Path, np.ndarray, np.ndarray]:
        """An .swt, the images, and timm's logits."""
        stem = ("tiny " if self.tiny else "") + name
        swt, reference = self.folder / f"{stem}.swt", self.folder / f"{stem}.reference.npz"
        if not (swt.exists() and reference.exists()):
            self.make(name, swt, reference)
        with np.load(reference) as arrays:
            return swt, arrays["input"], arrays["logits"]

    def make(self, name: str, swt: Path, reference: Path) -> None:
        try:
            import timm_forms
        except ImportError:
            raise NotHere("needs a --workspace that was filled where timm is installed") from None
        from torch_forms import form
        build, arguments = timm_forms.origins(self.tiny)[name]
        model = form(name, None, "", build)
        made, x = model.make(), forms.images(forms.sizes(self.tiny)["image"])
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            unfinished = Path(folder) / "reference.npz"
            np.savez(unfinished, input=x, logits=model.logits(made, x))
            unfinished.replace(reference)
            self.command(model.save(made, Path(folder)), swt, "--reference", reference, *arguments)


def error(found: np.ndarray, expected: np.ndarray) -> str:
    """The largest error over the largest logit."""
    if found.shape != expected.shape:
        raise RuntimeError(f"logits {found.shape} instead of {expected.shape}")
    part = float(np.abs(found.astype(np.float64) - expected).max() / np.abs(expected).max())
    if not part <= LARGEST_ERROR:
        raise RuntimeError(f"the logits' error is {part:.1e} of their scale")
    return f"{part:.1e}"


def require_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    """All parameters are the same bits in both."""
    wrong = [name for name in sorted(set(found) | set(expected)) if name not in found or name not in expected
             or found[name].dtype != expected[name].dtype or found[name].shape != expected[name].shape
             or found[name].tobytes() != expected[name].tobytes()]
    if wrong:
        raise RuntimeError(f"{len(wrong)} parameters differ: {', '.join(wrong[:5])}")


def hand_back(form: forms.Form, command: Command, folder: Path) -> tuple[str, str]:
    """The framework's own file to .swt and back: what held, and the error of the logits."""
    model, x = form.make(), form.inputs() if form.inputs else forms.images(form.image)
    logits, source = form.logits(model, x), form.save(model, folder)
    swt, reference = folder / "model.swt", folder / "reference.npz"
    np.savez(reference, **form.reference(x, logits))
    command(source, swt, "--reference", reference, *form.arguments)
    to = ("--to", form.scheme) if form.scheme else ()
    command(swt, folder / form.output, *to, *form.converting)
    again = form.load(folder / form.output)
    expected = form.parameters(model)
    require_same(form.parameters(again), expected)
    return f"{len(expected)} tensors, same bits", error(form.logits(again, x), logits)


def hand_over(form: forms.Form, command: Command, workspace: Workspace, folder: Path) -> tuple[str, str]:
    """timm's weights to another framework, whose own file of them must be the same model again."""
    swt, x, logits = workspace.origin(form.origin)
    to = ("--to", form.scheme) if form.scheme else ()
    command(swt, folder / form.output, *to, *form.converting)
    model = form.load(folder / form.output)
    worst = error(form.logits(model, x), logits)
    again = folder / "again"
    again.mkdir()
    compared = json.loads(command("compare", swt, form.save(model, again), "--json", *form.arguments, codes=(0, 1)))
    wrong = [tensor["name"] for tensor in compared["tensors"]
             if tensor["status"] != ("resized" if tensor["name"] in form.widened else "identical")]
    if wrong:
        raise RuntimeError(f"{len(wrong)} parameters are not timm's: {', '.join(wrong[:5])}")
    widened = "".join(f", {name} with more rows" for name in form.widened)
    return f"{compared['identical']} tensors, same bits{widened}", worst


def rows(options: argparse.Namespace, command: Command, workspace: Workspace):
    """Names, forms, and what is to be done in a folder."""
    for module in MODULES:
        try:
            found = importlib.import_module(module).all_forms(tiny=options.tiny)
        except ImportError as missing:
            print(f"{module}: not run here: {missing}", file=sys.stderr)
            continue
        for form in found:
            if form.make:
                yield form.name, form, lambda folder: hand_back(form, command, folder)
            if form.origin:
                yield f"timm → {form.name}", form, lambda folder: hand_over(form, command, workspace, folder)


def versions() -> str:
    present = []
    for package in PACKAGES:
        try:
            present.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            pass
    return ", ".join(present)


def table(options: argparse.Namespace, workspace: Path) -> int:
    """Prints the rows; how many failed."""
    command = Command(options.command)
    print(versions(), "", "| form | scheme, file | tensors | error of the logits | s |", "|---|---|---|---|---|",
          sep="\n", flush=True)
    failures = 0
    for name, form, work in rows(options, command, Workspace(workspace, command, options.tiny)):
        if options.only and not any(word in name for word in options.only):
            continue
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                outcome, worst = work(Path(folder))
            except NotHere as missing:
                outcome, worst = f"not run: {missing}", ""
            except Exception as problem:  # the table goes on: a failure is a row of it
                failures += 1
                outcome, worst = " ".join(f"**failed**: {problem}".split()), ""
                traceback.print_exc(limit=-2, file=sys.stderr)
        seconds = time.monotonic() - started
        print(f"| {name} | {form.scheme or 'timm'}, {form.output} | {outcome} | {worst} | {seconds:.0f} |", flush=True)
    return failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="WORD", help="rows whose name holds one of these words")
    parser.add_argument("--tiny", action="store_true", help="small models")
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="where timm's weights are kept between runs")
    parser.add_argument("--command", type=Path, default=PROJECT / ".build/release/vit-convert", metavar="PATH",
                        help="vit-convert (default: this project's release build)")
    options = parser.parse_args()
    if options.workspace:
        sys.exit(1 if table(options, options.workspace) else 0)
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(1 if table(options, Path(folder)) else 0)


if __name__ == "__main__":
    main()
