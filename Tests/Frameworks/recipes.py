#!/usr/bin/env python3
"""Run the recipes of the documentation as they are printed there, each in a folder of its own.

  python Tests/Frameworks/recipes.py                        # those whose framework is installed
  python Tests/Frameworks/recipes.py --only timm torchvision

A recipe is a section of Recipes.md; what is run of it are the blocks behind the mark <!-- try -->, in their order. Published
weights are not fetched. The exit code is 1 when a recipe failed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARTICLE = ROOT / "Sources/ViTToolkit/ViTToolkit.docc/Recipes.md"


def recipes() -> dict[str, list[tuple[str, str]]]:
    """The blocks of each section: language and text."""
    sections = re.split(r"^### (.*)$", ARTICLE.read_text(), flags=re.MULTILINE)[1:]
    blocks = re.compile(r"^<!-- try -->\n```(\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
    return {title: found for title, text in zip(sections[::2], sections[1::2]) if (found := blocks.findall(text))}


def attempt(blocks: list[tuple[str, str]], environment: dict[str, str]) -> tuple[str, str]:
    """What became of a recipe, and the end of what it said."""
    said = ""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Fixtures").symlink_to(ROOT / "Fixtures")
        for language, text in blocks:
            command = [sys.executable, "-c", text] if language == "python" else ["bash", "-ec", text]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
            said = (done.stdout + done.stderr).strip()
            if done.returncode:
                missing = language == "python" and "ModuleNotFoundError" in done.stderr
                return ("not installed" if missing else "FAILED", said)
    return "holds", said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="WORD", default=[""], help="recipes whose title holds one of these")
    parser.add_argument("--binary", type=Path, default=ROOT / ".build/release/vit-convert", metavar="PATH")
    options = parser.parse_args()
    folders = [str(options.binary.resolve().parent), str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {**os.environ, "PATH": ":".join(folders), "KERAS_BACKEND": "jax", "HF_HUB_OFFLINE": "1"}
    failed = False
    for title, blocks in recipes().items():
        if any(word.lower() in title.lower() for word in options.only):
            result, said = attempt(blocks, environment)
            last = said.splitlines()[-1] if said else ""
            print(f"{title}: {result}" + (f" ({last})" if result != "not installed" else ""), flush=True)
            if result == "FAILED":
                failed = True
                print(said)
    sys.exit(failed)


if __name__ == "__main__":
    main()
