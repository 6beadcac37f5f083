"""What `vit-convert init` draws, by the published algorithms written down once more with numpy.

xoshiro256** (Blackman and Vigna, arXiv 1805.01407) seeded by SplitMix64; Marsaglia's polar method; each piece of
65,536 numbers of a parameter has a stream of its own, told by seed, name and number of the piece. Every operation is
one that IEEE 754 rounds alike everywhere. Names and shapes are those of timm's models.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path

import make_reference  # noqa: F401 (first: it sees to it that timm can be imported)

import numpy as np
import timm
import torch

PIECE = 1 << 16
VARIANTS = ("vit_tiny_patch16_224", "vit_tiny_patch16_384", "vit_small_patch16_224", "vit_small_patch16_384",
            "vit_small_patch32_224", "vit_small_patch32_384", "deit_tiny_patch16_224", "deit_small_patch16_224",
            "deit_tiny_distilled_patch16_224", "deit_small_distilled_patch16_224")
MASK = (1 << 64) - 1


class SplitMix64:
    def __init__(self, state: int):
        self.state = state

    def next(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        return z ^ z >> 31


def stream(seed: int, name: str, piece: int) -> list[int]:
    """The generator's four words for a piece of a parameter."""
    fnv = 0xCBF29CE484222325
    for byte in name.encode():
        fnv = (fnv ^ byte) * 0x100000001B3 & MASK
    second = SplitMix64(SplitMix64(seed).next() ^ fnv).next()
    seeder = SplitMix64(SplitMix64(second ^ piece).next())
    return [seeder.next() for _ in range(4)]


def uniform(state: np.ndarray) -> np.ndarray:
    """The next number of every stream, in 0..<1."""
    product = state[1] * np.uint64(5)
    result = (product << np.uint64(7) | product >> np.uint64(57)) * np.uint64(9)
    shifted = state[1] << np.uint64(17)
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = state[3] << np.uint64(45) | state[3] >> np.uint64(19)
    return (result >> np.uint64(11)).astype(np.float64) * 2.0**-53


def logarithm(x: np.ndarray) -> np.ndarray:
    """2·artanh((m − 1)/(m + 1)) + e·ln 2 for x = m·2ᵉ with m between √½ and √2."""
    mantissa, exponent = np.frexp(x)
    mantissa, exponent = mantissa * 2, exponent.astype(np.float64) - 1
    large = mantissa > 1.4142135623730951
    mantissa, exponent = np.where(large, mantissa / 2, mantissa), np.where(large, exponent + 1, exponent)
    t = (mantissa - 1) / (mantissa + 1)
    square = t * t
    total = np.full_like(t, 1.0 / 23)
    for divisor in range(21, 0, -2):
        total = total * square + 1 / divisor
    return exponent * 0.6931471805599453 + 2 * t * total


def normals(words: list[list[int]], lengths: list[int]) -> np.ndarray:
    """A row of normally distributed numbers for each stream, as many as the longest is."""
    state = np.array(words, dtype=np.uint64).T.copy()
    rows, longest = len(lengths), max(lengths)
    result, filled = np.zeros((rows, longest + 1)), np.zeros(rows, dtype=np.int64)
    line = np.arange(rows)
    while filled.min() < longest:
        u, v = 2 * uniform(state) - 1, 2 * uniform(state) - 1
        square = u * u + v * v
        used = (square < 1) & (square > 0) & (filled < longest)
        safe = np.where(used, square, 0.5)
        factor = np.sqrt(-2 * logarithm(safe) / safe)
        result[line[used], filled[used]] = (u * factor)[used]
        result[line[used], filled[used] + 1] = (v * factor)[used]
        filled += 2 * used
    return result[:, :longest]


def deviation(name: str, shape: tuple[int, ...]) -> float:
    if name.endswith(".weight"):
        return math.sqrt(2 / (shape[0] * shape[2] * shape[3])) if len(shape) == 4 else 0.01
    return 0.02


def draw(wanted: set[tuple[str, tuple[int, ...]]], seed: int) -> dict[tuple[str, tuple[int, ...]], np.ndarray]:
    """The values of parameters, by name and shape."""
    values, pieces = {}, []
    for name, shape in sorted(wanted):
        count = math.prod(shape)
        if name.endswith(".bias") or name.endswith(".weight") and len(shape) == 1:
            values[name, shape] = np.full(count, 0 if name.endswith(".bias") else 1, dtype=np.float32)
            continue
        values[name, shape] = np.empty(count, dtype=np.float32)
        for first in range(0, count, PIECE):
            pieces.append((name, shape, first, min(PIECE, count - first)))
    # Streams of about the same length at once.
    pieces.sort(key=lambda piece: piece[3])
    for group in ([piece for piece in pieces if piece[3] < PIECE], [piece for piece in pieces if piece[3] == PIECE]):
        drawn = normals([stream(seed, name, first // PIECE) for name, _, first, _ in group],
                        [length for *_, length in group])
        for row, (name, shape, first, length) in zip(drawn, group):
            scaled = row[:length] * deviation(name, shape)
            assert np.abs(scaled).max() <= 2  # so that truncation draws nothing again
            values[name, shape][first:first + length] = scaled.astype(np.float32)
    return values


def is_between(name: str) -> bool:
    """Blocks between the first and the last are left out, since they are drawn like these."""
    return re.match(r"blocks\.([1-9]|10)\.", name) is not None


def generate(out: Path) -> None:
    folder = out / "initialisation"
    folder.mkdir(parents=True, exist_ok=True)
    with torch.device("meta"):
        states = {name: {key: tuple(tensor.shape) for key, tensor in timm.create_model(name).state_dict().items()}
                  for name in VARIANTS}
    result = {}
    for seed, part in ((0, ""), (2**64 - 1, "_tiny_")):
        chosen = {name: state for name, state in states.items() if part in name}
        values = draw({(key, shape) for state in chosen.values() for key, shape in state.items()
                       if not is_between(key)}, seed)
        for name, state in chosen.items():
            # Of the parameters' own digests, a line each, in the order of their names.
            digest = hashlib.sha256()
            for key in sorted(state):
                if not is_between(key):
                    own = hashlib.sha256(values[key, state[key]].astype("<f4").tobytes())
                    digest.update(f"{own.hexdigest()}\n".encode())
            result.setdefault(name, {"parameters": sum(math.prod(shape) for shape in state.values())})[str(seed)] = \
                digest.hexdigest()
    lines = ",\n  ".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in result.items())
    (folder / "digests.json").write_text("{\n  " + lines + "\n}\n")
