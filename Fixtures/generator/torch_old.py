"""What torch wrote before 0.4 and from Python 2, put together by hand and read back by torch itself."""

from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

import numpy as np
import torch

from .assembler import Call, Global, Long, Persistent, pickled
from .common import (InertPickle, Listing, golden_torch, patched, save_legacy, save_zip, write_golden)

MAGIC = 0x1950A86A20F9469CFC6C
ORDERED_DICT = Global("collections", "OrderedDict")
REBUILD, REBUILD_2 = Global("torch._utils", "_rebuild_tensor"), Global("torch._utils", "_rebuild_tensor_v2")
STORAGES = {"<f4": "FloatStorage", "<f8": "DoubleStorage", "<i8": "LongStorage", "|u1": "ByteStorage",
            "<f2": "HalfStorage", "<i4": "IntStorage"}
SYSTEM = {b"protocol_version": 1001, b"little_endian": True,
          b"type_sizes": {b"short": 2, b"int": 4, b"long": 4}}


def generate(out: Path) -> None:
    folder = out / "torch"
    folder.mkdir(parents=True, exist_ok=True)
    python2(folder / "python2_legacy.pth")
    view_metadata(folder / "storage_views_legacy.pth")
    key_order(folder / "key_order_legacy.pth")
    tar(folder / "old_tar.pth.tar")
    from_cuda(folder)
    hostile(folder)


def storage_class(array: np.ndarray) -> Global:
    return Global("torch", STORAGES[array.dtype.str])


def legacy_file(root, storages: list[tuple[bytes, np.ndarray]]) -> bytes:
    head = b"".join(map(pickled, (Long(MAGIC), 1001, SYSTEM, root, [key for key, _ in storages])))
    return head + b"".join(struct.pack("<q", array.size) + array.tobytes() for _, array in storages)


def contiguous(shape: tuple[int, ...]) -> tuple:
    strides, step = [], 1
    for size in reversed(shape):
        strides.insert(0, Long(step))
        step *= size
    return tuple(strides)


def python2(path: Path) -> None:
    """Byte-string keys, `long` sizes, `_rebuild_tensor`, and OrderedDict made from a list of pairs."""
    arrays = {b"features.0.weight": np.arange(24, dtype="<f4").reshape(2, 3, 2, 2),
              b"features.0.bias": np.array([0.5, -0.5], dtype="<f4"),
              b"classifier.weight": np.arange(6, dtype="<f8").reshape(3, 2),
              b"steps": np.array([2**40], dtype="<i8"), b"mask": np.array([1, 0, 1], dtype="|u1")}
    keys = {name: str(51234560 + 96 * number).encode() for number, name in enumerate(arrays)}

    def tensor(name: bytes, array: np.ndarray) -> Call:
        storage = Persistent((b"storage", storage_class(array), keys[name], b"cpu", Long(array.size), None))
        shape = tuple(Long(size) for size in array.shape)
        return Call(REBUILD, storage, Long(0), shape, contiguous(array.shape))

    state = Call(ORDERED_DICT, [[name, tensor(name, array)] for name, array in arrays.items()])
    moments = np.array([[1.5, 2.5]], dtype=">f4")
    numpy_array = Call(Global("numpy.core.multiarray", "_reconstruct"), Global("numpy", "ndarray"), (0,), b"b",
                       state=(1, (1, 2), Call(Global("numpy", "dtype"), b"f4", 0, 1, state=(
                           3, b">", None, None, None, -1, -1, 0)), False, moments.tobytes()))
    root = {b"epoch": 90, b"arch": b"alexnet", "unicode": "é", b"latin": b"caf\xe9", b"state_dict": state,
            b"mean": numpy_array, b"big": Long(2**70)}
    path.write_bytes(legacy_file(root, [(keys[name], array) for name, array in arrays.items()]))
    golden_torch(path, "torch-legacy", encoding="latin1",
                 notes="read with torch.load(encoding='latin1'); byte strings are Python 2's str")


def view_metadata(path: Path) -> None:
    """Storages that are views of a root storage: (view key, offset, size), as torch 0.1 wrote them."""
    data = np.arange(20, dtype="<f4")
    alone = np.array([7, 8, 9], dtype="<i8")

    def storage(view) -> Persistent:
        return Persistent((b"storage", storage_class(data), b"1000", b"cpu", 20, view))

    root = Call(ORDERED_DICT, [
        [b"view", Call(REBUILD_2, storage((b"2000", 4, 6)), 0, (2, 3), (3, 1), False, Call(ORDERED_DICT, []))],
        [b"view_offset", Call(REBUILD_2, storage((b"2000", 4, 6)), 2, (2,), (2,), False, Call(ORDERED_DICT, []))],
        [b"other_view", Call(REBUILD_2, storage((b"3000", 10, 10)), 1, (3, 2), (1, 3), False,
                             Call(ORDERED_DICT, []))],
        [b"root", Call(REBUILD_2, storage(None), 0, (4, 5), (5, 1), True, Call(ORDERED_DICT, []))],
        [b"alone", Call(REBUILD_2, Persistent((b"storage", storage_class(alone), b"4000", b"cpu", 3, None)), 0, (3,),
                        (1,), False, Call(ORDERED_DICT, []))],
    ])
    path.write_bytes(legacy_file(root, [(b"1000", data), (b"4000", alone)]))
    golden_torch(path, "torch-legacy", notes="written with byte strings; torch reads it with any encoding")


def key_order(path: Path) -> None:
    """The list of keys in the reverse of the order of appearance, item sizes mixed."""
    arrays = {b"a": np.arange(3, dtype="<f8"), b"b": np.arange(5, dtype="|u1"), b"c": np.arange(2, dtype="<f2"),
              b"d": np.arange(4, dtype="<i4"), b"empty": np.empty(0, dtype="<f4")}
    root = Call(ORDERED_DICT, [
        [name, Call(REBUILD_2, Persistent((b"storage", storage_class(array), b"key-" + name, b"cpu", array.size, None)),
                    0, array.shape, (1,), False, Call(ORDERED_DICT, []))]
        for name, array in arrays.items()])
    path.write_bytes(legacy_file(root, [(b"key-" + name, arrays[name]) for name in reversed(arrays)]))
    golden_torch(path, "torch-legacy")


def tar(path: Path) -> None:
    """torch 0.1.1's tar: sys_info, pickle, tensors, storages."""
    roots = {11: np.arange(12, dtype="<f4"), 12: np.array([5, 6, 7], dtype="<i8"),
             13: np.array([0.5, 1.5, 2.5, 3.5], dtype="<f8")}
    views = [(21, 11, 6, 6), (22, 13, 1, 3)]  # storage, root, offset, elements
    tensors = [  # key, storage, class, sizes, strides, offset
        (101, 11, "FloatTensor", (3, 4), (4, 1), 0), (102, 11, "FloatTensor", (4, 3), (1, 4), 0),
        (103, 21, "FloatTensor", (2, 2), (2, 1), 2), (104, 12, "LongTensor", (3,), (1,), 0),
        (105, 22, "DoubleTensor", (2,), (2,), 0), (106, 11, "FloatTensor", (2,), (5,), 1)]
    storages = pickled(len(roots)) + b"".join(
        pickled((key, b"cpu", storage_class(array))) + struct.pack("<q", array.size) + array.tobytes()
        for key, array in roots.items()) + pickled(views)
    listing = pickled(len(tensors)) + b"".join(
        pickled((key, storage, Global("torch", kind))) + struct.pack("<i4x", len(sizes))
        + struct.pack(f"<{2 * len(sizes) + 1}q", *sizes, *strides, offset)
        for key, storage, kind, sizes, strides, offset in tensors)
    root = {b"epoch": 5, b"state_dict": Call(ORDERED_DICT, [
        [b"conv.weight", Persistent(b"101")], [b"conv.transposed", Persistent(b"102")],
        [b"conv.view", Persistent(b"103")], [b"steps", Persistent(b"104")], [b"stepped", Persistent(b"105")],
        [b"diagonal", Persistent(b"106")], [b"again", Persistent(b"101")]])}
    members = {"sys_info": pickled(SYSTEM), "pickle": pickled(root), "tensors": listing, "storages": storages}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    golden_torch(path, "torch-tar")


def from_cuda(folder: Path) -> None:
    """Saved from a GPU: the location differs, the storages do not."""
    values = {"weight": torch.arange(6.0).reshape(2, 3), "half": torch.ones(2).half()}
    with patched(torch.serialization, "location_tag", lambda storage: "cuda:0"):
        save_zip(values, folder / "from_cuda.pth")
        save_legacy(values, folder / "from_cuda_legacy.pth")
    for name, container in (("from_cuda", "torch-zip"), ("from_cuda_legacy", "torch-legacy")):
        loaded = torch.load(folder / f"{name}.pth", map_location="cpu")
        write_golden(folder / f"{name}.pth", container, Listing(loaded).rows)


def hostile(folder: Path) -> None:
    """A pickle that would run a command when loaded by Python: nothing runs, the tensors are listed."""
    data = np.arange(4, dtype="<f4")
    tensor = Call(REBUILD_2, Persistent((b"storage", storage_class(data), b"1", b"cpu", 4, None)), 0, (4,), (1,),
                  False, Call(ORDERED_DICT, []))
    command = b"touch vit-convert-was-tricked"
    path = folder / "hostile_legacy.pth"
    path.write_bytes(legacy_file({
        b"weight": tensor, b"run": Call(Global("posix", "system"), command),
        b"evaluated": Call(Global("__builtin__", "eval"), b"open('vit-convert-was-tricked', 'w')"),
        b"wrapped": Call(Global("torch.nn.modules.linear", "Linear"), Call(Global("os", "popen"), command), 2),
    }, [(b"1", data)]))
    rows = Listing(torch.load(path, pickle_module=InertPickle, weights_only=False)).rows
    write_golden(path, "torch-legacy", rows, notes="posix.system, __builtin__.eval and os.popen stay inert")
