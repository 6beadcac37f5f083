"""transformers: folders by save_pretrained, read again by from_pretrained."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers
from transformers import DeiTConfig, Dinov2Config, SiglipVisionConfig, ViTConfig

import forms
from forms import Form
from torch_forms import form

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def save(model: torch.nn.Module, folder: Path) -> Path:
    model.save_pretrained(folder / "source")
    return folder / "source"


def loader(kind):
    def load(_: torch.nn.Module, path: Path) -> torch.nn.Module:
        loaded, information = kind.from_pretrained(path, output_loading_info=True)
        wrong = [f"{key}: {item}" for key, items in information.items() for item in items
                 if "mask_token" not in str(item)]
        if wrong:
            raise RuntimeError(f"from_pretrained: {'; '.join(wrong[:5])}")
        return loaded
    return load


def made(name: str, scheme: str, kind, configuration, logits=lambda output: output.logits, **more) -> Form:
    return form(f"transformers {name}", scheme, "back/", lambda: kind(configuration), save, loader(kind),
                lambda model, x: logits(model(x)), keep=lambda name: "mask_token" not in name, **more)


def all_forms(tiny: bool) -> list[Form]:
    size = forms.sizes(tiny)
    image = dict(image=size["image"])
    common = dict(hidden_size=size["width"], num_hidden_layers=size["depth"], num_attention_heads=size["heads"],
                  image_size=size["image"], patch_size=size["patch"])
    plain = dict(common, intermediate_size=size["hidden"])
    dino = dict(common, mlp_ratio=4, patch_size=8 if tiny else 14)
    labels = dict(id2label={index: f"class {index}" for index in range(10)})

    def pooled(output):
        return output.pooler_output

    def first_row(output):
        return output.last_hidden_state[:, 0]

    rows = [
        made("ViTForImageClassification", "huggingface", transformers.ViTForImageClassification,
             ViTConfig(**plain, **labels), origin="exact", **image),
        made("ViTModel with pooler", "huggingface", transformers.ViTModel, ViTConfig(**plain), pooled, **image),
        made("DeiTForImageClassificationWithTeacher", "huggingface",
             transformers.DeiTForImageClassificationWithTeacher, DeiTConfig(**plain, **labels), origin="distilled",
             **image),
        made("Dinov2ForImageClassification", "huggingface-dinov2", transformers.Dinov2ForImageClassification,
             Dinov2Config(**dino, **labels), **image),
        made("Dinov2ForImageClassification with SwiGLU", "huggingface-dinov2",
             transformers.Dinov2ForImageClassification, Dinov2Config(**dino, **labels, use_swiglu_ffn=True), **image),
        made("Dinov2Model", "huggingface-dinov2", transformers.Dinov2Model, Dinov2Config(**dino), first_row,
             origin="dinov2", **image),
        made("SiglipVisionModel", "huggingface-siglip", transformers.SiglipVisionModel, SiglipVisionConfig(**plain),
             pooled, origin="siglip", **image),
    ]
    if hasattr(transformers, "Dinov2WithRegistersConfig"):  # since 4.48
        configuration = transformers.Dinov2WithRegistersConfig
        rows += [
            made("Dinov2WithRegistersForImageClassification", "huggingface-dinov2",
                 transformers.Dinov2WithRegistersForImageClassification, configuration(**dino, **labels), **image),
            made("Dinov2WithRegistersModel", "huggingface-dinov2", transformers.Dinov2WithRegistersModel,
                 configuration(**dino), first_row, origin="dinov2 with registers", widened=("pos_embed",), **image),
        ]
    return rows
