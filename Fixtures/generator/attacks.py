"""Files made to harm their reader: each tries one thing, and `attacks/index.json` says what must happen.

Most are put together byte by byte, since no library writes them. Whatever would run, run by Python's own `pickle` or
by an `eval` of a header, would create a file of the name `vit-convert-was-tricked`.
"""

from __future__ import annotations

import json
from pathlib import Path

from . import attack_archives, attack_headers, attack_pickles
from .attack_parts import Files


def generate(out: Path) -> None:
    folder = out / "attacks"
    folder.mkdir(parents=True, exist_ok=True)
    files = Files(folder)
    for write in (attack_pickles.calls, attack_pickles.machines, attack_pickles.storages, attack_pickles.tensors,
                  attack_archives.archives, attack_archives.tars, attack_headers.arrays, attack_headers.headers,
                  attack_headers.indices, attack_headers.hdf5, attack_headers.messages):
        write(files)
    lines = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in files.rows)
    (folder / "index.json").write_text('{"attacks": [\n  ' + lines + "\n]}\n", encoding="utf-8")
