"""Files that are no checkpoint, or none that is read, each of which deserves a message of its own."""

from __future__ import annotations

import gzip
import json
import pickle
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
import torch.package

from .common import legacy_bytes, read_members, save_zip, write_members

PAGE = """<!DOCTYPE html>
<html><head><title>Google Drive - Virus scan warning</title></head>
<body><p>vit_base.pth (394M) is too large for Google to scan for viruses.</p></body></html>
"""
POINTER = """version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 346284714
"""


def generate(out: Path) -> None:
    folder = out / "refused"
    folder.mkdir(parents=True, exist_ok=True)
    state = OrderedDict(weight=torch.arange(64.0).reshape(8, 8), bias=torch.arange(8.0))
    legacy = legacy_bytes(state)
    save_zip(state, folder / "whole.pth")
    members = read_members(folder / "whole.pth")
    whole = (folder / "whole.pth").read_bytes()
    (folder / "whole.pth").unlink()
    kinds: dict[str, tuple[str, str]] = {}

    def put(name: str, data: bytes, kind: str, note: str) -> None:
        (folder / name).write_bytes(data)
        kinds[name] = (kind, note)

    put("page.pth", PAGE.encode(), "html", "a web page saved under a checkpoint's name")
    put("page_with_mark.pth", b"\xef\xbb\xbf\r\n  <html lang=en><body>404</body></html>", "html",
        "a byte order mark and white space before it")
    put("pointer.pth", POINTER.encode(), "git-lfs-pointer", "346,284,714 bytes stand elsewhere")
    put("empty.pth", b"", "empty", "no bytes at all")
    put("one_byte.pth", b"P", "unknown", "too short for anything")
    put("zeros.pth", bytes(4096), "unknown", "zeros, as an interrupted download leaves them")
    put("text.pth", b"hello, this is not a checkpoint\n", "unknown", "plain text")
    put("preview.pth", b"PYTORCH1" + bytes(56), "torch-preview", "torch's preview format of 2018")
    put("bare_pickle.pth", pickle.dumps({"weight": np.arange(4.0), "epoch": 1}, protocol=2), "bare-pickle",
        "pickle.dump without torch")
    put("bare_pickle_p4.pkl", pickle.dumps({"weight": np.arange(4.0)}, protocol=4), "bare-pickle",
        "pickle.dump without torch, protocol 4")
    put("compressed.pth.gz", gzip.compress(legacy, mtime=0), "gzip", "a checkpoint compressed as a whole")
    put("truncated_end.pth", whole[:-40], "truncated-zip", "the end record is cut off")
    put("truncated_half.pth", whole[:len(whole) // 2], "truncated-zip", "half a download")
    put("truncated_legacy_storage.pth", legacy[:-20], "truncated-legacy", "cut within the last storage")
    put("truncated_legacy_count.pth", legacy[:-(8 * 4 + 4)], "truncated-legacy", "cut within a storage's count")
    put("truncated_legacy_pickle.pth", legacy[:200], "truncated-legacy", "cut within the object's pickle")
    put("legacy_trailing.pth", legacy + b"more", "legacy-trailing",
        "torch reads this file without a word: bytes after the last storage")

    write_members(folder / "documents.zip.pth", {"readme.txt": b"not a checkpoint", "a/b.txt": b"nor this"})
    kinds["documents.zip.pth"] = ("zip-without-checkpoint", "a zip of other things")
    write_members(folder / "empty_zip.pth", {})
    kinds["empty_zip.pth"] = ("zip-without-checkpoint", "a zip without members")
    write_members(folder / "bzip2.pth", members, zipfile.ZIP_BZIP2)
    kinds["bzip2.pth"] = ("zip-compression", "members compressed with bzip2; torch cannot read it either")
    write_members(folder / "missing_storage.pth",
                  {name: data for name, data in members.items() if not name.endswith("data/1")})
    kinds["missing_storage.pth"] = ("missing-storage", "data/1 is not in the archive")
    short = {name: data[:-4] if name.endswith("data/0") else data for name, data in members.items()}
    write_members(folder / "short_storage.pth", short)
    kinds["short_storage.pth"] = ("short-storage", "data/0 holds 252 bytes where 64 F32 elements need 256")
    damaged = bytearray(whole)
    place = whole.index(np.arange(64, dtype="<f4").tobytes())
    damaged[place + 100] ^= 0x40
    put("wrong_checksum.pth", bytes(damaged), "wrong-checksum", "one bit of data/0 turned; its CRC-32 does not fit")

    package(folder / "package.pt")
    kinds["package.pt"] = ("torch-package", "written by torch.package.PackageExporter")

    lines = ",\n  ".join(json.dumps({"file": name, "kind": kind, "note": note})
                         for name, (kind, note) in sorted(kinds.items()))
    (folder / "index.json").write_text('{"refused": [\n  ' + lines + "\n]}\n")


def package(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(17)
        with torch.package.PackageExporter(str(path)) as exporter:
            exporter.extern("torch.**")
            exporter.save_pickle("model", "model.pkl", torch.nn.Linear(2, 2))
            exporter.save_text("notes", "readme.txt", "a package")
