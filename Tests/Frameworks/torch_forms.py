"""What the forms of torch's frameworks share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable

import numpy as np
import torch

from forms import Form


@torch.no_grad()
def fill(model: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Noise in every parameter, at a scale at which it is felt in the logits."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if re.search(r"lambda1$|gamma$", name):
            parameter.copy_(0.6 + 0.2 * noise)
        elif re.search(r"(norm|ln_|\bln)\w*\.weight$", name):
            parameter.copy_(1 + 0.3 * noise)
        elif parameter.ndim >= 2 and name.endswith("weight"):
            parameter.copy_(noise / parameter[0].numel() ** 0.5)
        else:
            parameter.copy_(noise * (0.3 if parameter.ndim >= 2 else 0.2))
    return model.eval()


def read(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file that was handed back."""
    if path.suffix == ".safetensors":
        import safetensors.torch
        return safetensors.torch.load_file(path)
    return torch.load(path, weights_only=True)


def save_state(model: torch.nn.Module, folder: Path) -> Path:
    torch.save(model.state_dict(), folder / "source.pth")
    return folder / "source.pth"


def form(name: str, scheme: str | None, output: str, build: Callable[[], torch.nn.Module],
         save: Callable[[torch.nn.Module, Path], Path] = save_state,
         load: Callable[[torch.nn.Module, Path], torch.nn.Module] | None = None,
         logits: Callable[[torch.nn.Module, torch.Tensor], torch.Tensor] = lambda model, x: model(x),
         keep: Callable[[str], bool] = lambda name: True, **more) -> Form:
    """A form whose framework is made of torch modules.

    `keep` tells the parameters that a Vision Transformer's weights include (a masked patch's token is none).
    """
    def loaded(path: Path) -> torch.nn.Module:
        model = fill(build(), seed=9)
        if load:
            return load(model, path).eval()
        model.load_state_dict(read(path), strict=True)
        return model

    @torch.no_grad()
    def compute(model: torch.nn.Module, x: np.ndarray) -> np.ndarray:
        return logits(model, torch.from_numpy(x)).numpy()

    def parameters(model: torch.nn.Module) -> dict[str, np.ndarray]:
        return {name: value.detach().numpy() for name, value in model.named_parameters() if keep(name)}

    return Form(name, scheme, output, loaded, save, parameters, compute, **{"make": lambda: fill(build()), **more})
