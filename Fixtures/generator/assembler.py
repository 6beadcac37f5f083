"""Pickles put together by hand, opcode by opcode, as Python 2 and early versions of torch wrote them."""

from __future__ import annotations

import struct


class Global:
    def __init__(self, module: str, name: str):
        self.module, self.name = module, name


class Long(int):
    """An integer of Python 2's type `long`, written as LONG1."""


class Persistent:
    def __init__(self, identifier):
        self.identifier = identifier


class Call:
    """REDUCE, and BUILD when there is a state."""

    def __init__(self, function: Global, *args, state=None):
        self.function, self.args, self.state = function, args, state


def pickled(value) -> bytes:
    """Protocol 2 as Python 2 wrote it: byte strings, no memo."""
    return b"\x80\x02" + encode(value) + b"."


def encode(value) -> bytes:
    match value:
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case Long():
            data = int(value).to_bytes(value.bit_length() // 8 + 1, "little", signed=True) if value else b""
            return b"\x8a" + bytes([len(data)]) + data
        case int() if 0 <= value < 256:
            return b"K" + bytes([value])
        case int() if 0 <= value < 65536:
            return b"M" + struct.pack("<H", value)
        case int() if -(2**31) <= value < 2**31:
            return b"J" + struct.pack("<i", value)
        case int():
            return encode(Long(value))
        case float():
            return b"G" + struct.pack(">d", value)
        case str():  # Python 2's unicode
            data = value.encode()
            return b"X" + struct.pack("<I", len(data)) + data
        case bytes() if len(value) < 256:  # Python 2's str
            return b"U" + bytes([len(value)]) + value
        case bytes():
            return b"T" + struct.pack("<I", len(value)) + value
        case tuple():
            if len(value) <= 3:
                return b"".join(map(encode, value)) + (b")", b"\x85", b"\x86", b"\x87")[len(value)]
            return b"(" + b"".join(map(encode, value)) + b"t"
        case list():
            return b"]" + (b"(" + b"".join(map(encode, value)) + b"e" if value else b"")
        case dict():
            items = b"".join(encode(key) + encode(item) for key, item in value.items())
            return b"}" + (b"(" + items + b"u" if items else b"")
        case Global():
            return b"c" + value.module.encode() + b"\n" + value.name.encode() + b"\n"
        case Persistent():
            return encode(value.identifier) + b"Q"
        case Call():
            made = encode(value.function) + encode(tuple(value.args)) + b"R"
            return made + (encode(value.state) + b"b" if value.state is not None else b"")
    raise TypeError(type(value))
