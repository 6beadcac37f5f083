"""Tensors of every kind inside torch's containers: dtypes, views, parameters, quantised and sparse ones, nests."""

from __future__ import annotations

import argparse
import datetime
import pathlib
from collections import Counter, OrderedDict, defaultdict, deque
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .common import golden_torch, save_legacy, save_zip, tensor_row, write_golden


def generate(out: Path) -> None:
    folder = out / "torch"
    folder.mkdir(parents=True, exist_ok=True)
    dtypes(folder)
    views(folder)
    parameters(folder)
    quantized(folder)
    sparse(folder)
    special(folder)
    nested_checkpoint(folder)
    aliasing(folder)


def both(folder: Path, name: str, value) -> None:
    save_zip(value, folder / f"{name}.pth")
    golden_torch(folder / f"{name}.pth", "torch-zip")
    save_legacy(value, folder / f"{name}_legacy.pth")
    golden_torch(folder / f"{name}_legacy.pth", "torch-legacy")


# MARK: dtypes

FLOATS = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
EIGHT_BIT_FLOATS = {"f8_e4m3": torch.float8_e4m3fn, "f8_e5m2": torch.float8_e5m2,
                    "f8_e4m3fnuz": torch.float8_e4m3fnuz, "f8_e5m2fnuz": torch.float8_e5m2fnuz,
                    "f8_e8m0": torch.float8_e8m0fnu}
INTEGERS = {"i64": torch.int64, "i32": torch.int32, "i16": torch.int16, "i8": torch.int8, "u8": torch.uint8}
WIDE_UNSIGNED = {"u64": torch.uint64, "u32": torch.uint32, "u16": torch.uint16}


def dtypes(folder: Path) -> None:
    values = OrderedDict()
    extremes = torch.tensor([0.0, -0.0, 1.0, -1.5, 0.1, 65504.0, 1e-8, float("inf"), -float("inf"), float("nan")])
    for name, dtype in FLOATS.items():
        values[name] = extremes.to(dtype)
    for name, dtype in INTEGERS.items():
        limits = torch.iinfo(dtype)
        values[name] = torch.tensor([0, 1, limits.min, limits.max, 42], dtype=dtype)
    values["bool"] = torch.tensor([[True, False], [False, True]])
    values["c64"] = torch.tensor([1 + 2j, -0.5j, 3], dtype=torch.complex64)
    values["c128"] = torch.tensor([1 + 2j, -0.5j, 3], dtype=torch.complex128)
    save_legacy(values, folder / "dtypes_legacy.pth")
    golden_torch(folder / "dtypes_legacy.pth", "torch-legacy",
                 notes="torch saves the 8-bit floats, complex32 and wide unsigned integers in this form too, with an "
                       "UntypedStorage, but cannot load them back")

    every_byte = torch.arange(256, dtype=torch.uint8)
    for name, dtype in EIGHT_BIT_FLOATS.items():
        values[name] = every_byte.view(dtype).reshape(16, 16)
    for name, dtype in WIDE_UNSIGNED.items():
        limit = torch.iinfo(dtype).max
        values[name] = torch.tensor([0, 1, limit, limit // 3], dtype=dtype)
    values["c32"] = torch.tensor([1.0, 2.0, -0.5, 8.0]).half().view(torch.complex32)
    save_zip(values, folder / "dtypes.pth")
    golden_torch(folder / "dtypes.pth", "torch-zip")
    exotic_dtypes(folder / "dtypes_exotic.pth")


def exotic_dtypes(path: Path) -> None:
    """Those for which safetensors has no name, or of less than a byte."""
    data = torch.arange(8, dtype=torch.uint8)
    exotic = {name: data.view(getattr(torch, name)) for name in
              ("float4_e2m1fn_x2", "bits8", "bits16", "bits1x8", "bits2x4", "bits4x2")}
    save_zip(OrderedDict(plain=torch.ones(2), **exotic), path)
    loaded = torch.load(path, weights_only=False)
    assert all(loaded[name].view(torch.uint8).equal(data) for name in exotic)
    write_golden(path, "torch-zip", [tensor_row("plain", loaded["plain"])],
                 others=[{"name": name, "note": f"torch.{name}"} for name in exotic])


# MARK: Views

def views(folder: Path) -> None:
    base = torch.arange(60, dtype=torch.float32)
    grid = base.reshape(6, 10)
    complex_base = torch.complex(base[:6], -base[6:12])
    values = OrderedDict(
        base=base, grid=grid, transposed=grid.t(), stepped=grid[::2, 1::3], offset=base[7:19].reshape(3, 4),
        narrowed=grid.narrow(1, 3, 4), row=grid[2], column=grid[:, 4], element=grid[3, 5],
        expanded=torch.tensor([[1.0], [2.0], [3.0]]).expand(3, 4), expanded_scalar=torch.tensor(2.5).expand(2, 2),
        expanded_middle=base[:6].reshape(2, 1, 3).expand(2, 5, 3),
        permuted=base[:24].reshape(2, 3, 4).permute(2, 0, 1), diagonal=grid.diagonal(),
        overlapping=base.unfold(0, 4, 2), windows=base.as_strided((3, 4), (1, 2), 5),
        channels_last=torch.arange(48.0).reshape(2, 3, 2, 4).contiguous(memory_format=torch.channels_last),
        scalar=torch.tensor(3.5), scalar_int=torch.tensor(-7), empty=torch.empty(0), empty_0_3=torch.empty(0, 3),
        empty_3_0_2=torch.empty(3, 0, 2, dtype=torch.int64), empty_slice=base[5:5],
        ones_1_1=torch.ones(1, 1), unit_strides=base[4:5].as_strided((1, 1), (100, 7)),
        conjugated=complex_base.conj(), conjugated_stepped=complex_base[::2].conj(),
        negated=complex_base.conj().imag, imaginary=complex_base.imag, real=complex_base.real,
    )
    assert values["conjugated"].is_conj() and values["negated"].is_neg()
    # A view of a complex tensor's parts shares bytes with it under another dtype, which torch refuses to save.
    for name in ("negated", "imaginary", "real"):
        values[name] = values[name].clone()
    values["negated"] = torch._neg_view(torch.arange(4.0))
    assert values["negated"].is_neg()
    both(folder, "views", values)


# MARK: Parameters

class TaggedTensor(torch.Tensor):
    """A subclass as users write them; pickled by `_rebuild_from_type_v2`."""


TaggedTensor.__module__ = "project.tensors"


def parameters(folder: Path) -> None:
    import sys
    import types
    module = types.ModuleType("project.tensors")
    module.TaggedTensor = TaggedTensor
    sys.modules["project"], sys.modules["project.tensors"] = types.ModuleType("project"), module

    tagged_parameter = nn.Parameter(torch.arange(3.0))
    tagged_parameter.optim_group = "no_decay"
    tagged_parameter.scale = torch.tensor([0.5, 2.0])
    with_attributes = torch.arange(4.0)
    with_attributes.comment = "a plain tensor with attributes"
    with_attributes.mask = torch.tensor([True, False, True, True])
    subclass = torch.arange(6.0).reshape(2, 3).as_subclass(TaggedTensor)
    subclass.label = "bounding boxes"
    values = OrderedDict(
        parameter=nn.Parameter(torch.ones(2, 3)), frozen=nn.Parameter(torch.zeros(2), requires_grad=False),
        integer=nn.Parameter(torch.arange(3), requires_grad=False), tagged_parameter=tagged_parameter,
        with_attributes=with_attributes, subclass=subclass, subclass_bare=torch.ones(2).as_subclass(TaggedTensor),
        requires_grad=torch.ones(3, requires_grad=True), view=nn.Parameter(torch.arange(6.0).reshape(2, 3).t()),
        buffer=nn.Buffer(torch.full((2,), 7.0)), half=nn.Parameter(torch.ones(2).bfloat16()),
    )
    both(folder, "parameters", values)
    for name in ("project.tensors", "project"):
        del sys.modules[name]


# MARK: Quantised, sparse, without data

def quantized(folder: Path) -> None:
    torch.manual_seed(12)
    values = torch.randn(4, 3)
    scales, zeros = torch.tensor([0.1, 0.05, 0.2, 0.01], dtype=torch.float64), torch.tensor([0, 2, -3, 1])
    both(folder, "quantized", OrderedDict(
        per_tensor_qint8=torch.quantize_per_tensor(values, 0.05, -3, torch.qint8),
        per_tensor_quint8=torch.quantize_per_tensor(values, 0.05, 128, torch.quint8),
        per_tensor_qint32=torch.quantize_per_tensor(values, 0.001, 0, torch.qint32),
        transposed=torch.quantize_per_tensor(values, 0.05, 0, torch.qint8).t(),
        per_channel_qint8=torch.quantize_per_channel(values, scales, zeros, 0, torch.qint8),
        per_channel_quint8=torch.quantize_per_channel(values, scales.float(), zeros.abs(), 0, torch.quint8),
        per_channel_float=torch.quantize_per_channel(values, scales.float(), zeros.float(), 0, torch.quint8),
        plain=values,
    ))


def sparse(folder: Path) -> None:
    dense = torch.tensor([[0.0, 1.0, 0.0], [2.0, 0.0, 3.0]])
    indices = torch.tensor([[0, 1, 1], [1, 0, 0]])
    both(folder, "sparse", OrderedDict(
        coo=dense.to_sparse(), coo_uncoalesced=torch.sparse_coo_tensor(indices, torch.tensor([1.0, 2.0, 3.0]), (2, 3)),
        coo_hybrid=torch.sparse_coo_tensor(torch.tensor([[0, 2]]), torch.arange(4.0).reshape(2, 2), (3, 2)),
        coo_empty=torch.sparse_coo_tensor(size=(2, 3)),
        csr=dense.to_sparse_csr(), csc=dense.to_sparse_csc(), bsr=torch.eye(4).to_sparse_bsr((2, 2)),
        plain=dense,
    ))


class FromNumpy:
    """Pickles as tensors of XLA and other devices do: a numpy array and the device to put it on."""

    def __init__(self, tensor: torch.Tensor):
        self.tensor = tensor

    def __reduce__(self):
        return (torch._utils._rebuild_device_tensor_from_numpy,
                (self.tensor.float().numpy(), self.tensor.dtype, "cpu", False))


def special(folder: Path) -> None:
    both(folder, "meta", OrderedDict(
        meta=torch.empty(2, 3, device="meta"), meta_half=torch.empty(1000, 1000, dtype=torch.float16, device="meta"),
        meta_parameter=nn.Parameter(torch.empty(4, device="meta")), plain=torch.ones(2)))
    both(folder, "device_from_numpy", OrderedDict(
        f32=FromNumpy(torch.arange(3.0)), plain=torch.ones(2)))
    # The dtype asked for differs from the array's: the library converts, a reader may list the array instead.
    save_zip(OrderedDict(bf16=FromNumpy(torch.tensor([1.0, 0.5]).bfloat16())), folder / "device_from_numpy_bf16.pth")
    golden_torch(folder / "device_from_numpy_bf16.pth", "torch-zip",
                 notes="stored as F32 with dtype torch.bfloat16 beside it; torch converts on loading")
    # In the zip form only: torch looks at the sizes before the legacy form's storages are read, and fails.
    save_zip(OrderedDict(ragged=torch.nested.nested_tensor([torch.arange(3.0), torch.arange(5.0)]),
                         plain=torch.ones(2)), folder / "nested_tensor.pth")
    golden_torch(folder / "nested_tensor.pth", "torch-zip")
    save_zip({"typed": torch.arange(4.0).storage(), "untyped": torch.arange(4.0).untyped_storage(),
              "tensor": torch.arange(4.0)}, folder / "storages.pth")
    golden_torch(folder / "storages.pth", "torch-zip")


# MARK: Training checkpoints

def nested_checkpoint(folder: Path) -> None:
    torch.manual_seed(13)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    adam = torch.optim.AdamW(model.parameters(), lr=1e-3)
    sgd = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(sgd, 2)
    for _ in range(2):
        adam.zero_grad()
        model(torch.randn(5, 3)).square().sum().backward()
        adam.step()
        sgd.step()
        scheduler.step()
    grid = np.arange(12, dtype=np.float32).reshape(3, 4)
    random = np.random.RandomState(7)
    counter: defaultdict = defaultdict(list)
    counter["losses"] += [2.5, 1.25]
    counter["weights"].append(torch.arange(2))
    values = {
        "epoch": 12, "arch": "vit_small_patch16_224", "best_acc1": torch.tensor(77.5),
        "state_dict": model.state_dict(),
        "optimizer": adam.state_dict(), "momentum": sgd.state_dict(), "lr_scheduler": scheduler.state_dict(),
        "args": argparse.Namespace(
            lr=5e-4, model="vit", betas=(0.9, 0.95), output=pathlib.PurePosixPath("out/run 1"), resume=None,
            augment=argparse.Namespace(mixup=0.8, weights=torch.tensor([0.1, 0.9]))),
        "scaler": {"scale": 65536.0, "growth_factor": 2.0, "_growth_tracker": 0},
        "scalars": {"f64": np.float64(3.25), "f32": np.float32(1.5), "i64": np.int64(-4), "bool": np.bool_(True),
                    "f16": np.float16(0.5), "c64": np.complex64(1 - 2j)},
        "arrays": {
            "c": grid, "fortran": np.asfortranarray(grid), "transposed": grid.T, "stepped": grid[::2, ::2],
            "big": grid.astype(">f4"), "big_int": np.array([1, -2, 3], dtype=">i8"), "bool": grid > 5,
            "i16": np.arange(4, dtype=np.int16), "u32": np.arange(3, dtype=np.uint32), "f16": np.float16([0.5, 2]),
            "c128": np.array([1 + 2j]), "scalar": np.array(2.5), "empty": np.empty((0, 3)),
            "text": np.array(["a", "bc"]), "objects": np.array([None, "x"], dtype=object),
            "record": np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")]),
            "time": np.array(["2024-01-02"], dtype="datetime64[D]")},
        "random": {"numpy": random.get_state(), "python": (3, (1, 2, 624), None), "torch": torch.arange(
            16, dtype=torch.uint8)},
        "values": {
            "none": None, "true": True, "false": False, "negative": -129, "long": 2**31, "wide": 2**63,
            "wider": -2**200, "huge": 2**2100, "float": 0.1, "infinite": float("inf"), "complex": 1 - 2j,
            "bytes": b"\x00\x80\xff" * 3, "long_bytes": b"ab" * 200, "bytearray": bytearray(b"xyz"),
            "text": "é 漢 𝄞", "long_text": "v" * 300, "surrogate": "\ud800", "set": {3},
            "frozen": frozenset({(1, 2)}),
            "when": datetime.datetime(2024, 2, 29, 12, 30, 15, 250), "date": datetime.date(2024, 2, 29),
            "span": datetime.timedelta(days=1, seconds=2), "size": torch.Size([2, 3]), "dtype": torch.bfloat16,
            "device": torch.device("cuda", 1), "layout": torch.strided,
            "slice": slice(1, None, 2), "range": range(3), "type": int, "function": len, "ellipsis": ...,
            "deque": deque([torch.tensor([9])], maxlen=3), "counter": Counter("aab"), "default": counter,
        },
        "lists": [[torch.zeros(1)], (torch.ones(2), [torch.full((1,), 2.0)]), (), [], {}, [1] * 3],
        7: torch.tensor([7]), "with.dots": {"and spaces": torch.tensor([8])},
    }
    for protocol in (2, 3, 4, 5):
        save_zip(values, folder / f"checkpoint_nested_p{protocol}.pth", protocol)
        golden_torch(folder / f"checkpoint_nested_p{protocol}.pth", "torch-zip")
        if protocol in (2, 4):
            save_legacy(values, folder / f"checkpoint_nested_legacy_p{protocol}.pth", protocol)
            golden_torch(folder / f"checkpoint_nested_legacy_p{protocol}.pth", "torch-legacy")


def aliasing(folder: Path) -> None:
    """The same objects under several names, and objects that hold themselves."""
    tensor, shared = torch.arange(4.0), {"inner": torch.ones(2)}
    ring: list = [torch.zeros(1)]
    ring.append(ring)
    loop: dict = {"weight": torch.ones(1)}
    loop["self"] = loop
    pair = ([],)
    pair[0].append(pair)
    values = {"first": tensor, "second": tensor, "viewed": tensor[1:3], "a": shared, "b": shared, "ring": ring,
              "loop": loop, "tuple_in_itself": pair, "pairs": [(tensor, shared)] * 2}
    both(folder, "aliasing", values)
