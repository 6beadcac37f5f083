""".npy and .npz files, by numpy; the headers that numpy no longer writes are put together by hand."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
from numpy.lib import format as npy

from .common import NUMPY_DTYPES, array_row, write_golden


def generate(out: Path) -> None:
    folder = out / "numpy"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(21)
    state = {"embedding/kernel": rng.standard_normal((2, 2, 3, 4), dtype=np.float32),
             "cls": rng.standard_normal((1, 1, 4), dtype=np.float32), "head/bias": np.zeros(3, np.float32),
             "step": np.array(1000, np.int64)}
    np.savez(folder / "stored.npz", **state)
    np.savez_compressed(folder / "compressed.npz", **state)
    with zipfile.ZipFile(folder / "plain_zip.npz", "w", zipfile.ZIP_DEFLATED) as archive:  # without ZIP64 fields
        for name, array in state.items():
            archive.writestr(zipfile.ZipInfo(name + ".npy"), to_bytes(array), zipfile.ZIP_DEFLATED)
    np.savez(folder / "positional.npz", np.arange(3), np.ones((2, 2)))
    np.savez(folder / "empty.npz")
    np.savez(folder / "dtypes.npz", **every_dtype())
    np.savez(folder / "layouts.npz", **layouts())
    for name in ("stored", "compressed", "plain_zip", "positional", "empty", "dtypes", "layouts"):
        golden_npz(folder / f"{name}.npz")

    grid = np.arange(12, dtype=np.float32).reshape(3, 4)
    for name, data in {
        "version_1": to_bytes(grid, (1, 0)), "version_2": to_bytes(grid, (2, 0)), "version_3": to_bytes(grid, (3, 0)),
        "fortran": to_bytes(np.asfortranarray(grid)), "big_endian": to_bytes(grid.astype(">f4")),
        "big_endian_fortran": to_bytes(np.asfortranarray(grid.astype(">i2"))), "scalar": to_bytes(np.array(2.5)),
        "zero_size": to_bytes(np.empty((0, 3), np.int32)), "one_dimension": to_bytes(np.arange(5, dtype=np.uint8)),
        "native_bool": to_bytes(grid > 4), "float16": to_bytes(grid.astype(np.float16)),
        "python2": by_hand("{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 4L), }", grid),
        "reordered_header": by_hand("{'shape': (3, 4), 'fortran_order': False, 'descr': '<f4'}", grid),
        "double_quotes": by_hand('{"descr": "<f4", "fortran_order": False, "shape": (3, 4,)}', grid),
        "unaligned_header": by_hand("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", grid, align=1),
    }.items():
        path = folder / f"{name}.npy"
        path.write_bytes(data)
        write_golden(path, "npy", [array_row("tensor", np.load(path))])

    small_floats(folder)
    refused(folder)


def to_bytes(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    buffer = io.BytesIO()
    npy.write_array(buffer, array, version=version)
    return buffer.getvalue()


def by_hand(header: str, array: np.ndarray, align: int = 16) -> bytes:
    text = header.encode()
    text += b" " * (-(len(text) + 11) % align) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + array.tobytes()


def every_dtype() -> dict[str, np.ndarray]:
    arrays = {}
    for code, name in NUMPY_DTYPES.items():
        kind = np.dtype("<" + code)
        if kind.kind in "iu":
            limits = np.iinfo(kind)
            arrays[name.lower()] = np.array([0, 1, limits.min, limits.max], kind)
        elif kind.kind == "b":
            arrays[name.lower()] = np.array([True, False, True])
        else:
            with np.errstate(over="ignore"):
                arrays[name.lower()] = np.array([0.0, -1.5, 0.1, 65504, np.inf, np.nan]).astype(kind)
    return arrays


def layouts() -> dict[str, np.ndarray]:
    cube = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    return {"c": cube, "fortran": np.asfortranarray(cube), "transposed": cube.transpose(2, 0, 1),
            "stepped": cube[:, ::2, 1::2], "big_endian": cube.astype(">f4"),
            "big_endian_fortran": np.asfortranarray(cube.astype(">f8")), "scalar": np.array(3, np.int32),
            "empty": np.empty((3, 0, 2), np.float32), "vector_fortran": np.asfortranarray(np.arange(3.0)),
            "big_int": np.array([1, -2], ">i8"), "big_complex": np.array([1 + 2j], ">c8")}


def golden_npz(path: Path) -> None:
    with np.load(path) as archive:
        write_golden(path, "npz", [array_row(name, archive[name]) for name in archive.files])


def small_floats(folder: Path) -> None:
    """bfloat16 and 8-bit floats from JAX: numpy writes `|V2` and `|V1`, and cannot tell more on reading."""
    values = np.array([[0.0, 1.0, -2.5], [0.1, 300.0, np.inf]], np.float32)
    arrays = {"bf16": values.astype(ml_dtypes.bfloat16), "f32": values,
              "bf16_fortran": np.asfortranarray(values.astype(ml_dtypes.bfloat16))}
    path = folder / "bfloat16.npz"
    np.savez(path, **arrays)
    with np.load(path) as archive:
        assert archive["bf16"].dtype.str == "|V2"
        rows = [array_row(name, archive[name], "BF16" if archive[name].dtype.kind == "V" else None)
                for name in archive.files]
    write_golden(path, "npz", rows, notes="|V2 is taken for bfloat16")
    descr = folder / "bfloat16_little.npy"
    bf16 = values.astype(ml_dtypes.bfloat16)
    descr.write_bytes(by_hand("{'descr': '<V2', 'fortran_order': False, 'shape': (2, 3), }", bf16))
    write_golden(descr, "npy", [array_row("tensor", np.load(descr), "BF16")])

    path = folder / "float8.npz"
    np.savez(path, f32=values, f8=values.astype(ml_dtypes.float8_e4m3fn))
    with np.load(path) as archive:
        rows = [array_row("f32", archive["f32"])]
    write_golden(path, "npz", rows, others=[{"name": "f8", "note": "|V1: which 8-bit float cannot be told"}])


def refused(folder: Path) -> None:
    """Each in `refused/`, with the reason in index.json."""
    folder = folder / "refused"
    folder.mkdir(exist_ok=True)
    grid = np.arange(4, dtype=np.float32)
    kinds = {}

    def put(name: str, data: bytes, kind: str) -> None:
        (folder / name).write_bytes(data)
        kinds[name] = kind

    put("object.npy", to_bytes(np.array([1, "a", None], dtype=object)), "object")
    put("structured.npy", to_bytes(np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")])), "structured")
    put("text.npy", to_bytes(np.array(["a", "bc"])), "text")
    put("bytes.npy", to_bytes(np.array([b"a", b"bc"])), "text")
    put("datetime.npy", to_bytes(np.array(["2024-01-02"], "datetime64[D]")), "datetime")
    put("longdouble.npy", to_bytes(np.zeros(2, np.longdouble)), "float128")
    put("version_9.npy", b"\x93NUMPY\x09\x00" + to_bytes(grid)[8:], "version")
    put("truncated_data.npy", to_bytes(grid)[:-3], "truncated")
    put("truncated_header.npy", to_bytes(grid)[:40], "truncated")
    put("magic_only.npy", b"\x93NUMPY", "truncated")
    for name, header in {"missing_key": "{'descr': '<f4', 'fortran_order': False}",
                         "negative": "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4)}",
                         "huge": "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 2)}",
                         "expression": "{'descr': '<f4', 'fortran_order': False, 'shape': (2*2,)}",
                         "no_dictionary": "(1, 2)",
                         "trailing": "{'descr': '<f4', 'fortran_order': False, 'shape': (4,)} + 1"}.items():
        put(f"header_{name}.npy", by_hand(header, grid), "header")
    lines = ",\n  ".join(json.dumps({"file": name, "kind": kind}) for name, kind in sorted(kinds.items()))
    (folder / "index.json").write_text('{"refused": [\n  ' + lines + "\n]}\n")
    np.savez(folder.parent / "with_objects.npz", good=grid, bad=np.array([None, "x"], dtype=object))
    write_golden(folder.parent / "with_objects.npz", "npz", [array_row("good", grid)],
                 others=[{"name": "bad", "note": "|O"}])
