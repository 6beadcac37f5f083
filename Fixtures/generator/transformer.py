"""Small models of `torch.nn.Transformer`, each with what torch computes under every kind of mask."""

from __future__ import annotations

import json
import math
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

SMALL = dict(d_model=16, nhead=4, num_encoder_layers=2, num_decoder_layers=1, dim_feedforward=24, batch_first=True)
SOURCE, TARGET, VOCABULARY, END = 6, 5, 13, 1

# name → (file, arguments over SMALL)
FORMS: dict[str, tuple[str, dict]] = {
    "plain": ("plain.pth", {}),
    "one_head": ("one_head.safetensors", dict(nhead=1, num_encoder_layers=1, num_decoder_layers=2)),
    "no_bias": ("no_bias.npz", dict(bias=False, num_encoder_layers=1)),
    "norm_first_gelu": ("norm_first_gelu.pth", dict(norm_first=True, activation="gelu", num_encoder_layers=1)),
    "half_f16": ("half_f16.safetensors", dict(num_encoder_layers=1)),
    "within": ("within.pth", dict(num_encoder_layers=1)),
}


class Translator(nn.Module):
    """A model as tutorials have it: embeddings, positions and a projection around the Transformer."""

    def __init__(self, transformer: nn.Transformer):
        super().__init__()
        width = transformer.d_model
        self.transformer = transformer
        self.source_embedding = nn.Embedding(VOCABULARY + 2, width)
        self.target_embedding = nn.Embedding(VOCABULARY, width)
        self.projection = nn.Linear(width, VOCABULARY)
        self.register_buffer("pe", positions(32, width)[None])

    def embed(self, table: nn.Embedding, tokens: torch.Tensor) -> torch.Tensor:
        return table(tokens) * math.sqrt(table.embedding_dim) + self.pe[:, :tokens.shape[1]]

    def forward(self, source, target, source_padding=None, target_padding=None):
        decoded = self.transformer(
            self.embed(self.source_embedding, source), self.embed(self.target_embedding, target),
            tgt_mask=later(target.shape[1]), src_key_padding_mask=source_padding,
            memory_key_padding_mask=source_padding, tgt_key_padding_mask=target_padding)
        return self.projection(decoded)


def positions(length: int, width: int) -> torch.Tensor:
    """As in PyTorch's tutorials, in float64."""
    place = torch.arange(length, dtype=torch.float64)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, dtype=torch.float64) * (-math.log(10000.0) / width))
    table = torch.zeros(length, width, dtype=torch.float64)
    table[:, 0::2], table[:, 1::2] = torch.sin(place * rate), torch.cos(place * rate)[:, :width // 2]
    return table.float()


def later(length: int) -> torch.Tensor:
    """True where a position would see a later one."""
    return nn.Transformer.generate_square_subsequent_mask(length).isinf()


def padding(lengths: list[int], length: int) -> torch.Tensor:
    return torch.arange(length)[None] >= torch.tensor(lengths)[:, None]


def fill(model: nn.Module, seed: int) -> nn.Module:
    """Noise in every parameter, of a size at which each is felt in the output."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim > 1:
            parameter.data = noise / parameter.shape[1] ** 0.5
        else:
            parameter.data = (1 if "norm" in name and name.endswith("weight") else 0) + 0.25 * noise
    return model.eval()


def reference(model: nn.Transformer, src, tgt, masks: dict, activations: bool = False) -> dict[str, torch.Tensor]:
    """Inputs and output; with gradients, so that torch takes the path that computes every row."""
    kept: dict[str, torch.Tensor] = {}

    def keep(name: str):
        def hook(module, inputs, output):
            kept[name] = output[0] if isinstance(output, tuple) else output
        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in model.named_modules()
               if name and activations]
    output = model(src, tgt, **masks)
    for handle in handles:
        handle.remove()
    return {"src": src, "tgt": tgt, **masks, **{name: value.detach() for name, value in kept.items()},
            "output": output.detach()}


def write(folder: Path, name: str, tensors: dict[str, torch.Tensor]) -> None:
    safetensors.torch.save_file({key: value.contiguous().clone() for key, value in tensors.items()},
                                folder / f"{name}.reference.safetensors")


def generate(out: Path) -> None:
    import numpy as np
    folder = out / "transformer"
    folder.mkdir(parents=True, exist_ok=True)
    source_padding, target_padding = padding([6, 4], SOURCE), padding([3, 5], TARGET)
    both = dict(src_key_padding_mask=source_padding, tgt_key_padding_mask=target_padding, tgt_mask=later(TARGET))
    kinds = {
        "none": {}, "causal": dict(tgt_mask=later(TARGET)),
        "padding": dict(src_key_padding_mask=source_padding, tgt_key_padding_mask=target_padding),
        "both": both, "memory": {**both, "memory_key_padding_mask": source_padding},
    }
    rows = []
    for seed, (name, (file, arguments)) in enumerate(FORMS.items()):
        options = {**SMALL, **arguments}
        model = fill(nn.Transformer(**options), 100 + seed)
        if name == "half_f16":  # the values that a half type holds, widened again
            for parameter in model.parameters():
                parameter.data = parameter.data.half().float()
        generator = torch.Generator().manual_seed(200 + seed)
        src = torch.randn(2, SOURCE, options["d_model"], generator=generator)
        tgt = torch.randn(2, TARGET, options["d_model"], generator=generator)
        state: dict = model.state_dict()
        if name == "within":
            state = {"epoch": 3, "model": fill(Translator(model), 100 + seed).state_dict()}
        elif name == "half_f16":
            state = {key: value.half() for key, value in state.items()}
        if file.endswith(".pth"):
            torch.save(state, folder / file)
        elif file.endswith(".npz"):
            np.savez(folder / file, **{key: value.numpy() for key, value in state.items()})
        else:
            safetensors.torch.save_file(dict(state), folder / file)
        chosen = kinds if name == "plain" else {"both": both}
        references = {kind: reference(model, src, tgt, masks, activations=name != "plain" or kind == "memory")
                      for kind, masks in chosen.items()}
        if name == "plain":
            # Without gradients the encoder leaves the rows of padding out, and has zeros before its last norm.
            with torch.no_grad():
                references["fast"] = {**references["both"], "output": model(src, tgt, **both)}
        for kind, tensors in references.items():
            write(folder, f"{name}.{kind}", tensors)
        rows.append({
            "name": name, "file": file, "references": list(references),
            "configuration": {
                "width": options["d_model"], "heads": options["nhead"],
                "encoderDepth": options["num_encoder_layers"], "decoderDepth": options["num_decoder_layers"],
                "hidden": options["dim_feedforward"], "bias": options.get("bias", True),
                "normFirst": options.get("norm_first", False), "activation": options.get("activation", "relu"),
                "layerNormEpsilon": model.encoder.norm.eps,
            },
        })
    (folder / "index.json").write_text(json.dumps({"models": rows}, indent=1) + "\n")
    translation(folder)


def translation(folder: Path) -> None:
    """Sentences, the logits of their translations, and what a loop over torch's model decodes greedily."""
    model = fill(Translator(nn.Transformer(**SMALL)), 355)
    lengths, target_lengths = [6, 3, 4], [4, 5, 2]
    generator = torch.Generator().manual_seed(301)
    source = torch.randint(2, VOCABULARY + 2, (3, 6), generator=generator)
    target = torch.randint(2, VOCABULARY, (3, 5), generator=generator)
    logits = model(source, target, padding(lengths, 6), padding(target_lengths, 5))
    decoded = torch.full((3, 13), -1)
    for index, length in enumerate(lengths):
        tokens = torch.zeros(1, 1, dtype=torch.long)
        while tokens.shape[1] < 13 and (tokens.shape[1] == 1 or tokens[0, -1] != END):
            following = model(source[index:index + 1, :length], tokens)[0, -1].argmax()
            tokens = torch.cat([tokens, following[None, None]], dim=1)
        decoded[index, :tokens.shape[1]] = tokens[0]
    state = {key: value for key, value in model.state_dict().items() if key != "pe"}
    extra = {
        "positions": positions(40, 16), "positions_odd": positions(7, 5),
        "sources": source, "source_lengths": torch.tensor(lengths), "targets": target,
        "target_lengths": torch.tensor(target_lengths), "logits": logits, "decoded": decoded,
    }
    safetensors.torch.save_file({key: value.detach().contiguous() for key, value in {**state, **extra}.items()},
                                folder / "translation.safetensors")
