"""safetensors files by the library; the invalid ones are typed by hand in the tests.

Metadata of one entry only: the library writes several in an order that differs from run to run.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from .common import TORCH_DTYPES, tensor_row, write_golden
from .torch_containers import small_state


def generate(out: Path) -> None:
    folder = out / "safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    plain = folder / "plain.safetensors"
    save_file(small_state(), plain, metadata={"author": "é 漢 \"quoted\""})
    golden(plain)
    save_file({}, folder / "empty.safetensors")
    golden(folder / "empty.safetensors")
    save_file(every_dtype(), folder / "dtypes.safetensors")
    golden(folder / "dtypes.safetensors")
    save_file({"scalar": torch.tensor(2.5), "empty": torch.empty(0), "empty_3_0_2": torch.empty(3, 0, 2),
               "one": torch.ones(1, 1, 1, 1), "name with spaces/and.dots é": torch.arange(3),
               "": torch.ones(2)}, folder / "shapes.safetensors")
    golden(folder / "shapes.safetensors")
    (folder / "misnamed.pth").write_bytes(plain.read_bytes())
    golden(folder / "misnamed.pth")
    four_bits(folder / "four_bits.safetensors")
    white_space(folder / "white_space.safetensors")
    sharded(folder)


def every_dtype() -> dict[str, torch.Tensor]:
    values = {}
    for dtype, name in TORCH_DTYPES.items():
        size = torch.empty(0, dtype=dtype).element_size()
        if dtype == torch.bool:
            tensor = torch.tensor([True, False, True, True])
        else:
            tensor = torch.arange(4 * size, dtype=torch.uint8).view(dtype)
        try:
            save_file({"probe": tensor}, "/dev/null")
            values[name.lower()] = tensor
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            print(f"  safetensors does not write {dtype}: {str(error)[:80]}")
    return values


def golden(path: Path, **extra) -> None:
    """In the order of the data, which is not that of the header."""
    loaded = load_file(path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    header = json.loads(path.read_bytes()[8:8 + int.from_bytes(path.read_bytes()[:8], "little")])
    header.pop("__metadata__", None)
    names = sorted(header, key=lambda name: header[name]["data_offsets"])
    rows = [tensor_row(name, loaded[name]) for name in names]
    assert [row["dtype"] for row in rows] == [header[name]["dtype"] for name in names]
    write_golden(path, "safetensors", rows, metadata=dict(sorted((metadata or {}).items())), **extra)


def four_bits(path: Path) -> None:
    """Two elements to a byte: the header counts elements, torch counts bytes."""
    packed = torch.arange(8, dtype=torch.uint8).reshape(2, 4)
    save_file({"f4": packed.view(torch.float4_e2m1fn_x2), "f32": torch.ones(2)}, path)
    rows = [tensor_row("f32", torch.ones(2)), {**tensor_row("f4", packed), "dtype": "F4", "shape": [2, 8]}]
    assert load_file(path)["f4"].view(torch.uint8).equal(packed)
    write_golden(path, "safetensors", rows, notes="F4 may be listed as here, or refused by name")


def white_space(path: Path) -> None:
    """A header with white space in and after it, unordered, with a field that the format does not know."""
    header = b'{ "__metadata__": {"format": "pt", "empty": "", "escaped": "\\u00e9 \\ud834\\udd1e \\"\\n"},' \
             b'\n"b" : {"dtype":"I64","shape":[ 1 ],\n"data_offsets":[8,16], "comment": "unknown" },\n' \
             b'  "a": {"data_offsets": [0, 8], "shape": [2], "dtype": "F32"} }  \n\t '
    data = torch.tensor([1.0, 2.0]).numpy().tobytes() + torch.tensor([3]).numpy().tobytes()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    golden(path)


def sharded(folder: Path) -> None:
    """As Hugging Face writes a model in several files."""
    folder = folder / "sharded"
    folder.mkdir(exist_ok=True)
    state = OrderedDict((name, tensor.contiguous()) for name, tensor in small_state().items())
    names = list(state)
    parts = [names[:2], names[2:5], names[5:]]
    weight_map, rows = {}, []
    for number, part in enumerate(parts, start=1):
        file = f"model-{number:05}-of-{len(parts):05}.safetensors"
        save_file({name: state[name] for name in part}, folder / file, metadata={"format": "pt"})
        weight_map.update((name, file) for name in part)
        loaded = load_file(folder / file)
        rows += [tensor_row(name, loaded[name]) for name in part]
    size = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(weight_map.items()))}
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps(index, indent=2) + "\n")
    write_golden(path, "safetensors-index", rows, notes="in the order of the model; an index sorts its names")
