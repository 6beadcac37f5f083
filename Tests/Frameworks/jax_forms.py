"""flax: Google's three generations of names, and transformers' Flax models where transformers still has them (4.x)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import forms  # noqa: F401  first: it tells where the generator is
import jax
import numpy as np
from flax import serialization
from flax.traverse_util import flatten_dict, unflatten_dict
from generator.flax_vit import ViT
from generator.scheme_index import noise

from forms import Form

jax.config.update("jax_default_matmul_precision", "highest")
Parameters = dict[str, np.ndarray]


def nested(values: Parameters) -> dict:
    return unflatten_dict({tuple(name.split("/")): value for name, value in values.items()})


def flat(tree: Any) -> Parameters:
    return {name: np.asarray(value) for name, value in flatten_dict(tree, sep="/").items()}


def noisy(shapes: dict, seed: int) -> Parameters:
    random = np.random.default_rng(seed)
    return {name: noise(name, leaf.shape, random) for name, leaf in flatten_dict(shapes, sep="/").items()}


def restored(shapes: dict, values: Parameters) -> Parameters:
    """The values in the tree that the model wants: flax refuses other names, and other shapes are refused here."""
    tree = flat(serialization.from_state_dict(shapes, nested(values)))
    wrong = [name for name, leaf in flatten_dict(shapes, sep="/").items()
             if (tree[name].shape, tree[name].dtype) != (leaf.shape, leaf.dtype)]
    if wrong:
        raise RuntimeError(f"flax wants other shapes or types for {wrong[:5]}")
    return tree


def google(name: str, scheme: str, output: str, model: ViT, prefix: str = "", save_as: str = ".npz", **more) -> Form:
    """A form of `generator.flax_vit`; what is handed back has `prefix`, as the code that reads such files wants it."""
    image = more["image"]
    shapes = jax.eval_shape(model.init, jax.random.key(0), np.zeros((1, image, image, 3), np.float32))["params"]

    def save(values: Parameters, folder: Path) -> Path:
        whole = {prefix + name: value for name, value in values.items()}
        path = folder / f"source{save_as}"
        if save_as == ".msgpack":
            path.write_bytes(serialization.to_bytes(nested(whole)))
        else:
            np.savez(path, **whole)
        return path

    def load(path: Path) -> Parameters:
        with np.load(path) as arrays:
            stray = [name for name in arrays.files if not name.startswith(prefix)]
            if stray:
                raise RuntimeError(f"names outside {prefix}: {stray[:5]}")
            return restored(shapes, {name.removeprefix(prefix): arrays[name] for name in arrays.files})

    def logits(values: Parameters, x: np.ndarray) -> np.ndarray:
        return np.asarray(model.apply({"params": nested(values)}, x.transpose(0, 2, 3, 1)))

    return Form(name, scheme, output, load, save, lambda values: values, logits,
                **{"make": lambda: noisy(shapes, 0), **more})


def all_forms(tiny: bool) -> list[Form]:
    size = forms.sizes(tiny)
    image = dict(image=size["image"])

    def vit(style: str, **extra) -> ViT:
        parts = {key: size[key] for key in ("patch", "width", "depth", "heads", "hidden", "classes")}
        return ViT(style=style, **{**parts, **extra})

    width, params = size["width"], "params/"
    rows = [
        google("flax, released", "jax", "back.npz", vit("released"), origin="tanh", **image),
        google("flax, released, with pre-logits, in21k", "jax", "back.npz",
               vit("released", representation=width, classes=21843), **image),
        google("flax, released, deflated", "jax", "back.npz", vit("released"), converting=("--compress",), **image),
        google("flax, released, from msgpack", "jax", "back.npz", vit("released"), save_as=".msgpack", **image),
        google("flax.linen", "flax-linen", "back.npz", vit("linen"), origin="tanh", **image),
        google("flax.linen with pre-logits", "flax-linen", "back.npz", vit("linen", representation=width), **image),
        google("big_vision, class token", "big-vision", "back.npz", vit("big_vision"), params, origin="patches",
               **image),
        google("big_vision, average", "big-vision", "back.npz", vit("big_vision", pool="gap"), params, **image),
        google("big_vision, MAP head", "big-vision", "back.npz", vit("big_vision", pool="map"), params, **image),
        google("big_vision, MAP head without classes", "big-vision", "back.npz",
               vit("big_vision", pool="map", classes=0), params, make=None, origin="siglip", **image),
        google("big_vision, scanned", "big-vision-scanned", "back.npz", vit("big_vision", scan=True), params,
               origin="patches", **image),
        google("big_vision, scanned, MAP head", "big-vision-scanned", "back.npz",
               vit("big_vision", scan=True, pool="map"), params, **image),
    ]
    return rows + hugging_face(size)


def hugging_face(size: dict[str, int]) -> list[Form]:
    """Flax models of transformers: read from `flax_model.msgpack`, handed back as the folder that both readers take."""
    try:
        from transformers import FlaxViTForImageClassification, FlaxViTModel, ViTConfig
    except ImportError:
        return []
    configuration = ViTConfig(
        hidden_size=size["width"], num_hidden_layers=size["depth"], num_attention_heads=size["heads"],
        intermediate_size=size["hidden"], image_size=size["image"], patch_size=size["patch"], num_labels=10)

    def form(kind, name: str, result: Callable[[Any], Any], **more) -> Form:
        def fill(model, seed: int = 0):
            shapes = jax.eval_shape(lambda: model.params)
            model.params = nested(noisy(shapes, seed))
            return model

        def save(model, folder: Path) -> Path:
            model.save_pretrained(folder / "source")
            if not (folder / "source" / "flax_model.msgpack").exists():
                raise RuntimeError("save_pretrained wrote no flax_model.msgpack")
            return folder / "source"

        return Form(f"transformers {name}", "huggingface", "back/", kind.from_pretrained, save,
                    lambda model: flat(model.params),
                    lambda model, x: np.asarray(result(model(x, train=False))),
                    **{"make": lambda: fill(kind(configuration)), "image": size["image"], **more})

    return [
        form(FlaxViTForImageClassification, "FlaxViTForImageClassification", lambda output: output.logits,
             origin="exact"),
        form(FlaxViTModel, "FlaxViTModel with pooler", lambda output: output.pooler_output),
    ]
