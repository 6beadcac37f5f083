"""Checkpoints as JAX code writes them, each with the logits that flax computes in float32.

Runs where `requirements-jax.txt` is installed. What timm's own reader of `.npz` makes of the files is compared with
flax's logits on the way, and written beside them as timm's checkpoints.
"""

from __future__ import annotations

import os

os.environ["JAX_PLATFORMS"] = "cpu"

import make_reference  # first: it sees to it that timm can be imported

import jax
import ml_dtypes
import numpy as np
import torch
from flax import serialization
from flax.traverse_util import flatten_dict, unflatten_dict
from pathlib import Path
from timm.layers import GELUTanh
from timm.models.vision_transformer import VisionTransformer

from .common import save_zip
from .flax_vit import ViT
from .scheme_index import Index, images, noise, write_reference

TANH = dict(gelu="tanh")
PATCHES_ONLY = dict(TANH, positions="patches")
NO_TOKEN = dict(TANH, classToken=False, pool="avg")
MAP = dict(TANH, classToken=False, pool="map")

# name → (scheme, arguments of the model, how it is saved, prefix, facts)
FORMS: dict[str, tuple[str, dict, str, str, dict]] = {
    "jax_plain": ("jax", {}, "npz", "", TANH),
    "jax_pre_logits": ("jax", dict(representation=24, classes=21), "npz", "", dict(TANH, classes=21, preLogits=24)),
    "jax_deflated": ("jax", dict(representation=40), "deflated", "", dict(TANH, preLogits=40)),
    "jax_features": ("jax", dict(classes=0), "npz", "", dict(TANH, classes=0)),
    "jax_optimizer": ("jax", {}, "optimizer", "opt/target/", TANH),
    "jax_msgpack": ("jax", {}, "msgpack", "", TANH),
    "flax_linen": ("flax-linen", dict(style="linen"), "npz", "", TANH),
    "flax_linen_pre_logits": ("flax-linen", dict(style="linen", representation=40), "deflated", "params/",
                              dict(TANH, preLogits=40)),
    "flax_linen_msgpack": ("flax-linen", dict(style="linen"), "msgpack", "params/", TANH),
    "big_vision_token": ("big-vision", dict(style="big_vision"), "npz", "params/", PATCHES_ONLY),
    "big_vision_gap": ("big-vision", dict(style="big_vision", pool="gap"), "npz", "", NO_TOKEN),
    "big_vision_rep": ("big-vision", dict(style="big_vision", pool="gap", representation=24), "npz", "opt/target/",
                       dict(NO_TOKEN, preLogits=24)),
    "big_vision_map": ("big-vision", dict(style="big_vision", pool="map"), "npz", "params/", MAP),
    "big_vision_bfloat16": ("big-vision", dict(style="big_vision"), "bfloat16", "params/", PATCHES_ONLY),
    "siglip": ("big-vision", dict(style="big_vision", pool="map", classes=0), "siglip", "params/img/",
               dict(MAP, classes=0)),
    "big_vision_msgpack": ("big-vision", dict(style="big_vision", pool="map"), "msgpack", "", MAP),
    "big_vision_scanned_token": ("big-vision-scanned", dict(style="big_vision", scan=True, depth=3), "npz", "params/",
                                 dict(PATCHES_ONLY, depth=3)),
    "big_vision_scanned_gap": ("big-vision-scanned", dict(style="big_vision", scan=True, pool="gap",
                                                          representation=40), "deflated", "",
                               dict(NO_TOKEN, preLogits=40)),
    "siglip_scanned": ("big-vision-scanned", dict(style="big_vision", scan=True, pool="map", classes=0), "siglip",
                       "params/img/", dict(MAP, classes=0)),
}
READ_BY_TIMM = ("jax_plain", "jax_features", "jax_optimizer", "big_vision_gap", "big_vision_token", "big_vision_map",
                "siglip", "big_vision_scanned_token", "siglip_scanned")


def parameters(model: ViT, seed: int, half: bool = False) -> dict[str, np.ndarray]:
    """Noise for every parameter, by path, in the order in which flax lists them."""
    shapes = jax.eval_shape(model.init, jax.random.key(0), np.zeros((1, 32, 32, 3), np.float32))["params"]
    random = np.random.default_rng(seed)
    values = {name: noise(name, leaf.shape, random) for name, leaf in flatten_dict(shapes, sep="/").items()}
    if half:  # the values that the half type holds, widened again
        values = {name: value.astype(ml_dtypes.bfloat16).astype(np.float32) for name, value in values.items()}
    return values


def nested(values: dict[str, np.ndarray]) -> dict:
    return unflatten_dict({tuple(name.split("/")): value for name, value in values.items()})


def text_tower(random: np.random.Generator) -> dict[str, np.ndarray]:
    """What stands beside the image tower in SigLIP's files: no part of a Vision Transformer."""
    shapes = {"txt/Embed_0/embedding": (32, 24), "txt/pos_embedding": (1, 8, 24), "txt/head/kernel": (24, 24),
              "txt/Encoder_0/encoderblock_0/LayerNorm_0/scale": (24,), "txt/Encoder_0/encoder_norm/scale": (24,),
              "t": (1,), "b": (1,)}
    return {f"params/{name}": noise(name, shape, random) for name, shape in shapes.items()}


def save(folder: Path, name: str, how: str, prefix: str, values: dict[str, np.ndarray]) -> str:
    random = np.random.default_rng(7)
    if how == "msgpack":
        whole = nested({prefix + key: value for key, value in values.items()})
        (folder / f"{name}.msgpack").write_bytes(serialization.to_bytes(whole))
        return f"{name}.msgpack"
    flat = {prefix + key: value for key, value in values.items()}
    if how == "siglip":
        flat |= text_tower(random)
    if how == "optimizer":  # flax's former optimizers kept their state beside the target
        flat |= {f"opt/state/param_states/{key}/momentum": noise("", value.shape, random)
                 for key, value in values.items() if key.startswith(("embedding", "Transformer/encoderblock_0"))}
        flat["opt/state/step"] = np.asarray(10_000, np.int32)
    if how == "bfloat16":
        flat = {key: value.astype(ml_dtypes.bfloat16) for key, value in flat.items()}
    (np.savez_compressed if how in ("deflated", "siglip", "optimizer") else np.savez)(folder / f"{name}.npz", **flat)
    return f"{name}.npz"


def write_for_timm(folder: Path, name: str, arguments: dict, logits: np.ndarray, inputs: np.ndarray) -> None:
    """The model that timm's reader makes of the file: it must agree with flax; its own checkpoint of the plain one."""
    pool = {"tok": "token", "gap": "avg", "map": "map"}[arguments.get("pool", "tok")]
    model = VisionTransformer(
        img_size=32, patch_size=8, embed_dim=24, depth=arguments.get("depth", 2), num_heads=3, mlp_ratio=2,
        num_classes=arguments.get("classes", 10), global_pool=pool, class_token=pool == "token", fc_norm=False,
        no_embed_class=arguments.get("style") == "big_vision", act_layer=GELUTanh).eval()
    make_reference.fill_with_noise(model, 1)  # a parameter that the reader leaves out would show
    model.load_pretrained(str(folder / f"{name}.npz"))
    with torch.no_grad():
        error = np.abs(model(torch.from_numpy(inputs)).numpy() - logits).max() / np.abs(logits).max()
    if not error < 1e-5:
        raise AssertionError(f"{name}: timm and flax differ by {error} of the logits' scale")
    if name in ("jax_plain", "big_vision_map"):
        save_zip(model.state_dict(), folder / f"{name}.timm.pth")


def generate(out: Path) -> None:
    jax.config.update("jax_default_matmul_precision", "highest")
    index = Index(out / "schemes" / "jax")
    for number, (name, (scheme, arguments, how, prefix, facts)) in enumerate(FORMS.items()):
        model = ViT(**arguments)
        values = parameters(model, 300 + number, half=how == "bfloat16")
        inputs = images(3000 + number)
        logits = np.asarray(model.apply({"params": nested(values)}, inputs.transpose(0, 2, 3, 1)))
        write_reference(index.folder / f"{name}.reference.npz", inputs, logits)
        file = save(index.folder, name, how, prefix, values)
        index.enter(name, file, scheme, **facts)
        if name in READ_BY_TIMM:
            write_for_timm(index.folder, name, arguments, logits, inputs)
        if name in ("jax_plain", "big_vision_map"):  # the same parameters once more, as timm's names have them
            index.enter(f"{name}.timm", f"{name}.timm.pth", "timm", f"{name}.reference.npz", ["heads", "gelu"],
                        {"sameAs": name}, **facts)
    hugging_face(index)
    index.write()


def hugging_face(index: Index) -> None:
    """transformers' Flax models; the class token's row through `pooler` is the model's feature."""
    from transformers import FlaxViTForImageClassification, FlaxViTModel, ViTConfig

    facts = dict(layerNormEpsilon=1e-12)
    for number, name in enumerate(("huggingface_flax", "huggingface_flax_pooler", "huggingface_flax_bare")):
        config = ViTConfig(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48,
                           image_size=32, patch_size=8, num_labels=10)
        if name == "huggingface_flax":
            model = FlaxViTForImageClassification(config)
        else:
            model = FlaxViTModel(config, add_pooling_layer=name.endswith("pooler"))
        random = np.random.default_rng(400 + number)
        values = {key: noise(key, leaf.shape, random) for key, leaf in flatten_dict(model.params, sep="/").items()}
        inputs = images(4000 + number)
        output = model(inputs, params=nested(values), train=False)
        if name == "huggingface_flax":
            logits, extra = output.logits, {}
        elif name.endswith("pooler"):
            logits, extra = output.pooler_output, dict(classes=0, preLogits=24)
        else:
            logits, extra = output.last_hidden_state[:, 0], dict(classes=0)
        write_reference(index.folder / f"{name}.reference.npz", inputs, np.asarray(logits))
        # What save_pretrained calls flax_model.msgpack.
        (index.folder / f"{name}.msgpack").write_bytes(serialization.to_bytes(nested(values)))
        index.enter(name, f"{name}.msgpack", "huggingface-flax", given=["heads"], **facts, **extra)
