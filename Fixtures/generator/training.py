"""Small models in training mode: what timm computes, and every mask that its modules drew on the way."""

from __future__ import annotations

import json
from pathlib import Path

import make_reference  # first: it sees to it that timm can be imported

import torch
from safetensors.torch import save_file
from timm.layers import DropPath, SwiGLU, SwiGLUPacked
from torch import nn

from .models import SMALL, images_for

BASE = {**SMALL, "img_size": 16, "embed_dim": 12, "depth": 3, "num_classes": 7}
RATES = dict(drop_rate=0.25, pos_drop_rate=0.1, proj_drop_rate=0.2, attn_drop_rate=0.15, drop_path_rate=0.6)
FORMS: dict[str, dict] = {
    "plain": {}, "distilled": dict(distilled=True), "distilled_features": dict(distilled=True, num_classes=0),
    "layer_scale_registers": dict(init_values=1e-5, reg_tokens=2), "average": dict(global_pool="avg"),
    "swiglu_norm": dict(mlp_layer=SwiGLU, act_layer=nn.SiLU, scale_mlp_norm=True, qk_norm=True),
    "swiglu_packed": dict(mlp_layer=SwiGLUPacked, act_layer=nn.SiLU), "pre_logits": dict(pre_logits_size=14),
    "attention_pool": dict(class_token=False, global_pool="map"),
    "rates_of_the_paper": dict(drop_rate=0.0, attn_drop_rate=0.0, drop_path_rate=0.1, pos_drop_rate=0.1,
                               proj_drop_rate=0.1),
}


@torch.no_grad()
def run(model: nn.Module, images: torch.Tensor, seed: int) -> tuple[tuple[torch.Tensor, ...], dict[str, torch.Tensor]]:
    """The outputs in training mode, and the factors by which each dropping module multiplied its input.

    Behind each module the generator is set back and the same module is given ones: what it draws is what it drew.
    """
    masks: dict[str, torch.Tensor] = {}
    inside = False

    def watch(name: str, module: nn.Module) -> list:
        states = []

        def before(module, inputs):
            if not inside:
                states.append(torch.get_rng_state())

        def after(module, inputs, output):
            nonlocal inside
            if inside:
                return
            torch.set_rng_state(states.pop())
            inside = True
            factors = module(torch.ones_like(inputs[0]))
            inside = False
            assert torch.equal(inputs[0] * factors, output)
            if isinstance(module, DropPath):
                factors = factors[:, :1, :1]
            # A distilled model calls one module for both rows.
            masks[name if name not in masks else f"{name}_dist"] = factors.clone().contiguous()
        return [module.register_forward_pre_hook(before), module.register_forward_hook(after)]

    model.train()
    if hasattr(model, "set_distilled_training"):
        model.set_distilled_training(True)
    for module in model.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = False  # torch's fused attention keeps its mask to itself
    hooks = [hook for name, module in model.named_modules()
             if isinstance(module, DropPath) or isinstance(module, nn.Dropout) and module.p > 0
             for hook in watch(name, module)]
    torch.manual_seed(seed)
    outputs = model(images)
    for hook in hooks:
        hook.remove()
    return outputs if isinstance(outputs, tuple) else (outputs,), masks


def generate(out: Path) -> None:
    folder = out / "training"
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    for number, (name, changes) in enumerate(FORMS.items()):
        arguments = {**BASE, **RATES, **changes}
        model = make_reference.build(arguments)
        make_reference.fill_with_noise(model, seed=300 + number)
        images = images_for(model, 3000 + number, batch=4)
        seed = 400 + number
        while True:
            outputs, masks = run(model, images, seed)
            # Of few images all may be dropped, and then no earlier mask of the branch would be felt.
            if all(mask.any() for path, mask in masks.items() if "drop_path" in path):
                break
            seed += 100
        save_file(model.state_dict(), folder / f"{name}.safetensors")
        save_file({"input": images, **masks, **dict(zip(("output", "output_dist"), outputs))},
                  folder / f"{name}.masks.safetensors")
        index.append({"name": name, "heads": arguments["num_heads"], "masks": list(masks)})
    (folder / "index.json").write_text("[\n  " + ",\n  ".join(map(json.dumps, index)) + "\n]\n")
