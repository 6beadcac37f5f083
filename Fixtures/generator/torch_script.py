"""TorchScript archives: scripted, traced, frozen."""

from __future__ import annotations

import io
import linecache
import sys
import types
import zipfile
from pathlib import Path

import torch

from .common import InertPickle, Listing, read_members, tensor_row, write_golden, write_members

SOURCE = '''
import torch
from torch import nn
from typing import Dict, List


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.proj = nn.Linear(width, width, bias=False)
        self.register_buffer("scale", torch.tensor([0.5, 2.0]))

    def forward(self, x):
        return x + self.proj(self.norm(x)) * self.scale[0]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, 4))
        self.blocks = nn.Sequential(Block(4), Block(4))
        self.head = nn.Linear(4, 3)
        self.tied = nn.Linear(4, 3)
        self.tied.weight = self.head.weight
        self.narrow = nn.Parameter(torch.randn(2).half(), requires_grad=False)
        self.step = 3
        self.name = "net"

    def forward(self, x):
        return self.head(self.blocks(x + self.token)) + self.tied(x)


class Attributes(nn.Module):
    """Tensors in plain attributes, lists and dictionaries, beside numbers in typed lists."""
    means: List[torch.Tensor]
    table: Dict[str, torch.Tensor]
    sizes: List[int]
    rates: List[float]
    flags: List[bool]
    names: List[str]

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.means = [torch.zeros(2), torch.ones(2)]
        self.table = {"a": torch.arange(3), "b": torch.arange(2.0)}
        self.sizes, self.rates, self.flags, self.names = [1, 2], [0.5], [True], ["x"]
        self.plain = torch.tensor([9.0])

    def forward(self, x):
        return self.linear(x) + self.means[0] + self.table["b"] + self.plain + len(self.sizes) + self.rates[0]
'''


def classes() -> dict:
    """The classes, compiled under a file name that is the same on every machine."""
    name = "project/net.py"
    linecache.cache[name] = (len(SOURCE), None, SOURCE.splitlines(keepends=True), name)
    module = sys.modules["project_net"] = types.ModuleType("project_net")
    module.__file__ = name
    exec(compile(SOURCE, name, "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


def generate(out: Path) -> None:
    folder = out / "torch"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(16)
    space = classes()
    net = space["Net"]().eval()
    images = torch.randn(2, 5, 4)

    save(torch.jit.script(net), folder / "torchscript_scripted.pt")
    save(torch.jit.trace(net, images), folder / "torchscript_traced.pt")
    save(torch.jit.freeze(torch.jit.script(net)), folder / "torchscript_frozen.pt")
    save(torch.jit.script(space["Attributes"]()), folder / "torchscript_attributes.pt")
    deflated = folder / "torchscript_deflated.pt"
    write_members(deflated, read_members(folder / "torchscript_scripted.pt"), zipfile.ZIP_DEFLATED)
    golden(deflated)


def save(module, path: Path) -> None:
    """torch.jit.save, written again by torch's own writer without the debugging records.

    Those (`code/….debug_pkl`) hold the paths of the machine that saved.
    """
    torch.jit.save(module, str(path))
    members = read_members(path)
    writer = torch._C.PyTorchFileWriter(str(path))
    root = path.stem + "/"
    for name, data in members.items():
        record = name.removeprefix(root)
        if not record.endswith(".debug_pkl") and record not in ("version", ".data/serialization_id"):
            writer.write_record(record, data, len(data))
    writer.write_end_of_file()
    golden(path)


def unpickle(members: dict[str, bytes], root: str, record: str):
    class Unpickler(InertPickle.Unpickler):
        def find_class(self, module, name):
            if module == "torch.jit._pickle":  # its type tags and typed lists stand for what they hold
                return lambda value, *_: value
            return super().find_class(module, name)

        def persistent_load(self, saved):
            _, storage_type, key, _, _ = saved
            folder = "data" if record == "data.pkl" else "constants"
            data = members[f"{root}{folder}/{key}"]
            storage = torch.frombuffer(bytearray(data or b"\0"), dtype=torch.uint8).untyped_storage()
            dtype = storage_type.dtype
            return torch.storage.TypedStorage(wrap_storage=storage, dtype=dtype, _internal=True)

    return Unpickler(io.BytesIO(members[f"{root}{record}"])).load()


def golden(path: Path) -> None:
    """Names in the order of data.pkl, then the constants; the tensors of state_dict() must all be among them."""
    members = read_members(path)
    root = next(name for name in members).split("/")[0] + "/"
    rows = Listing(unpickle(members, root, "data.pkl")).rows
    constants = unpickle(members, root, "constants.pkl")
    rows += Listing({"constants": constants}).rows

    loaded = torch.jit.load(str(path))
    expected = {name: tensor_row(name, tensor) for name, tensor in loaded.state_dict().items()}
    listed = {row["name"]: row for row in rows}
    assert all(listed.get(name) == row for name, row in expected.items()), path
    extra = [name for name in listed if name not in expected]
    write_golden(path, "torchscript", rows,
                 notes=f"not in state_dict(): {', '.join(extra)}" if extra else None)
