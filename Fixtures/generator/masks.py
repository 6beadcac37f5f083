"""Attention under masks, as torch's functional attention and its MultiheadAttention compute it."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

BATCH, HEADS, SIZE = 3, 2, 5


def generate(out: Path) -> None:
    folder = out / "kernels"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(functional(), folder / "masks.safetensors")
    save_file(multi_head(), folder / "multi_head.safetensors")


def functional() -> dict[str, torch.Tensor]:
    """`CASE.{q,k,v}` [B, H, N, d]; of the masks `CASE.bias` (added), `CASE.hidden` (true is masked),
    `CASE.padding` [B, keys] (true is padding) and `CASE.causal` those that are there, all at once → `CASE.weights`
    and `CASE.out`."""
    torch.manual_seed(41)
    queries, keys = 6, 9
    lengths = torch.tensor([9, 4, 1])
    padding = torch.arange(keys) >= lengths[:, None]

    def bias(*shape: int) -> torch.Tensor:
        return 2 * torch.randn(shape)

    def hidden(*shape: int) -> torch.Tensor:
        drawn = torch.rand(shape) < 0.4
        drawn[..., 0] = False  # no row is hidden as a whole, whatever the padding
        return drawn

    some_rows_whole = hidden(queries, keys)
    some_rows_whole[1] = True
    some_rows_whole[4] = True
    infinite = bias(queries, keys).masked_fill(hidden(queries, keys), -torch.inf)
    cases: dict[str, dict[str, torch.Tensor]] = {
        "bias": {"bias": bias(queries, keys)}, "bias_one_row": {"bias": bias(1, keys)},
        "bias_infinite": {"bias": infinite},
        "bias_heads": {"bias": bias(HEADS, queries, keys)}, "bias_images": {"bias": bias(BATCH, 1, queries, keys)},
        "bias_all": {"bias": bias(BATCH, HEADS, queries, keys)},
        "hidden": {"hidden": hidden(queries, keys)}, "hidden_heads": {"hidden": hidden(HEADS, 1, keys)},
        "hidden_images": {"hidden": hidden(BATCH, 1, 1, keys)},
        "hidden_all": {"hidden": hidden(BATCH, HEADS, queries, keys)},
        "padding": {"padding": padding}, "causal": {"causal": torch.tensor(True)},
        "padding_causal": {"padding": padding, "causal": torch.tensor(True)},
        "padding_bias_hidden": {"padding": padding, "bias": bias(HEADS, queries, keys),
                                "hidden": hidden(queries, keys)},
        "whole_rows": {"hidden": some_rows_whole},
        "whole_images": {"padding": torch.tensor([[False] * keys, [True] * keys, [False, True] * 4 + [False]])},
    }
    result = {}
    for name, masks in cases.items():
        q, k = torch.randn(BATCH, HEADS, queries, SIZE), torch.randn(BATCH, HEADS, keys, SIZE)
        v = torch.randn(BATCH, HEADS, keys, SIZE + 2)
        total = torch.zeros(BATCH, HEADS, queries, keys)
        if "bias" in masks:
            total = total + masks["bias"]
        if "hidden" in masks:
            total = total.masked_fill(masks["hidden"], -torch.inf)
        if "padding" in masks:
            total = total.masked_fill(masks["padding"][:, None, None], -torch.inf)
        if "causal" in masks:
            total = total + torch.full((queries, keys), -torch.inf).triu(1)
        result.update({f"{name}.{key}": mask for key, mask in masks.items()})
        result.update({f"{name}.q": q, f"{name}.k": k, f"{name}.v": v})
        result[f"{name}.out"] = F.scaled_dot_product_attention(q, k, v, attn_mask=total)
        # Weights are what comes out where each key's value is a unit vector.
        units = torch.eye(keys).expand(BATCH, HEADS, keys, keys)
        result[f"{name}.weights"] = F.scaled_dot_product_attention(q, k, units, attn_mask=total)
        if name == "causal":
            own = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            assert torch.allclose(own, result[f"{name}.out"], atol=1e-6)
    return {name: tensor.contiguous().clone() for name, tensor in result.items()}


@torch.no_grad()
def multi_head() -> dict[str, torch.Tensor]:
    """`torch.nn.MultiheadAttention` with its boolean masks: `CASE.x` [B, N, width] → `CASE.out`, `CASE.weights`."""
    torch.manual_seed(42)
    tokens, width = 7, HEADS * SIZE
    module = nn.MultiheadAttention(width, HEADS, batch_first=True)
    for parameter in module.parameters():
        parameter.copy_(torch.randn(parameter.shape) * (0.5 if parameter.ndim > 1 else 0.2))
    result = dict(module.state_dict())
    result = {f"parameters.{name}": tensor for name, tensor in result.items()}
    padding = torch.arange(tokens) >= torch.tensor([7, 3, 5])[:, None]
    causal = torch.ones(tokens, tokens).triu(1).bool()
    per_head = torch.randn(BATCH * HEADS, tokens, tokens)
    for name, (padding_mask, mask) in {
        "none": (None, None), "padding": (padding, None), "causal": (None, causal), "both": (padding, causal),
        "bias": (None, per_head),
    }.items():
        x = torch.randn(BATCH, tokens, width)
        out, weights = module(x, x, x, key_padding_mask=padding_mask, attn_mask=mask, average_attn_weights=False)
        result.update({f"{name}.x": x, f"{name}.out": out, f"{name}.weights": weights})
        if padding_mask is not None:
            result[f"{name}.padding"] = padding_mask
        if mask is not None:
            key, value = ("hidden", mask) if mask.dtype == torch.bool else ("bias", mask.view(BATCH, HEADS, tokens, tokens))
            result[f"{name}.{key}"] = value
    return {name: tensor.contiguous().clone() for name, tensor in result.items()}
