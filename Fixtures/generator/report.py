"""What the pages of `--report` draw, as numpy computes it; and names that would be markup if they were let."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from .common import save_zip

BINS = 32
COMPONENTS = 8

NAMES = [
    "<script>alert(1)</script>", "</script><script>alert(2)</script>", "a&amp;b & c", "\"quoted\" 'twice'",
    "x\" onload=\"alert(3)", "]]>", "<!-- comment", "blocks.0.<b>bold</b>", "ünïcödé.重み.🙂", "javascript:alert(4)",
    "\x1b[31mred", "from\u202eright\u202c", "zero\u200bwidth", "\ufffe", "line\nbreak", "tab\there",
]


def histograms() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(21)
    normal = torch.randn(60, 30, generator=generator)
    outliers = normal.clone()
    outliers[0, 0], outliers[1, 1] = 50, -30
    broken = normal[:5].clone()
    broken[0, :3] = torch.tensor([float("nan"), float("inf"), -float("inf")])
    return {
        "normal.f32": normal, "normal.f64": normal.double(), "normal.f16": normal.half(),
        "normal.bf16": normal.bfloat16(), "outliers": outliers, "broken": broken,
        "integers": torch.randint(-5, 100, (40, 9), generator=generator),
        "booleans": torch.rand(50, generator=generator) < 0.3,
        "constant": torch.full((3, 4), 0.25), "scalar": torch.tensor(7.5), "empty": torch.zeros(0, 4),
        "nothing_finite": torch.full((3,), float("nan")),
        "turned": torch.randn(16, 45, generator=generator).t(),
    }


def counts(tensor: torch.Tensor) -> list[int]:
    values = tensor.double().numpy().ravel()
    return np.histogram(values[np.isfinite(values)], BINS)[0].tolist() if np.isfinite(values).any() else [0] * BINS


def generate(out: Path) -> None:
    folder = out / "report"
    folder.mkdir(parents=True, exist_ok=True)
    golden: dict = {}

    tensors = histograms()
    save_zip(tensors, folder / "values.pth")
    safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in tensors.items()},
                                folder / "values.safetensors")
    golden["histograms"] = {name: counts(tensor) for name, tensor in tensors.items()}

    generator = torch.Generator().manual_seed(22)
    directions = torch.linalg.qr(torch.randn(48, 20, generator=generator)).Q
    weight = (torch.randn(24, 20, generator=generator) * 0.7 ** torch.arange(20)) @ directions.T + 0.1
    safetensors.torch.save_file({"weight": weight.reshape(24, 3, 4, 4).contiguous()}, folder / "filters.safetensors")
    rows = weight.double().numpy()
    components = np.linalg.svd(rows - rows.mean(0))[2][:COMPONENTS]
    signs = np.sign(components[np.arange(COMPONENTS), np.abs(components).argmax(1)])
    golden["components"] = (components * signs[:, None]).tolist()

    positions = torch.randn(12, 8, generator=generator)
    safetensors.torch.save_file({"positions": positions}, folder / "positions.safetensors")
    unit = positions.double().numpy() / np.linalg.norm(positions.double().numpy(), axis=1, keepdims=True)
    golden["similarities"] = (unit @ unit.T).tolist()

    safetensors.torch.save_file({name: torch.tensor([float(place)]) for place, name in enumerate(NAMES)},
                                folder / "names.safetensors")
    golden["names"] = NAMES
    (folder / "report.golden.json").write_text(json.dumps(golden) + "\n")
