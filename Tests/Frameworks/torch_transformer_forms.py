"""torch's own encoder–decoder Transformer, at the size of the original's base model."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from forms import Form
from torch_forms import fill, form

SOURCE, TARGET = 12, 9
BASE = dict(d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048)
SMALL = dict(d_model=64, nhead=1, num_encoder_layers=2, num_decoder_layers=1, dim_feedforward=128)


def masks() -> dict[str, torch.Tensor]:
    """Two padded sentences; no position sees a later one."""
    padding = torch.arange(SOURCE)[None] >= torch.tensor([SOURCE, SOURCE - 4])[:, None]
    return {"src_key_padding_mask": padding, "memory_key_padding_mask": padding,
            "tgt_key_padding_mask": torch.arange(TARGET)[None] >= torch.tensor([TARGET - 3, TARGET])[:, None],
            "tgt_mask": nn.Transformer.generate_square_subsequent_mask(TARGET).isinf()}


def all_forms(tiny: bool) -> list[Form]:
    sizes = SMALL if tiny else BASE

    def reference(x: np.ndarray, output: np.ndarray) -> dict[str, np.ndarray]:
        named = {name: mask.numpy() for name, mask in masks().items()}
        return {"src": x[:, :SOURCE], "tgt": x[:, SOURCE:], **named, "output": output}

    def inputs() -> np.ndarray:
        shape = (2, SOURCE + TARGET, sizes["d_model"])
        return np.random.default_rng(1).standard_normal(shape).astype(np.float32)

    def build() -> nn.Module:
        return nn.Transformer(**sizes, batch_first=True)

    return [form("torch.nn.Transformer", "torch-transformer", "model.pth", build,
                 logits=lambda model, x: model(x[:, :SOURCE], x[:, SOURCE:], **masks()),
                 make=lambda: fill(build()), inputs=inputs, reference=reference)]
