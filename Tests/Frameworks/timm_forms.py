"""timm: its own names in .pth and .safetensors, the released JAX names through its .npz loader, facebookresearch's
names of DINOv2 through its reader of them; and the models whose weights go to all other frameworks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable

import forms

try:
    import make_reference  # noqa: F401  before timm: it sees to it that timm can be imported
except SystemExit as missing:
    raise ImportError(str(missing)) from None

import timm
import torch
from timm.models.vision_transformer import checkpoint_filter_fn

from forms import Form
from torch_forms import form, read


def builder(tiny: bool, name: str = "vit_base_patch16_224", **extra) -> Callable[[], torch.nn.Module]:
    small = dict(img_size=32, patch_size=8, embed_dim=192, depth=2, num_heads=3)
    classes = {} if extra.get("num_classes") == 0 else dict(num_classes=10)
    size = dict(img_size=224) if "dinov2" in name else {}  # published for 518 pixels, which only takes longer
    arguments = {**size, **extra, **({**small, **classes} if tiny else {})}
    return lambda: timm.create_model(name, pretrained=False, **arguments)


TANH = dict(act_layer="gelu_tanh")
SAY_TANH = ("--gelu", "tanh")  # neither names nor shapes tell


def origins(tiny: bool) -> dict[str, tuple[Callable[[], torch.nn.Module], tuple[str, ...]]]:
    """Models whose weights are handed to other frameworks, with what the command must be told of them.

    `exact` and `tanh` hold the same weights.
    """
    return {
        "exact": (builder(tiny), ()),
        "tanh": (builder(tiny, **TANH), SAY_TANH),
        "patches": (builder(tiny, no_embed_class=True, **TANH), SAY_TANH),  # positions as big_vision has them
        "siglip": (builder(tiny, "vit_base_patch16_siglip_224", num_classes=0, **TANH), SAY_TANH),
        "distilled": (builder(tiny, "deit_base_distilled_patch16_224"), ()),
        "dinov2": (builder(tiny, "vit_base_patch14_dinov2", num_classes=0), ()),
        "dinov2 with registers": (builder(tiny, "vit_base_patch14_reg4_dinov2", num_classes=0), ()),
    }


def through_npz_loader(model: torch.nn.Module, path: Path) -> torch.nn.Module:
    model.load_pretrained(str(path))
    return model


def through_facebook_names(model: torch.nn.Module, path: Path) -> torch.nn.Module:
    """As facebookresearch publishes DINOv2: its training code's names without the chunk, and a masked patch's token."""
    state = {re.sub(r"^blocks\.\d+\.(?=\d)", "blocks.", name): tensor for name, tensor in read(path).items()}
    state["mask_token"] = torch.zeros(1, model.embed_dim)
    model.load_state_dict(checkpoint_filter_fn(state, model), strict=True)
    return model


def all_forms(tiny: bool) -> list[Form]:
    size = dict(image=forms.sizes(tiny)["image"])
    made = {name: build for name, (build, _) in origins(tiny).items()}
    return [
        form("timm ViT-B/16", None, "back.pth", made["exact"], **size),
        form("timm ViT-B/16, in21k", None, "back.safetensors", builder(tiny, num_classes=21843), **size),
        form("timm DeiT-B distilled", None, "back.pth", made["distilled"], **size),
        form("timm DINOv2 B/14", None, "back.pth", made["dinov2"], **size),
        form("timm DINOv2 B/14 with registers", None, "back.safetensors", made["dinov2 with registers"], **size),
        form("timm SigLIP B/16", None, "back.safetensors", made["siglip"], arguments=SAY_TANH, **size),
        form("timm ViT-B/16 by its .npz loader", "jax", "back.npz", made["tanh"], load=through_npz_loader,
             arguments=SAY_TANH, origin="tanh", **size),
        form("facebookresearch's DINOv2, read by timm", "dinov2", "back.pth", made["dinov2"],
             load=through_facebook_names, make=None, origin="dinov2", **size),
        form("facebookresearch's DINOv2 with registers, read by timm", "dinov2", "back.pth",
             made["dinov2 with registers"], load=through_facebook_names, make=None, origin="dinov2 with registers",
             **size),
    ]
