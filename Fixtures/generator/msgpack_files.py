"""MessagePack files, by flax.serialization; what no flax writes any more is packed by msgpack itself."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import ml_dtypes
import msgpack
import numpy as np
from flax import serialization

from .common import NUMPY_DTYPES, patched, write_golden

DTYPES = {
    "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ", "float8_e8m0fnu": "F8_E8M0",
    **{np.dtype(code).name: name for code, name in NUMPY_DTYPES.items()},
}


def generate(out: Path) -> None:
    folder = out / "msgpack"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(31)

    def noise(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    params = {"embeddings": {"cls_token": noise(1, 1, 4),
                             "projection": {"bias": noise(4), "kernel": noise(2, 2, 3, 4)}},
              "layer": [{"kernel": noise(4, 4), "bias": noise(4)}, {"kernel": noise(4, 4), "bias": noise(4)}]}
    save(folder / "flax_model.msgpack", serialization.to_bytes({"params": params}))
    save(folder / "plain.msgpack", serialization.to_bytes(params))
    save(folder / "misnamed.npz", serialization.to_bytes(params))
    save(folder / "train_state.msgpack", serialization.to_bytes(train_state(params)))
    save(folder / "dtypes.msgpack", serialization.msgpack_serialize(every_dtype()))
    save(folder / "shapes.msgpack", serialization.msgpack_serialize(
        {"scalar": np.array(2.5, np.float32), "empty": np.empty((0, 3), np.float32), "deep": noise(1, 1, 1, 1, 1, 2),
         "transposed": noise(2, 3).T, "unaligned": {"x": np.int8([1]), "y": noise(2)},
         "long": np.ones(17_000, np.float32)}))
    save(folder / "values.msgpack", serialization.msgpack_serialize(values()))
    save(folder / "old_strings.msgpack", old_strings(noise(3)))
    with patched(serialization, "MAX_CHUNK_SIZE", 40):
        save(folder / "chunked.msgpack", serialization.to_bytes(
            {"params": {"one": noise(10), "two": noise(2, 9), "three": noise(3, 7),
                        "half": noise(3, 3, 3).astype(np.float16), "bf16": noise(5, 5).astype(ml_dtypes.bfloat16),
                        "wide": np.arange(12.0).reshape(2, 3, 2)}}))
        save(folder / "chunked_root.msgpack", serialization.msgpack_serialize(noise(4, 4)))
    save(folder / "many.msgpack", serialization.msgpack_serialize(
        {f"layer_{i}": {"kernel": np.full((1, 2), i, np.float32)} for i in range(20)}
        | {"list": [np.float32([i]) for i in range(20)]}))
    sharded(folder / "sharded", params)


def train_state(params: dict) -> dict:
    """As TrainState and optax come out of `to_state_dict`: tuples have become maps from "0", "1" …"""
    moments = {key: value for key, value in params.items() if key == "embeddings"}
    return {"step": 1000, "params": params,
            "opt_state": ({"count": np.array(1000, np.int32), "mu": moments, "nu": moments}, (), None)}


def every_dtype() -> dict:
    arrays = {}
    for name in DTYPES:
        dtype = np.dtype(getattr(ml_dtypes, name, name))
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            arrays[name] = np.array([0, 1, limits.min, limits.max], dtype)
        else:
            with np.errstate(all="ignore"):
                arrays[name] = np.array([0.0, 1.5, 0.1, 448, 1, 2]).astype(dtype)
    return arrays


def values() -> dict:
    """What is no tensor, beside one that is."""
    return {"none": None, "true": True, "integers": {"small": 7, "negative": -33, "byte": 200, "word": -30_000,
                                                     "long": 3_000_000_000, "wide": -(2 ** 60), "widest": 2 ** 64 - 1},
            "real": 0.25, "text": "größe", "long_text": "x" * 300, "bytes": b"\x00\xff", "complex": 1.5 - 2j,
            "numpy_scalar": np.float32(3), "numpy_bf16": ml_dtypes.bfloat16(1), "list": [1, "two", None], "nothing": [],
            "empty": {}, "dates": np.array([1], "datetime64[s]"), "quarter": np.ones(3, ml_dtypes.int4),
            "mixed": [np.float32([1, 2]), 3, {"inner": np.float32([4])}], "weight": np.float32([1, 2, 3])}


def old_strings(array: np.ndarray) -> bytes:
    """Text and bytes as one type, as msgpack packed them before its version 1."""
    inner = msgpack.packb((array.shape, array.dtype.name, array.tobytes()), use_bin_type=False)
    return msgpack.packb({"weight": msgpack.ExtType(1, inner), 5: msgpack.ExtType(1, inner)}, use_bin_type=False)


def sharded(folder: Path, params: dict) -> None:
    """As `FlaxPreTrainedModel.save_pretrained` of transformers 4 writes shards: each holds a part of the tree, and the
    index joins keys with slashes."""
    folder.mkdir(exist_ok=True)
    names = [f"flax_model-0000{n}-of-00002.msgpack" for n in (1, 2)]
    parts = [{"embeddings": params["embeddings"]}, {"layer": {str(i): part for i, part in enumerate(params["layer"])}}]
    rows, places = [], {}
    for name, part in zip(names, parts):
        (folder / name).write_bytes(serialization.to_bytes(part))
        listing = Listing(serialization.msgpack_restore((folder / name).read_bytes()))
        rows += listing.rows
        places |= {row["name"].replace(".", "/"): name for row in listing.rows}
    index = folder / "flax_model.msgpack.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}, indent=2, sort_keys=True) + "\n")
    write_golden(index, "msgpack", rows)


class Listing:
    """Walks what `msgpack_restore` returns and names every array by its path."""

    def __init__(self, root):
        self.rows: list[dict] = []
        self.others: list[dict] = []
        self.visit(root, ())

    def visit(self, value, path: tuple[str, ...]) -> None:
        name = ".".join(path) or "tensor"
        if isinstance(value, np.ndarray):
            if dtype := DTYPES.get(value.dtype.name):
                self.rows.append({"name": name, "dtype": dtype, "shape": list(value.shape),
                                  "sha256": hashlib.sha256(value.tobytes("C")).hexdigest()})
            else:
                self.others.append({"name": name, "note": f"array of {value.dtype.name}"})
        elif isinstance(value, dict) and value:
            for key, item in value.items():
                self.visit(item, (*path, str(key)))
        elif isinstance(value, list) and any(isinstance(item, (np.ndarray, dict, list)) for item in value):
            for index, item in enumerate(value):
                self.visit(item, (*path, str(index)))
        else:
            self.others.append({"name": name, "note": type(value).__name__})


def save(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    listing = Listing(serialization.msgpack_restore(data))
    write_golden(path, "msgpack", listing.rows, others=listing.others)
