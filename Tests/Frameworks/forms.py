"""What hand_back.py asks of a form of checkpoint, and what the forms share."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import numpy as np

# The fixtures' generator has the models that no package holds, and the scale of the noise.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Fixtures"))

SMALL = dict(image=32, patch=8, width=192, depth=2, heads=3, hidden=768, classes=10)
BASE = dict(image=224, patch=16, width=768, depth=12, heads=12, hidden=3072, classes=1000)


def sizes(tiny: bool) -> dict[str, int]:
    """ViT-B/16, or something small whose heads are as wide."""
    return SMALL if tiny else BASE


@dataclass
class Form:
    """A framework's model and the file it lives in: rows of the table."""

    name: str
    scheme: str | None
    """As `--to` wants it; nothing for canonical names."""
    output: str
    """The file that is handed back; the name of a folder ends in a slash."""
    load: Callable[[Path], Any]
    """What the framework makes of the file, as strictly as it can, in a model that held other values before."""
    save: Callable[[Any, Path], Path]
    """Writes the model into a folder, as the framework's users do."""
    parameters: Callable[[Any], dict[str, np.ndarray]]
    logits: Callable[[Any, np.ndarray], np.ndarray]
    """Logits of images [B, C, H, W]."""
    make: Callable[[], Any] | None = None
    """A model with noise in every parameter; nothing where only weights of others are handed over."""
    image: int = 224
    arguments: tuple[str, ...] = ()
    """What neither names nor shapes tell, as options of the command."""
    converting: tuple[str, ...] = ()
    """Options of the command on the way back."""
    origin: str | None = None
    """Which of timm's models (`timm_forms.origins`) this form can hold, for a row of its own."""
    widened: tuple[str, ...] = ()
    """Parameters that the framework has with more rows, which are zeros in timm's weights."""
    inputs: Callable[[], np.ndarray] | None = None
    """What the model is run on; images where nothing is given."""
    reference: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]] = (
        lambda x, logits: {"input": x, "logits": logits})
    """The arrays of a reference, from inputs and outputs."""


def images(size: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((1, 3, size, size)).astype(np.float32)
