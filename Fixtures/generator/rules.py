"""A Vision Transformer whose names no scheme knows: lucidrains' vit-pytorch, old and new."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
from pathlib import Path

import make_reference  # first: it sees to it that torchvision can be imported

import safetensors.torch
import torch

from .common import save_zip

# The last release without LayerNorms around the patch embedding, and one of today.
OLD, NEW = "0.40.2", "1.26.11"
SMALL = dict(image_size=32, patch_size=8, num_classes=10, dim=24, depth=2, heads=3, dim_head=8, mlp_dim=48)


def build(release: str, folder: str) -> torch.nn.Module:
    """A model of one release; an environment holds only one of them, so each is put into a folder of its own."""
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--target", folder,
                    f"vit-pytorch=={release}"], check=True, stdout=subprocess.DEVNULL)
    for name in [name for name in sys.modules if name.partition(".")[0] == "vit_pytorch"]:
        del sys.modules[name]
    sys.path.insert(0, folder)
    try:
        model = importlib.import_module("vit_pytorch.vit").ViT(**SMALL)
    finally:
        sys.path.remove(folder)
    with torch.no_grad():
        make_reference.fill_with_noise(model, seed=41)
    return model.eval()


def generate(out: Path) -> None:
    folder = out / "rules"
    folder.mkdir(parents=True, exist_ok=True)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(42))
    with tempfile.TemporaryDirectory() as old, tempfile.TemporaryDirectory() as new:
        model = build(OLD, old)
        save_zip(model.state_dict(), folder / "vit_pytorch.pth")
        with torch.no_grad():
            logits = model(images)
        safetensors.torch.save_file({"input": images, "logits": logits},
                                    folder / "vit_pytorch.reference.safetensors")
        save_zip(build(NEW, new).state_dict(), folder / "vit_pytorch_norms.pth")
