"""torch's zip container in all the shapes it is met in: names, compression, ZIP64, byte order, member order."""

from __future__ import annotations

import json
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

from .common import golden_torch, read_members, save_legacy, save_zip, write_golden, write_members, Listing


def small_state() -> OrderedDict:
    """A state dictionary as `nn.Module` gives it: an OrderedDict with the attribute `_metadata`."""
    torch.manual_seed(11)
    model = nn.Sequential(OrderedDict(
        embed=nn.Conv2d(3, 4, 2), norm=nn.BatchNorm2d(4), head=nn.Linear(4, 5)))
    state = model.state_dict()
    assert state._metadata
    return state


def generate(out: Path) -> None:
    folder = out / "torch"
    folder.mkdir(parents=True, exist_ok=True)
    state = small_state()

    plain = folder / "plain_zip.pth"
    save_zip(state, plain)
    golden_torch(plain, "torch-zip")
    save_legacy(state, folder / "plain_legacy.pth")
    golden_torch(folder / "plain_legacy.pth", "torch-legacy")
    members = read_members(plain)

    spaces = folder / "root with spaces.pth"
    save_zip(state, spaces)
    golden_torch(spaces, "torch-zip")

    stream = folder / "root_archive.pth"  # saved to a stream: the root folder is `archive`
    with open(stream, "wb") as file:
        torch.save(state, file)
    golden_torch(stream, "torch-zip")

    rewritten(folder / "deflated.pth", members, method=zipfile.ZIP_DEFLATED)
    rewritten(folder / "zip64_local.pth", members, force_zip64=True)
    rewritten(folder / "no_byteorder.pth", {k: v for k, v in members.items() if not k.endswith("/byteorder")})
    last = [name for name in members if name.endswith("data.pkl")]
    rewritten(folder / "data_pkl_last.pth", {name: members[name] for name in [*reversed(
        [name for name in members if name not in last]), *last]})
    mixed(folder / "mixed_deflate.pth", members)
    zip64_everywhere(folder / "zip64_everywhere.pth", members)
    commented(folder / "comment.pth", members)
    big_endian(folder)
    root_values(folder)
    sharded(folder)


def rewritten(path: Path, members: dict[str, bytes], **how) -> None:
    write_members(path, members, **how)
    golden_torch(path, "torch-zip")


def mixed(path: Path, members: dict[str, bytes]) -> None:
    """The pickle deflated, the storages stored, with folder entries as some zip tools add them."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("plain_zip/"), b"")
        for name, data in members.items():
            entry = zipfile.ZipInfo(name)
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED if name.endswith("data.pkl") else zipfile.ZIP_STORED)
    golden_torch(path, "torch-zip")


def commented(path: Path, members: dict[str, bytes]) -> None:
    """An archive comment. (With an end record's signature in it torch would find no directory.)"""
    write_members(path, members)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"made by a tool"
    golden_torch(path, "torch-zip")


def zip64_everywhere(path: Path, members: dict[str, bytes]) -> None:
    """Sizes and offsets only in ZIP64 extra fields, in local headers, the directory and the end record."""
    body, directory = bytearray(), bytearray()
    for name, data in members.items():
        offset, encoded = len(body), name.encode()
        crc = zipfile.crc32(data)
        local = struct.pack("<HHQQ", 1, 16, len(data), len(data))
        body += struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 45, 0, 0, 0, 0x21, crc, 0xFFFFFFFF, 0xFFFFFFFF,
                            len(encoded), len(local)) + encoded + local + data
        # An unrelated field first (0x5455, a time), so that the ZIP64 field has to be looked for.
        extra = struct.pack("<HHB", 0x5455, 1, 0) + struct.pack("<HHQQQ", 1, 24, len(data), len(data), offset)
        directory += struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 45, 45, 0, 0, 0, 0x21, crc, 0xFFFFFFFF,
                                 0xFFFFFFFF, len(encoded), len(extra), 0, 0, 0, 0, 0xFFFFFFFF) + encoded + extra
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, len(members), len(members),
                        len(directory), len(body))
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(body) + len(directory), 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(bytes(body + directory) + end64 + locator + end)
    golden_torch(path, "torch-zip")


def big_endian(folder: Path) -> None:
    """Storages swapped and `byteorder` = big, as a big-endian machine writes them."""
    values = OrderedDict(
        f64=torch.tensor([1.5, -2.25], dtype=torch.float64), f32=torch.tensor([[1.0, 2.0], [3.0, -4.5]]),
        f32_view=torch.arange(6, dtype=torch.float32).reshape(2, 3).t(), f16=torch.tensor([0.5, -8.0]).half(),
        bf16=torch.tensor([0.25, 3.0]).bfloat16(), i64=torch.tensor([1, -2, 2**40]),
        i32=torch.tensor([7, -9], dtype=torch.int32), i16=torch.tensor([300, -301], dtype=torch.int16),
        u8=torch.tensor([1, 2, 255], dtype=torch.uint8), flag=torch.tensor([True, False, True]),
        c64=torch.tensor([1 + 2j, -3.5j], dtype=torch.complex64),
        c128=torch.tensor([1 + 2j], dtype=torch.complex128), u16=torch.tensor([1, 65535], dtype=torch.uint16),
    )
    path = folder / "big_endian.pth"
    save_zip(values, path)
    little = Listing(torch.load(path)).rows
    members = read_members(path)
    # Complex numbers are swapped by component. torch knows the item sizes from the tensors; uint16 comes with an
    # UntypedStorage, which it reads as bytes and does not swap.
    sizes = [8, 4, 4, 2, 2, 8, 4, 2, 1, 1, 4, 8, 1]
    for number, size in enumerate(sizes):
        data = members[f"big_endian/data/{number}"]
        members[f"big_endian/data/{number}"] = b"".join(
            data[i:i + size][::-1] for i in range(0, len(data), size))
    members["big_endian/byteorder"] = b"big"
    write_members(path, members)
    golden_torch(path, "torch-zip", notes="torch swaps by the storage's class; the UntypedStorage of u16 holds bytes "
                                          "and stays as it is in the file")
    big = Listing(torch.load(path)).rows
    assert big == little, [row["name"] for row, other in zip(big, little) if row != other]


def root_values(folder: Path) -> None:
    """Checkpoints whose root is no dictionary."""
    for name, value in {"root_tensor": torch.arange(6.0).reshape(2, 3),
                        "root_list": [torch.arange(2), (torch.ones(1), {"a": torch.zeros(2)})]}.items():
        save_zip(value, folder / f"{name}.pth")
        golden_torch(folder / f"{name}.pth", "torch-zip")
        save_legacy(value, folder / f"{name}_legacy.pth")
        golden_torch(folder / f"{name}_legacy.pth", "torch-legacy")
    for name, value in {"no_tensors": {"epoch": 3, "notes": "none"}, "empty_dict": {}}.items():
        save_zip(value, folder / f"{name}.pth")
        golden_torch(folder / f"{name}.pth", "torch-zip")
        save_legacy(value, folder / f"{name}_legacy.pth")
        golden_torch(folder / f"{name}_legacy.pth", "torch-legacy")


def sharded(folder: Path) -> None:
    """`pytorch_model.bin.index.json`, as transformers wrote it before safetensors."""
    folder = folder / "sharded"
    folder.mkdir(exist_ok=True)
    state = small_state()
    names = list(state)
    parts = [names[:3], names[3:]]
    weight_map = {}
    for number, part in enumerate(parts, start=1):
        file = f"pytorch_model-{number:05}-of-{len(parts):05}.bin"
        save_zip(OrderedDict((name, state[name].clone()) for name in part), folder / file)
        weight_map.update((name, file) for name in part)
    size = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    path = folder / "pytorch_model.bin.index.json"
    path.write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")
    write_golden(path, "torch-zip", Listing(state).rows, notes="in the order of the model; an index sorts its names")
