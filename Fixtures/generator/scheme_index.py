"""The index of a module's checkpoints below `schemes/`: what they are, and the facts that tests compare."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

PLAIN = {
    "imageSize": [32, 32], "patchSize": [8, 8], "channels": 3, "width": 24, "depth": 2, "heads": 3, "hidden": 48,
    "classes": 10, "patchBias": True, "qkvBias": True, "qkNorm": False, "mlp": "plain", "mlpNorm": False,
    "gelu": "exact", "classToken": True, "distilled": False, "registers": 0, "positions": "all", "layerScale": False,
    "preNorm": False, "norm": True, "fcNorm": False, "pool": "token", "preLogits": None, "headBias": True,
    "layerNormEpsilon": 1e-6,
}


def noise(name: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """A parameter at a scale at which its absence shows in the logits; frameworks start biases at 0, norms at 1."""
    values = random.standard_normal(shape).astype(np.float32)
    last = name.split("/")[-1].partition(":")[0]
    if last in ("scale", "gamma"):
        return (1 + 0.3 * values).astype(np.float32)
    if last == "kernel":
        gain = 1.5 if any(part in name for part in ("query", "key", "value")) else 1.0
        # The inputs of a kernel [D, H, d] are D, of [H, d, D] are H·d; with a depth axis in front, one more of each.
        inputs = shape[-2]
        if len(shape) == 3 and "out/" in name or len(shape) == 4 and "out/" in name:
            inputs = shape[-3] * shape[-2]
        elif any(part in name for part in ("query/", "key/", "value/")) and len(shape) >= 3:
            inputs = shape[-3]
        elif len(shape) == 4:
            inputs = math.prod(shape[:3])
        return (values * np.float32(gain / math.sqrt(inputs))).astype(np.float32)
    return (values * np.float32(0.2 if last in ("bias", "beta") else 0.3)).astype(np.float32)


def images(seed: int, height: int = 32, width: int = 32, batch: int = 2) -> np.ndarray:
    """Channels first, as references hold them."""
    return np.random.default_rng(seed).standard_normal((batch, 3, height, width)).astype(np.float32)


def no_local_paths(model) -> None:
    """Keras saves the code of Lambda layers with a whole model, and with it where the library is installed."""
    for layer in model.layers:
        if type(layer).__name__ == "Lambda":
            code = layer.function.__code__
            layer.function.__code__ = code.replace(co_filename="/".join(Path(code.co_filename).parts[-2:]))


def write_reference(path: Path, inputs: np.ndarray, logits: np.ndarray) -> None:
    np.savez(path, input=np.ascontiguousarray(inputs), logits=np.ascontiguousarray(logits, dtype=np.float32))


class Index:
    def __init__(self, folder: Path):
        self.folder, self.rows = folder, []
        folder.mkdir(parents=True, exist_ok=True)

    def enter(self, name: str, file: str, scheme: str, reference: str | None = None, given: list[str] = (),
              extra: dict | None = None, **facts) -> None:
        self.rows.append({"name": name, "file": file, "reference": reference or f"{name}.reference.npz",
                          "scheme": scheme, **(extra or {}), "given": list(given), "ignored": [],
                          "configuration": {**PLAIN, **facts}})

    def write(self) -> None:
        lines = ",\n  ".join(json.dumps(row) for row in self.rows)
        (self.folder / "index.json").write_text('{"models": [\n  ' + lines + "\n]}\n")
