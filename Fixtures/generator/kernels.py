"""Values of the kernels, and of timm's resampling of position embeddings, as torch computes them."""

from __future__ import annotations

import json
from pathlib import Path

import make_reference  # noqa: F401 (first: it sees to it that timm can be imported)

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from timm.layers import quick_gelu, resample_abs_pos_embed


def generate(out: Path) -> None:
    folder = out / "kernels"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(activations(), folder / "activations.safetensors", metadata={
        "expected": "in float32 as torch computes it; .f64 computed in float64 from the same x"})
    save_file(softmax(), folder / "softmax.safetensors")
    save_file(layer_norm(), folder / "layer_norm.safetensors",
              metadata={"epsilons": json.dumps({"1e-6": 1e-6, "1e-5": 1e-5, "1e-12": 1e-12})})
    save_file(attention(), folder / "attention.safetensors")
    save_file(linear(), folder / "linear.safetensors")
    resample(out / "models" / "resample")


def activations() -> dict[str, torch.Tensor]:
    """On a grid, and at the values where implementations go astray."""
    grid = torch.linspace(-12, 12, 2401)
    tiny = torch.tensor([0.0, -0.0, 1e-45, -1e-45, 1e-38, -1e-38, 1e-20, -1e-20, 1e-8, -1e-8, 1e-4, -1e-4])
    large = torch.tensor([13.0, -13.0, 20.0, -20.0, 89.0, -89.0, 1e3, -1e3, 1e10, -1e10, 3e38, -3e38,
                          float("inf"), -float("inf"), float("nan")])
    x = torch.cat([grid, tiny, large])
    wide = x.double()
    return {
        "x": x, "erf": torch.erf(x), "erf.f64": torch.erf(wide),
        "gelu": F.gelu(x), "gelu.f64": F.gelu(wide),
        "gelu_tanh": F.gelu(x, approximate="tanh"), "gelu_tanh.f64": F.gelu(wide, approximate="tanh"),
        "quick_gelu": quick_gelu(x), "quick_gelu.f64": quick_gelu(wide),
        "silu": F.silu(x), "silu.f64": F.silu(wide), "sigmoid": torch.sigmoid(x), "tanh": torch.tanh(x),
        "tanh.f64": torch.tanh(wide), "exp": torch.exp(x), "exp.f64": torch.exp(wide),
    }


def softmax() -> dict[str, torch.Tensor]:
    """`CASE.x` → `CASE.y` along the last axis."""
    torch.manual_seed(31)
    infinity = float("inf")
    cases = {
        "random": torch.randn(7, 197), "scaled": torch.randn(5, 33) * 30, "one": torch.randn(3, 1),
        "two": torch.tensor([[0.0, 0.0], [1e4, -1e4], [88.0, 89.0]]), "equal": torch.full((2, 17), -1e30),
        "large": torch.randn(4, 50) * 1e4, "largest": torch.tensor([[3e38, 3e38, -3e38], [1e38, 0.0, -1e38]]),
        "masked": torch.randn(4, 20).masked_fill(torch.rand(4, 20) < 0.5, -infinity),
        "causal": torch.randn(9, 9).masked_fill(torch.ones(9, 9).triu(1).bool(), -infinity),
        "last_only": torch.full((1, 8), -infinity).index_fill(1, torch.tensor([7]), 2.0),
    }
    return {key: tensor for name, x in cases.items()
            for key, tensor in ((f"{name}.x", x), (f"{name}.y", torch.softmax(x, dim=-1)),
                                (f"{name}.y.f64", torch.softmax(x.double(), dim=-1)))}


def layer_norm() -> dict[str, torch.Tensor]:
    """`CASE.x`, `CASE.weight`, `CASE.bias` → `CASE.EPSILON`."""
    torch.manual_seed(32)
    cases = {
        "random": torch.randn(5, 24), "odd": torch.randn(3, 37), "wide": torch.randn(2, 1280),
        "one": torch.randn(3, 1), "offset": torch.randn(4, 768) + 1000, "tiny": torch.randn(4, 64) * 1e-6,
        "small_variance": torch.randn(4, 64) * 1e-3, "large": torch.randn(4, 64) * 1e6,
        "constant": torch.full((2, 16), 3.25), "zero": torch.zeros(2, 16), "huge": torch.randn(2, 32) * 1e15,
    }
    result = {}
    for name, x in cases.items():
        width = x.shape[-1]
        weight, bias = 1 + 0.3 * torch.randn(width), 0.2 * torch.randn(width)
        result.update({f"{name}.x": x, f"{name}.weight": weight, f"{name}.bias": bias})
        for epsilon in ("1e-6", "1e-5", "1e-12"):
            result[f"{name}.{epsilon}"] = F.layer_norm(x, (width,), weight, bias, float(epsilon))
            result[f"{name}.{epsilon}.f64"] = F.layer_norm(
                x.double(), (width,), weight.double(), bias.double(), float(epsilon))
    return result


def attention() -> dict[str, torch.Tensor]:
    """`CASE.{q,k,v}` [B, H, N, d] (and `CASE.mask`, additive or boolean) → `CASE.out`."""
    torch.manual_seed(33)
    result = {}
    for name, (heads, queries, keys, size, mask) in {
        "plain": (3, 17, 17, 8, None), "cross": (2, 1, 16, 12, None), "odd": (1, 5, 7, 3, None),
        "additive": (2, 6, 6, 4, "additive"), "boolean": (2, 6, 6, 4, "boolean"), "causal": (2, 9, 9, 4, "causal"),
    }.items():
        q, k, v = torch.randn(2, heads, queries, size), torch.randn(2, heads, keys, size), \
            torch.randn(2, heads, keys, size)
        result.update({f"{name}.q": q, f"{name}.k": k, f"{name}.v": v})
        given = {"additive": torch.randn(queries, keys), "causal": torch.ones(queries, keys).tril().bool(),
                 "boolean": (torch.rand(queries, keys) < 0.7) | torch.eye(queries, keys).bool()}.get(mask)
        if given is not None:
            result[f"{name}.mask"] = given
        result[f"{name}.out"] = F.scaled_dot_product_attention(q, k, v, attn_mask=given)
    return result


def linear() -> dict[str, torch.Tensor]:
    """`CASE.{x,weight,bias}` → `CASE.y`, with sizes that are no multiple of any block."""
    torch.manual_seed(34)
    result = {}
    for name, (rows, inputs, outputs) in {"small": (2, 3, 4), "odd": (7, 13, 5), "row": (1, 31, 17),
                                          "column": (9, 1, 1), "long": (3, 300, 2), "tall": (130, 9, 33)}.items():
        x, weight, bias = torch.randn(rows, inputs), torch.randn(outputs, inputs), torch.randn(outputs)
        result.update({f"{name}.x": x, f"{name}.weight": weight, f"{name}.bias": bias,
                       f"{name}.y": F.linear(x, weight, bias)})
    return result


RESAMPLE = {  # (old grid, new grid, prefix tokens)
    "up": ((4, 4), (7, 7), 1), "up_double": ((7, 7), (14, 14), 1), "down": ((14, 14), (9, 9), 1),
    "down_far": ((16, 16), (3, 3), 0), "to_one": ((4, 4), (1, 1), 1), "from_one": ((1, 1), (3, 3), 1),
    "rectangular": ((8, 8), (6, 12), 2), "from_rectangular": ((4, 6), (6, 6), 0), "same": ((5, 5), (5, 5), 5),
    "registers": ((7, 7), (8, 8), 5), "transposed": ((4, 6), (6, 4), 1), "grow_and_shrink": ((6, 9), (12, 4), 1),
}


def resample(folder: Path) -> None:
    """`case.N.input` [1, prefix + h·w, D] → `case.N.output`; the metadata tell sizes and prefix."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(35)
    tensors, cases = {}, []
    for number, (name, (old, new, prefix)) in enumerate(RESAMPLE.items()):
        rows = torch.randn(1, prefix + old[0] * old[1], 6)
        tensors[f"case.{number}.input"] = rows
        tensors[f"case.{number}.output"] = resample_abs_pos_embed(
            rows, new_size=list(new), old_size=list(old), num_prefix_tokens=prefix).contiguous().clone()
        cases.append({"name": name, "oldSize": old, "newSize": new, "prefixTokens": prefix})
    save_file(tensors, folder / "bicubic_antialias.safetensors", metadata={"cases": json.dumps(cases)})
    (folder / "index.json").write_text('{"cases": [\n  ' + ",\n  ".join(map(json.dumps, cases)) + "\n]}\n")
