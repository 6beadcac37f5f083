"""Pairs of checkpoints that differ in one way each, with what torch and numpy find between them in float64."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import make_reference  # first: it sees to it that timm can be imported

import numpy as np
import safetensors.torch
import torch

from .common import TORCH_DTYPES, save_zip, tensor_bytes

TINY = dict(img_size=16, patch_size=4, embed_dim=16, depth=3, num_heads=2, num_classes=5, mlp_ratio=2)
OTHER_NAN = 0x7FC00123  # a NaN with a payload


def state(seed: int, **changes) -> OrderedDict:
    model = make_reference.build({**TINY, **changes})
    make_reference.fill_with_noise(model, seed)
    return OrderedDict((name, tensor.detach().clone()) for name, tensor in model.state_dict().items())


def cast(weights: dict, dtype: torch.dtype) -> OrderedDict:
    return OrderedDict((name, tensor.to(dtype)) for name, tensor in weights.items())


def noisy(weights: dict, prefix: str, scale: float, seed: int) -> OrderedDict:
    generator = torch.Generator().manual_seed(seed)
    return OrderedDict(
        (name, tensor + scale * torch.randn(tensor.shape, generator=generator) if name.startswith(prefix) else tensor)
        for name, tensor in weights.items())


def generate(out: Path) -> None:
    folder = out / "compare"
    folder.mkdir(parents=True, exist_ok=True)
    base = state(1)
    noise = noisy(base, "blocks.1.", 0.01, seed=2)

    files: dict[str, dict] = {}

    def save(name: str, weights: dict) -> None:
        files[name] = weights
        if name.endswith(".pth"):
            save_zip(weights, folder / name)
        elif name.endswith(".npz"):
            # Column-major, so that every matrix is strided.
            np.savez(folder / name, **{key: np.asfortranarray(value.numpy()) for key, value in weights.items()})
        else:
            safetensors.torch.save_file({key: value.contiguous() for key, value in weights.items()}, folder / name)

    save("base.pth", base)
    save("fortran.npz", base)
    save("noise.safetensors", noise)
    save("noise_fortran.npz", noise)
    save("f16.safetensors", cast(base, torch.float16))
    save("bf16.safetensors", cast(base, torch.bfloat16))
    save("widened.safetensors", cast(cast(base, torch.bfloat16), torch.float32))
    save("f64.safetensors", cast(base, torch.float64))
    save("noise_bf16.safetensors", cast(noise, torch.bfloat16))

    np.savez_compressed(folder / "foreign.npz", **foreign(base, heads=TINY["num_heads"]))

    head = state(1, num_classes=7)
    save("head.safetensors", OrderedDict(base) | {name: head[name] for name in ("head.weight", "head.bias")})
    larger = state(1, img_size=24)
    save("larger.safetensors", OrderedDict(base) | {"pos_embed": larger["pos_embed"]})

    nan, other = OrderedDict(base), OrderedDict(base)
    for weights in (nan, other):
        for name in ("blocks.0.attn.qkv.weight", "blocks.0.attn.proj.weight", "norm.weight", "norm.bias", "cls_token"):
            weights[name] = weights[name].clone()
        weights["blocks.0.attn.qkv.weight"][3, 5] = float("nan")  # on both sides: identical
    other["blocks.0.attn.proj.weight"][0, :2] = float("nan")  # against numbers
    other["blocks.0.attn.proj.weight"][1, 1] += 0.5
    nan["norm.weight"][2] = float("inf")  # against a number
    nan["norm.weight"][3], other["norm.weight"][3] = float("inf"), float("-inf")
    nan["norm.weight"][4], other["norm.weight"][4] = float("inf"), float("inf")
    nan["norm.bias"][0], other["norm.bias"][0] = 0.0, -0.0  # other bits, no difference
    nan["cls_token"][0, 0, 1] = float("nan")  # another NaN
    other["cls_token"].view(torch.int32)[0, 0, 1] = OTHER_NAN
    save("nan.safetensors", nan)
    save("nan_other.safetensors", other)
    save("nan_bf16.safetensors", cast(nan, torch.bfloat16))

    lacking = OrderedDict(base)
    del lacking["head.bias"], lacking["blocks.2.norm1.weight"]
    lacking["extra.scale"] = torch.ones(3)
    save("lacking.safetensors", lacking)
    without_patches = OrderedDict(base)
    del without_patches["patch_embed.proj.weight"]
    save("without_patches.safetensors", without_patches)

    nested = {"state_dict": {"module." + name: tensor for name, tensor in base.items()}, "state_dict_ema": noise}
    save_zip(nested, folder / "nested.pth")
    files["nested.pth"], files["nested.pth/state_dict_ema"] = base, noise

    generator = torch.Generator().manual_seed(3)
    network = OrderedDict([
        ("conv1.weight", torch.randn(4, 3, 3, 3, generator=generator)),
        ("layer1.0.weight", torch.randn(4, 4, generator=generator)),
        ("layer1.0.steps", torch.tensor(7)), ("layer1.1.spectrum", torch.randn(4, generator=generator) + 1j),
        ("fc.weight", torch.randn(2, 4, generator=generator)),
    ])
    save("network.safetensors", network)
    changed = OrderedDict(network)
    changed["layer1.0.steps"] = torch.tensor(9)
    changed["layer1.1.spectrum"] = network["layer1.1.spectrum"] * torch.tensor([1, 1, 2, 1])
    changed["fc.weight"] = network["fc.weight"].to(torch.float8_e5m2)
    save("network_changed.safetensors", changed)

    pairs = [
        ("base.pth", "base.pth", {}), ("base.pth", "fortran.npz", {}), ("base.pth", "noise.safetensors", {}),
        ("noise.safetensors", "base.pth", {}), ("fortran.npz", "noise_fortran.npz", {}),
        ("base.pth", "noise.safetensors", {"absolute": 0.02}),
        ("base.pth", "noise.safetensors", {"absolute": 0.01, "relative": 0.5}),
        ("base.pth", "f16.safetensors", {}), ("bf16.safetensors", "base.pth", {"allowCast": True}),
        ("bf16.safetensors", "widened.safetensors", {"allowCast": True}), ("base.pth", "f64.safetensors", {}),
        ("base.pth", "noise_bf16.safetensors", {"allowCast": True}),
        ("f16.safetensors", "bf16.safetensors", {}), ("base.pth", "bf16.safetensors", {"relative": 0.005}),
        ("base.pth", "head.safetensors", {}), ("base.pth", "larger.safetensors", {}),
        ("nan.safetensors", "nan_other.safetensors", {}), ("nan.safetensors", "nan.safetensors", {}),
        ("nan_other.safetensors", "nan_bf16.safetensors", {"allowCast": True}),
        ("nan.safetensors", "nan_other.safetensors", {"absolute": 1e9}),
        ("base.pth", "lacking.safetensors", {}), ("lacking.safetensors", "base.pth", {}),
        ("base.pth", "without_patches.safetensors", {}),
        ("nested.pth", "base.pth", {}), ("nested.pth", "nested.pth", {"selectB": "state_dict_ema"}),
        ("network.safetensors", "network_changed.safetensors", {}),
    ]
    lines = []
    for a, b, options in pairs:
        right = files[f"{b}/{options['selectB']}" if "selectB" in options else b]
        rows = compare(files[a], right, options)
        entry = {"a": a, "b": b, **options, "equal": all(row["equal"] for row in rows)}
        body = ",\n   ".join(json.dumps(row) for row in rows)
        lines.append(json.dumps(entry)[:-1] + ', "tensors": [\n   ' + body + "]}")
    (folder / "compare.golden.json").write_text('{"pairs": [\n  ' + ",\n  ".join(lines) + "\n]}\n")


def foreign(weights: dict, heads: int) -> dict[str, np.ndarray]:
    """The same parameters as flax lays them out: kernels transposed, queries, keys and values apart and by heads."""
    result = {}
    for name, tensor in weights.items():
        array = tensor.numpy()
        if ".qkv." in name:
            for part, piece in zip("qkv", np.split(array, 3)):
                flat = piece.T if name.endswith("weight") else piece
                key = name.replace(".qkv.weight", f".{part}.kernel").replace(".qkv.bias", f".{part}.bias")
                result[key] = flat.reshape(*flat.shape[:-1], heads, -1).copy()
        elif name.endswith("weight") and array.ndim > 1:
            order = (1, 0) if array.ndim == 2 else (2, 3, 1, 0)
            result[name.replace("weight", "kernel")] = array.transpose(order).copy()
        else:
            result[name] = array
    return result


# MARK: What is found, by torch and numpy

def compare(a: dict, b: dict, options: dict) -> list[dict]:
    names = list(a) + [name for name in b if name not in a]
    return [{"name": name, **compare_tensors(a.get(name), b.get(name), options)} for name in sorted(names)]


def compare_tensors(a: torch.Tensor | None, b: torch.Tensor | None, options: dict) -> dict:
    if a is None or b is None:
        return {"status": "missing", "equal": False, "missingFrom": "a" if a is None else "b"}
    kinds = {"dtypes": [TORCH_DTYPES[a.dtype], TORCH_DTYPES[b.dtype]]}
    if a.shape != b.shape:
        return {"status": "resized", "equal": False, **kinds, "shapes": [list(a.shape), list(b.shape)]}
    if a.dtype == b.dtype and tensor_bytes(a) == tensor_bytes(b):
        return {"status": "identical", "equal": True}
    if a.is_complex():
        return {"status": "changed", "equal": False, **kinds, "differing": int((a != b).sum())}
    x, y = (tensor.double().numpy().ravel() for tensor in (a, b))
    if a.dtype == b.dtype:
        size = a.element_size()
        differing = (np.frombuffer(tensor_bytes(a), f"u{size}") != np.frombuffer(tensor_bytes(b), f"u{size}")).sum()
    else:
        differing = (~((x == y) | (np.isnan(x) & np.isnan(y)))).sum()
    finite = np.isfinite(x) & np.isfinite(y)
    one_nan = np.isnan(x) != np.isnan(y)
    infinite = ~finite & ~np.isnan(x) & ~np.isnan(y) & (x != y)
    u, v = x[finite], y[finite]
    gaps = np.abs(u - v)
    nonzero = v != 0
    absolute, relative = options.get("absolute", 0), options.get("relative", 0)
    outside = (gaps > absolute + relative * np.abs(v)).sum() + one_nan.sum() + infinite.sum()
    within = bool((absolute or relative) and outside == 0)
    is_cast = equal_after_cast(a, b)
    return {
        "status": "equalAfterCast" if is_cast else "withinTolerance" if within else "changed",
        "equal": within or bool(is_cast and options.get("allowCast")), **kinds, "differing": int(differing),
        "maxAbsoluteDifference": float(gaps.max(initial=0)),
        "maxRelativeDifference": float((gaps[nonzero] / np.abs(v[nonzero])).max(initial=0)),
        "meanAbsoluteDifference": float(gaps.mean()),
        "relativeChange": float(np.linalg.norm(u - v) / np.linalg.norm(v)), "cosineSimilarity":
            float(np.dot(u, v) / (np.linalg.norm(u) * np.linalg.norm(v))),
        "nanMismatches": int(one_nan.sum()), "infiniteMismatches": int(infinite.sum()),
    }


def equal_after_cast(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether the wider, rounded to the narrower's type, is the narrower; any NaN is as good as another."""
    if a.dtype == b.dtype:
        return False
    if a.element_size() == b.element_size():
        return same(a.to(b.dtype), b) or same(a, b.to(a.dtype))
    wide, narrow = (a, b) if a.element_size() > b.element_size() else (b, a)
    if narrow.element_size() == 1:
        return same(wide, narrow.to(wide.dtype))
    return same(wide.to(narrow.dtype), narrow)


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return bool(torch.all((a == b) & (torch.signbit(a) == torch.signbit(b)) | torch.isnan(a) & torch.isnan(b)))
