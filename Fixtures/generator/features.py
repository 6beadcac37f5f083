"""What timm gives of a model's inside: all tokens, intermediates of any block, attention maps, masked attention."""

from __future__ import annotations

from pathlib import Path

import make_reference  # noqa: F401 (first: it sees to it that timm can be imported)

import torch
from safetensors.torch import save_file
from torch import nn

from .models import FORMS, SMALL, images_for, make

NAMES = ("plain", "rect", "registers", "deit_distilled", "no_class_token", "attention_pool", "quick_gelu",
         "prelogits_in21k", "no_embed_class_registers")


def generate(out: Path) -> None:
    folder = out / "features"
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, (_, changes)) in enumerate(FORMS.items()):
        if name in NAMES:
            # The weights are those of models/.
            model = make(name, {**SMALL, **changes}, seed=100 + number)
            save_file(features(model, images_for(model, 5000 + number)), folder / f"{name}.safetensors")


@torch.no_grad()
def features(model: nn.Module, images: torch.Tensor) -> dict[str, torch.Tensor]:
    result = {"input": images}
    maps: list[torch.Tensor] = []
    hooks = []
    for block in model.blocks:
        block.attn.fused_attn = False  # torch's fused attention has no weights to show
        hooks.append(block.attn.attn_drop.register_forward_hook(lambda module, inputs, output: maps.append(output)))
    final, intermediates = model.forward_intermediates(images, return_prefix_tokens=model.num_prefix_tokens > 0)
    for hook in hooks:
        hook.remove()
    result["tokens"] = final
    assert torch.equal(final, model.forward_features(images))
    normed = model.forward_intermediates(
        images, norm=True, intermediates_only=True, return_prefix_tokens=model.num_prefix_tokens > 0)
    for index, weights in enumerate(maps):
        result[f"attention.{index}"] = weights
    for kind, list_of in (("raw", intermediates), ("normed", normed)):
        for index, entry in enumerate(list_of):
            patches, prefix = entry if isinstance(entry, tuple) else (entry, None)
            result[f"{kind}.{index}.patches"] = patches  # [B, D, height, width]
            if prefix is not None:
                result[f"{kind}.{index}.prefix"] = prefix
    # Attention under a mask for the whole model; where torch's booleans are true, a token takes part.
    tokens = final.shape[1]
    generator = torch.Generator().manual_seed(7)
    bias = torch.randn(len(images), 1, tokens, tokens, generator=generator)
    bias = bias.masked_fill(torch.rand(bias.shape, generator=generator) < 0.3, -torch.inf)
    result["bias"] = bias
    result["logits.bias"] = model(images, attn_mask=bias)
    result["logits.causal"] = model(images, is_causal=True)
    return {name: tensor.contiguous().clone() for name, tensor in result.items()}
