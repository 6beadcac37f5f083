"""open_clip's vision tower, as it stands within the whole model."""

from __future__ import annotations

from pathlib import Path

import timm_forms  # noqa: F401  first: it sees to it that torchvision can be imported

import torch
from open_clip.transformer import VisionTransformer

from forms import Form
from torch_forms import form, read

PREFIX = "visual."


def save(model: torch.nn.Module, folder: Path) -> Path:
    torch.save({PREFIX + name: tensor for name, tensor in model.state_dict().items()}, folder / "source.pt")
    return folder / "source.pt"


def load(model: torch.nn.Module, path: Path) -> torch.nn.Module:
    model.load_state_dict({name.removeprefix(PREFIX): tensor for name, tensor in read(path).items()}, strict=True)
    return model


def all_forms(tiny: bool) -> list[Form]:
    sizes = dict(image_size=32, patch_size=8, width=192, layers=2, heads=3, mlp_ratio=2.0, output_dim=16) if tiny \
        else dict(image_size=224, patch_size=32, width=768, layers=12, heads=12, mlp_ratio=4.0, output_dim=512)
    return [form("open_clip ViT-B/32, image tower", "openclip", "back.pth", lambda: VisionTransformer(**sizes), save,
                 load, image=sizes["image_size"])]
