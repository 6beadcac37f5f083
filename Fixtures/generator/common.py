"""What all groups share: deterministic saving, and golden listings taken from what the library loads."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import pickle
import zipfile
from collections import deque
from pathlib import Path

import numpy as np
import torch

# MARK: dtypes, spelled as in safetensors

TORCH_DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
    torch.uint64: "U64", torch.uint32: "U32", torch.uint16: "U16", torch.uint8: "U8", torch.bool: "BOOL",
    torch.complex32: "C32", torch.complex64: "C64", torch.complex128: "C128",
    torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2",
    torch.float8_e4m3fnuz: "F8_E4M3FNUZ", torch.float8_e5m2fnuz: "F8_E5M2FNUZ",
    torch.float8_e8m0fnu: "F8_E8M0",
}
NUMPY_DTYPES = {
    "f8": "F64", "f4": "F32", "f2": "F16", "c8": "C64", "c16": "C128", "b1": "BOOL",
    "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8", "u8": "U64", "u4": "U32", "u2": "U16", "u1": "U8",
}


def tensor_bytes(tensor: torch.Tensor) -> bytes:
    """Row-major, little-endian."""
    plain = tensor.detach().resolve_conj().resolve_neg()
    plain = torch.empty(plain.shape, dtype=plain.dtype).copy_(plain).reshape(-1)
    return plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b""


def tensor_row(name: str, tensor: torch.Tensor) -> dict:
    return {"name": name, "dtype": TORCH_DTYPES[tensor.dtype], "shape": list(tensor.shape),
            "sha256": hashlib.sha256(tensor_bytes(tensor)).hexdigest()}


def array_row(name: str, array: np.ndarray, dtype: str | None = None) -> dict:
    dtype = dtype or NUMPY_DTYPES[array.dtype.str[1:]]
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))) if array.dtype.kind != "V" else array
    return {"name": name, "dtype": dtype, "shape": list(array.shape),
            "sha256": hashlib.sha256(little.tobytes(order="C")).hexdigest()}


def write_golden(path: Path, container: str, rows: list[dict], **extra) -> None:
    """`X.golden.json` beside the fixture X: one line for each tensor, so that a difference can be read."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    head = {"container": container, **{key: value for key, value in extra.items() if value}}
    text = json.dumps(head, ensure_ascii=False, indent=1)[:-2]
    body = ",\n  ".join(lines)
    text += ',\n "tensors": [' + (f"\n  {body}\n " if lines else "") + "]\n}\n"
    json.loads(text)
    path.with_name(path.name + ".golden.json").write_text(text, encoding="utf-8")


# MARK: Saving with torch, the same bytes each time

def save_zip(obj, path: Path, protocol: int = 2) -> None:
    """As users save: by path, so that the root folder has the file's stem. torch writes no times."""
    torch.save(obj, str(path), pickle_protocol=protocol)


def save_legacy(obj, path: Path, protocol: int = 2) -> None:
    path.write_bytes(legacy_bytes(obj, protocol))


def legacy_bytes(obj, protocol: int = 2) -> bytes:
    """torch's serialisation before 1.6.

    A storage's key is its address in memory there. Addresses that look the same are dealt out in place of them;
    their order is not the order of appearance, as in real files.
    """
    buffer = io.BytesIO()
    addresses: dict[int, str] = {}

    def stable_key(address) -> str:
        if not isinstance(address, int):
            return str(address)
        return addresses.setdefault(address, str(94_000_000_000_000 + (len(addresses) * 7919 % 10007) * 64))

    with patched(torch.serialization, "str", stable_key), \
            patched(torch.serialization, "get_source_lines_and_file", source_of):
        torch.serialization._legacy_save(obj, buffer, pickle, protocol)
    return buffer.getvalue()


def source_of(cls: type, *_):
    """The source that legacy files carry for a pickled module's class; none for torch's own, and no local path."""
    source = getattr(cls, "fixture_source", None)
    if source is None:
        raise OSError("not recorded")
    return source.splitlines(keepends=True), 1, f"/home/user/project/{cls.__module__.replace('.', '/')}.py"


@contextlib.contextmanager
def patched(owner, name: str, value):
    missing = object()
    before = owner.__dict__.get(name, missing)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is missing:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


# MARK: Rewriting zips

def read_members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def write_members(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_STORED,
                  force_zip64: bool = False) -> None:
    """Members in the order given, with Python's zipfile and a fixed time."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = method
            with archive.open(entry, "w", force_zip64=force_zip64) as member:
                member.write(data)


# MARK: Golden listings of pickled objects

class Inert:
    """Stands for an object of a class outside the closed list: what it was made from and its state."""

    def __init__(self, module: str, name: str, args: tuple, kwargs: dict):
        self.global_name, self.args, self.kwargs = f"{module}.{name}", args, kwargs
        self.items_list, self.items_dict, self.state, self.function = [], {}, None, None

    def __call__(self, *args, **kwargs):
        """REDUCE on an object in place of a global: protocols 2 and 3 call a functools.partial of `__new__`."""
        made = inert_class("", "")(*args, **kwargs)
        made.function = self
        return made


def inert_class(module: str, name: str) -> type:
    """A class whose instances keep whatever the pickle does to them."""

    class Stand(Inert):
        dump_patches = False  # torch asks the classes in a legacy file for it

        def __new__(cls, *args, **kwargs):
            self = object.__new__(cls)
            Inert.__init__(self, module, name, args, kwargs)
            return self

        def __init__(self, *args, **kwargs):
            pass

        def __setstate__(self, state):
            self.state = state

        def append(self, item):
            self.items_list.append(item)

        def extend(self, items):
            self.items_list.extend(items)

        def __setitem__(self, key, value):
            self.items_dict[key] = value

        def __hash__(self):
            return id(self)

    Stand.__name__ = name
    return Stand


def rebuild_without_type(function, cls, args, state):
    """torch's `_rebuild_from_type_v2`, but for the subclass, which may be foreign."""
    tensor = function(*args)
    return torch._utils._set_obj_state(tensor, state) if state else tensor


HARMLESS_BUILTINS = {"set", "frozenset", "complex", "slice", "range", "xrange", "bytearray", "bytes", "int", "float",
                     "list", "dict", "tuple", "object", "str", "len", "Ellipsis"}
KNOWN_MODULES = ("torch", "collections", "argparse", "datetime", "pathlib", "_codecs",
                 "numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy._core.numeric",
                 "numpy.dtypes", "copy_reg", "copyreg", "decimal", "fractions", "uuid")
_inert_classes: dict[tuple[str, str], type] = {}


class InertPickle:
    """Takes the place of the pickle module in torch.load, so that foreign classes need not be importable."""

    class Unpickler(pickle.Unpickler):
        def find_class(self, module, name):
            if name == "_rebuild_from_type_v2":
                return rebuild_without_type
            if module in ("builtins", "__builtin__") and name in HARMLESS_BUILTINS:
                return super().find_class(module, name)
            if (module in KNOWN_MODULES or module.startswith("torch.")) and module != "torch.nn.modules" \
                    and not module.startswith(("torch.nn.modules.", "torch.optim", "torch.nn.utils")):
                return super().find_class(module, name)
            return _inert_classes.setdefault((module, name), inert_class(module, name))

    @staticmethod
    def load(file, **arguments):
        return InertPickle.Unpickler(file, **arguments).load()

    Pickler, __name__ = pickle.Pickler, "pickle"


def key_text(key) -> str:
    return key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else str(key)


class Listing:
    """Walks a loaded object in the order of its dictionaries and names every tensor by its path."""

    def __init__(self, root):
        self.rows: list[dict] = []
        self.others: list[dict] = []
        self.on_path: set[int] = set()
        self.visit(root, ())

    def other(self, path, note: str) -> None:
        self.others.append({"name": ".".join(path) or "tensor", "note": note})

    def add(self, path, tensor: torch.Tensor) -> None:
        self.rows.append(tensor_row(".".join(path) or "tensor", tensor))

    def visit(self, value, path: tuple[str, ...]) -> None:
        if id(value) in self.on_path:
            return  # an object that holds itself is followed once
        self.on_path.add(id(value))
        if isinstance(value, torch.Tensor):
            self.visit_tensor(value, path)
        elif isinstance(value, np.ndarray):
            if value.dtype.str[1:] in NUMPY_DTYPES:
                self.rows.append(array_row(".".join(path) or "tensor", value))
            else:
                self.other(path, f"numpy array of dtype {value.dtype.str}")
        elif isinstance(value, Inert):
            self.visit_inert(value, path)
        elif isinstance(value, dict):
            self.visit_items(value.items(), path)
            self.visit_attributes(value, path)
        elif isinstance(value, (list, tuple, set, frozenset, deque)):
            self.visit_items(enumerate(value), path)
        elif isinstance(value, (torch.UntypedStorage, torch.TypedStorage)):
            self.other(path, "a storage without a tensor")
        elif hasattr(value, "__dict__") and not isinstance(value, (type, np.generic)) and not callable(value):
            self.visit_items(vars(value).items(), path)
        self.on_path.discard(id(value))

    def visit_items(self, items, path) -> None:
        for key, value in items:
            self.visit(value, (*path, key_text(key)))

    def visit_attributes(self, value, path) -> None:
        """What BUILD put on a dictionary or a tensor; `_metadata` of a state dictionary holds no tensors."""
        self.visit_items(getattr(value, "__dict__", {}).items(), path)

    def visit_tensor(self, tensor, path) -> None:
        if tensor.device.type == "meta":
            self.other(path, f"meta tensor {TORCH_DTYPES[tensor.dtype]} {list(tensor.shape)}: it has no data")
        elif tensor.is_quantized:
            self.add(path, tensor.int_repr())
            if tensor.qscheme() in (torch.per_channel_affine, torch.per_channel_affine_float_qparams):
                self.add((*path, "scales"), tensor.q_per_channel_scales())
                self.add((*path, "zero_points"), tensor.q_per_channel_zero_points())
        elif tensor.layout == torch.sparse_coo:
            self.add((*path, "indices"), tensor._indices())
            self.add((*path, "values"), tensor._values())
        elif tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
            self.add((*path, "crow_indices"), tensor.crow_indices())
            self.add((*path, "col_indices"), tensor.col_indices())
            self.add((*path, "values"), tensor.values())
        elif tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
            self.add((*path, "ccol_indices"), tensor.ccol_indices())
            self.add((*path, "row_indices"), tensor.row_indices())
            self.add((*path, "values"), tensor.values())
        elif tensor.is_nested:
            self.add((*path, "buffer"), nested_buffer(tensor))
            self.add((*path, "sizes"), tensor._nested_tensor_size())
            self.add((*path, "strides"), tensor._nested_tensor_strides())
            self.add((*path, "storage_offsets"), tensor._nested_tensor_storage_offsets())
        else:
            self.add(path, tensor)
        self.visit_attributes(tensor, path)

    def visit_inert(self, value: Inert, path) -> None:
        state = value.state
        if isinstance(state, dict) and {"_parameters", "_buffers", "_modules"} <= state.keys():
            self.visit_module(state, path)
            return
        if value.function is not None:
            self.visit(value.function, (*path, "function"))
        self.visit_items(enumerate(value.args), (*path, "args"))
        self.visit_items(value.kwargs.items(), (*path, "kwargs"))
        self.visit_items(enumerate(value.items_list), path)
        self.visit_items(value.items_dict.items(), path)
        if isinstance(state, tuple) and len(state) == 2 and all(s is None or isinstance(s, dict) for s in state):
            for part in state:  # (__dict__, slots)
                self.visit_items((part or {}).items(), path)
        elif isinstance(state, dict):
            self.visit_items(state.items(), path)
        elif state is not None:
            self.visit(state, (*path, "state"))

    def visit_module(self, state: dict, path) -> None:
        """As `state_dict()` lists it."""
        left_out = state.get("_non_persistent_buffers_set", set())
        self.visit_items(((k, v) for k, v in state["_parameters"].items() if v is not None), path)
        self.visit_items(((k, v) for k, v in state["_buffers"].items() if v is not None and k not in left_out), path)
        self.visit_items(((k, v) for k, v in state["_modules"].items() if v is not None), path)


def nested_buffer(tensor: torch.Tensor) -> torch.Tensor:
    """The values of a strided nested tensor as one row."""
    return torch.cat([part.reshape(-1) for part in tensor.unbind()])


def golden_torch(path: Path, container: str, encoding: str = "utf-8", **extra) -> Listing:
    """List what torch.load gives and write it beside the file."""
    loaded = torch.load(str(path), pickle_module=InertPickle, weights_only=False, encoding=encoding)
    listing = Listing(loaded)
    write_golden(path, container, listing.rows, others=listing.others, **extra)
    return listing
