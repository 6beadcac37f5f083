"""Headers that lie: npy, safetensors, indices, MessagePack; and HDF5 files that lead astray."""

from __future__ import annotations

import struct
import zlib

import h5py
import numpy as np

from .attack_parts import COMMAND, Files, entry, npy_header, safetensors


# MARK: NumPy

def arrays(files: Files) -> None:
    def refused(name: str, text: str, tries: str, says: str, data: bytes = bytes(8), **options) -> None:
        files.refused(f"npy_{name}.npy", npy_header(text, **options) + data, tries, says)

    def header(shape: str, descr: str = "'<f4'", order: str = "False") -> str:
        return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}"

    plain = "no dictionary of plain values"
    code = f"__import__('os').system('{COMMAND.decode()}')"
    refused("code_in_shape", header(code), "a call where the shape stands", plain)
    refused("code_in_descr", header("(2,)", code), "a call where the type stands", plain)
    refused("code_whole", code, "a call in place of the header", plain)
    refused("code_after", header("(2,)") + f" or {code}", "a call behind the dictionary", plain)
    refused("comprehension", "{k: 1 for k in range(10**9)}", "a comprehension", plain)
    refused("power", header("(9**9**9,)"), "a number that takes for ever to work out", plain)
    refused("loop", "{'a],\"b\":[': [", "a list's bracket that closes before it opens: a reader that looks for the last "
            "one runs in circles", plain)
    refused("depth", "{'shape': " + "(" * 5000, "5,000 brackets", plain)
    refused("length_4_gib", header("(2,)"), "a header of 4 GiB", "header of 4294967295 bytes", version=2, length=2**32 - 1)
    refused("length_1_mib", header("(2,)"), "a header of 1 MiB that is not there", "expected 1048576 bytes", version=2,
            length=1 << 20)
    refused("shape_overflow", header("(4294967296, 4294967296)"), "2^64 elements", "is no shape")
    refused("shape_bytes_overflow", header("(2305843009213693952,)"), "2^61 elements of 4 bytes", "too many bytes")
    refused("shape_wide", header("(99999999999999999999,)"), "a length beyond 64 bits", plain)
    refused("shape_empty_and_huge", header("(0, 4611686018427387904)"), "no elements, and an axis of 2^62", "is no shape",
            data=b"")
    refused("rank", header("(" + "1, " * 5000 + ")"), "5,000 axes", "5000 axes; at most 64")


# MARK: safetensors

def headers(files: Files) -> None:
    def refused(name: str, header: str | bytes, tries: str, says: str, data: bytes = b"", length: int | None = None,
                kind: str = "damaged") -> None:
        files.refused(f"header_{name}.safetensors", safetensors(header, data, length), tries, says, kind)

    one = entry([2], 0, 2)
    refused("hole", f'{{"a":{one},"b":{entry([2], 3, 5)}}}', "a hole between two tensors", "a hole before it", bytes(5))
    refused("hole_first", f'{{"a":{entry([2], 2, 4)}}}', "a hole before the first", "a hole before it", bytes(4))
    refused("overlap", f'{{"a":{one},"b":{entry([2], 1, 3)}}}', "two tensors that overlap", "it overlaps", bytes(3))
    refused("shared", f'{{"a":{one},"b":{one}}}', "two tensors at one place", "it overlaps", bytes(2))
    refused("duplicate", f'{{"a":{one},"a":{entry([2], 2, 4)}}}', "a key twice", 'the key "a" occurs twice', bytes(4))
    refused("duplicate_escaped", f'{{"a":{one},"\\u0061":{entry([2], 2, 4)}}}', "a key twice, once escaped",
            'the key "a" occurs twice', bytes(4))
    refused("duplicate_dtype", '{"a":{"dtype":"U8","dtype":"F64","shape":[2],"data_offsets":[0,2]}}',
            "a tensor of two types", 'the key "dtype" occurs twice', bytes(2))
    files.reads("header_same_letters.safetensors", safetensors(
        f'{{"e\u0301":{one},"\u00e9":{entry([2], 2, 4)}}}', bytes(4)), "two names that look alike and are not the same",
        ["e\u0301", "\u00e9"])
    files.refused("header_99_mb.safetensors", safetensors("{" + " " * 100, length=99_000_000),
                  "a header of 99 MB that is not there", "no checkpoint of a known kind", "unrecognized")
    files.refused("header_2_64.safetensors", safetensors("{}", length=2**64 - 1), "a header of 2^64 - 1 bytes",
                  "no checkpoint of a known kind", "unrecognized")
    refused("depth", '{"a":' + "[" * 10_000, "10,000 brackets", "nesting deeper than 128")
    refused("depth_objects", '{"a":' * 5000, "5,000 braces", "nesting deeper than 128")
    refused("shape_overflow", f'{{"a":{entry([2**32, 2**32], 0, 2)}}}', "2^64 elements", "is no shape", bytes(2))
    refused("shape_bytes_overflow", f'{{"a":{entry([2**61], 0, 2, "F64")}}}', "2^61 elements of 8 bytes", "too many bytes",
            bytes(2))
    refused("shape_empty_and_huge", f'{{"a":{entry([0, 2**62], 0, 0)}}}', "no elements, and an axis of 2^62",
            "is no shape")
    refused("shape_negative", f'{{"a":{entry([-1], 0, 2)}}}', "a negative length", "is no shape", bytes(2))
    refused("shape_wide", f'{{"a":{entry([2**64], 0, 2)}}}', "a length beyond 64 bits", "expected whole numbers", bytes(2))
    refused("shape_fraction", f'{{"a":{entry([1.5], 0, 2)}}}', "half an element", "expected whole numbers", bytes(2))
    refused("rank", f'{{"a":{entry([1] * 5000, 0, 1)}}}', "5,000 axes", "5000 axes; at most 64", bytes(1))
    for name, start, end in (("reversed", 2, 0), ("negative", -2, 0), ("wide", 0, 2**64), ("exponent", 0, "2e0")):
        refused(f"offsets_{name}", f'{{"a":{entry([2], start, end)}}}', f"data_offsets of {start} and {end}",
                "expected data_offsets of two numbers", bytes(2))
    refused("offsets_outside", f'{{"a":{entry([2**40], 0, 2**40)}}}', "a tensor of a terabyte", "expected bytes up to",
            bytes(2))
    refused("metadata", '{"__metadata__":{"a":{"b":1}}}', "metadata that are no text", "expected text")
    refused("trailing", f'{{"a":{one}}}', "bytes behind the last tensor, for another reader", "belong to none",
            b"\0\0PK\x05\x06" + bytes(18))
    refused("infinity", f'{{"a":{{"dtype":"U8","shape":[1e999],"data_offsets":[0,1]}}}}', "a length beyond a double",
            "", bytes(1))


# MARK: Indices

def indices(files: Files) -> None:
    def refused(name: str, weight_map: str, tries: str, says: str, kind: str = "damaged") -> None:
        files.refused(f"index_{name}.safetensors.index.json", f'{{"weight_map":{weight_map}}}\n'.encode(), tries, says, kind)

    beside = "is no file beside the index"
    refused("parent", '{"a":"../safetensors/plain.safetensors"}', "a shard in another folder", beside)
    refused("absolute", '{"a":"/etc/passwd"}', "an absolute path", beside)
    refused("accent", '{"a":"../\\u0301"}', "a slash that an accent makes one letter with", beside)
    refused("nul", '{"a":"header_shared.safetensors\\u0000.txt"}', "a name that ends early for the system", beside)
    refused("dots", '{"a":".."}', "the folder above", beside)
    refused("empty", '{"a":""}', "no name", beside)
    refused("number", '{"a":1}', "a number for a name", beside)
    refused("list", '["a"]', "a list for the map", 'no \\"weight_map\\"'.replace("\\", ""))
    refused("itself", '{"a":"index_itself.safetensors.index.json"}', "itself as a shard", "this is a JSON text",
            "unrecognized")
    refused("missing", '{"a":"nowhere.safetensors"}', "a shard that is not there", "No such file", "inaccessible")


# MARK: HDF5

def hdf5(files: Files) -> None:
    def written(name: str, write, tries: str, **facts) -> None:
        path = files.folder / name
        with h5py.File(path, "w", libver=("v108", "v108")) as file:
            write(file)
        files.rows.append({"file": name, "tries": tries, **facts})

    def cycles(file: h5py.File) -> None:
        """Each of eight groups holds all eight: 8! paths without a repetition."""
        groups = [file.create_group(f"g{number}") for number in range(8)]
        for group in groups:
            for number, other in enumerate(groups):
                group[f"to_{number}"] = other
            group["root"] = file["/"]
        groups[7]["kernel"] = np.arange(2, dtype="<f4")

    def soft(file: h5py.File) -> None:
        file["itself"] = h5py.SoftLink("/itself")
        file["there"], file["back"] = h5py.SoftLink("/back"), h5py.SoftLink("/there")
        file["deeper"] = h5py.SoftLink("/deeper/deeper/deeper")
        file["kernel"] = np.arange(2, dtype="<f4")

    def external(file: h5py.File) -> None:
        file["beside"] = h5py.ExternalLink("hdf5_cycles.h5", "/g7/kernel")
        file["itself"] = h5py.ExternalLink("hdf5_external.h5", "/itself")
        file["device"] = h5py.ExternalLink("/dev/zero", "/")
        file["system"] = h5py.ExternalLink("/etc/passwd", "/")
        file["kernel"] = np.arange(2, dtype="<f4")

    def chunks(file: h5py.File) -> None:
        """One chunk of almost 4 GiB, of which 100 bytes are there."""
        data = file.create_dataset("kernel", (2**30 - 1,), "<f4", chunks=(2**30 - 1,), compression="gzip")
        data.id.write_direct_chunk((0,), zlib.compress(bytes(4096)))

    def many(file: h5py.File) -> None:
        """2^50 elements in chunks of one each, one of which is there."""
        data = file.create_dataset("kernel", (2**50,), "<f4", chunks=(1,))
        data[7] = 1

    def axes(file: h5py.File) -> None:
        file.create_dataset("kernel", (0, 2**62), "<f4", maxshape=(None, 2**62), chunks=(1, 1))

    def deep(file: h5py.File) -> None:
        group = file
        for _ in range(200):
            group = group.create_group("g")

    written("hdf5_cycles.h5", cycles, "groups within one another in circles", tensors=["g0/to_1/to_2/to_3/to_4/to_5/to_6/to_7/kernel"])
    written("hdf5_soft.h5", soft, "links to themselves and to one another", tensors=["kernel"],
            others={name: "soft link" for name in ("itself", "there", "back", "deeper")})
    written("hdf5_external.h5", external, "links to other files, devices and itself, which are never opened",
            tensors=["kernel"],
            others={name: "external link" for name in ("beside", "itself", "device", "system")})
    written("hdf5_chunk_huge.h5", chunks, "a chunk of 4 GiB in a file of some KB", kind="damaged",
            says="cannot hold 4294967292 bytes")
    written("hdf5_chunks_many.h5", many, "2^50 elements, of which 4 bytes are there", kind="damaged",
            says="cannot hold")
    written("hdf5_shape_empty_and_huge.h5", axes, "no elements, and an axis of 2^62", kind="damaged", says="is no shape")
    written("hdf5_deep.h5", deep, "200 groups within one another", kind="unsupported", says="more than 128 deep")


# MARK: MessagePack

def messages(files: Files) -> None:
    def text(value: bytes) -> bytes:
        return b"\xdb" + struct.pack(">I", len(value)) + value

    def array(shape: bytes = b"\x91\x02", data: bytes = b"\x01\x02") -> bytes:
        inner = b"\x93" + shape + b"\xa5uint8" + b"\xc4" + bytes([len(data)]) + data
        return b"\xc7" + bytes([len(inner)]) + b"\x01" + inner

    def refused(name: str, value: bytes, tries: str, says: str, kind: str = "damaged") -> None:
        files.refused(f"message_{name}.msgpack", b"\x82\xa1a" + array() + b"\xa1b" + value, tries, says, kind)

    for name, marker in (("array", b"\xdd"), ("map", b"\xdf"), ("text", b"\xdb"), ("bytes", b"\xc6"), ("extension", b"\xc9")):
        refused(f"length_{name}", marker + b"\xff" * 4 + b"\x01", f"4 GiB of {name} that are not there", "ends too early")
    refused("depth", b"\x91" * 5000 + b"\xc0", "5,000 lists within one another", "more than 128 deep", "unsupported")
    refused("shape_overflow", array(b"\x92" + (b"\xcf" + struct.pack(">Q", 2**62)) * 2), "2^124 elements", "is no shape")
    refused("shape_empty_and_huge", array(b"\x92\x00\xcf" + struct.pack(">Q", 2**62), b""),
            "no elements, and an axis of 2^62", "is no shape")
    refused("long_names", b"\x81" + text(b"a" * 12_000) + b"\xdc" + struct.pack(">H", 4000) + b"\x80" * 4000,
            "4,000 names of 12,000 characters in a file of 16 KB", "to list", "unsupported")
