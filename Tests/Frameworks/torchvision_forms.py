"""torchvision's VisionTransformer, with and without the representation layer."""

from __future__ import annotations

import timm_forms  # noqa: F401  first: it sees to it that torchvision can be imported

import torch
from torchvision.models.vision_transformer import VisionTransformer

import forms
from forms import Form
from torch_forms import form


def all_forms(tiny: bool) -> list[Form]:
    size = forms.sizes(tiny)

    def build(**extra) -> torch.nn.Module:
        return VisionTransformer(image_size=size["image"], patch_size=size["patch"], num_layers=size["depth"],
                                 num_heads=size["heads"], hidden_dim=size["width"], mlp_dim=size["hidden"],
                                 num_classes=size["classes"], **extra)

    return [
        form("torchvision vit_b_16", "torchvision", "back.pth", build, image=size["image"], origin="exact"),
        form("torchvision vit_b_16 with a representation layer", "torchvision", "back.safetensors",
             lambda: build(representation_size=size["width"]), image=size["image"]),
    ]
