"""Parts of files that no library writes: containers whose records may say anything."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np

from .assembler import Call, Global, Long, Persistent, encode, pickled
from .torch_old import MAGIC, ORDERED_DICT, REBUILD_2, SYSTEM

MARK = "vit-convert-was-tricked"
COMMAND = f"touch {MARK}".encode()
FLOATS = Global("torch", "FloatStorage")
LARGEST = 2**63 - 1


class Files:
    """Where they go, and what is to be told of each."""

    def __init__(self, folder: Path):
        self.folder, self.rows = folder, []

    def refused(self, name: str, data: bytes, tries: str, says: str, kind: str = "damaged") -> None:
        """Not read: the error's kind, and words of its message."""
        self.put(name, data, tries, kind=kind, says=says)

    def reads(self, name: str, data: bytes, tries: str, tensors: list[str], **facts) -> None:
        """Read, with these tensors; `others` are names with their types, `globals` the globals named."""
        self.put(name, data, tries, tensors=tensors, **facts)

    def unreadable(self, name: str, data: bytes, tries: str, tensors: list[str], says: str, **facts) -> None:
        """Listed, with these tensors, the first of which throws when its bytes are asked for."""
        self.put(name, data, tries, tensors=tensors, kind="damaged", says=says, **facts)

    def put(self, name: str, data: bytes, tries: str, **facts) -> None:
        (self.folder / name).write_bytes(data)
        self.rows.append({"file": name, "tries": tries, **facts})


class Raw:
    """Opcodes as they are."""

    def __init__(self, data: bytes):
        self.data = data


def body(value) -> bytes:
    return value.data if isinstance(value, Raw) else encode(value)


def legacy(root, keys: bytes = b"]", data: bytes = b"") -> bytes:
    """torch's container before 1.6 around a root, whole or as opcodes."""
    head = pickled(Long(MAGIC)) + pickled(1001) + pickled(SYSTEM)
    return head + b"\x80\x02" + body(root) + b"." + b"\x80\x02" + keys + b"." + data


ONE = (b"](U\x011e", struct.pack("<q", 4) + struct.pack("<4f", 1, 2, 3, 4))


def storage(numel=4, key: bytes = b"1", kind: Global = FLOATS, view=None) -> Persistent:
    return Persistent((b"storage", kind, key, b"cpu", numel, view))


def tensor(offset=0, shape=(4,), strides=(1,), of: Persistent | None = None) -> Call:
    return Call(REBUILD_2, of or storage(), offset, shape, strides, False, Call(ORDERED_DICT))


def dictionary(**items) -> Raw:
    """A dictionary whose values may be opcodes."""
    return Raw(b"}(" + b"".join(encode(key.encode()) + body(value) for key, value in items.items()) + b"u")


def with_weight(**items) -> bytes:
    """A good tensor, and beside it what is to be tried."""
    return legacy(dictionary(weight=tensor(), **items), *ONE)


class Member:
    """A member of a zip archive, each of whose records may lie."""

    def __init__(self, name: str, data: bytes = b"", method: int = 0, **lies):
        self.name, self.data, self.method, self.lies = name.encode(), data, method, lies
        self.stored = data
        if method == 8:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            self.stored = packer.compress(data) + packer.flush()

    def local(self) -> bytes:
        name = self.lies.get("local_name", self.name)
        extra = self.lies.get("local_extra", b"")
        count = self.lies.get("local_extra_count", len(extra))
        return struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, self.method, 0, 33, zlib.crc32(self.data),
                           len(self.stored), len(self.data), len(name), count) + name + extra + self.stored

    def entry(self, place: int) -> bytes:
        lies = self.lies
        extra = lies.get("extra", b"")
        return struct.pack(
            "<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, lies.get("flags", 0), lies.get("method", self.method), 0, 33,
            zlib.crc32(self.data), lies.get("stored", len(self.stored)), lies.get("size", len(self.data)),
            len(self.name), len(extra), 0, 0, 0, 0, lies.get("place", place)) + self.name + extra


def archive(*members: Member, count: int | None = None, start: int | None = None, size: int | None = None,
            comment: bytes = b"", hidden: tuple[Member, ...] = ()) -> bytes:
    """`hidden` ones stand in the file, but not in the directory."""
    data, entries = b"", b""
    for member in members:
        entries += member.entry(len(data))
        data += member.local()
    data += b"".join(member.local() for member in hidden)
    count = len(members) if count is None else count
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(entries) if size is None else size,
                      len(data) if start is None else start, len(comment))
    return data + entries + end + comment


def npy(values: np.ndarray) -> bytes:
    return npy_header(f"{{'descr': '{values.dtype.str}', 'fortran_order': False, 'shape': {values.shape}}}") \
        + values.tobytes()


def npy_header(text: str, length: int | None = None, version: int = 1) -> bytes:
    data = text.encode() + b"\n"
    length = len(data) if length is None else length
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", length) + data


GOOD = npy(np.arange(2, dtype="<f4"))


def safetensors(header: str | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    header = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def entry(shape, start, end, dtype: str = "U8") -> str:
    return f'{{"dtype":"{dtype}","shape":{json.dumps(shape)},"data_offsets":[{start},{end}]}}'
