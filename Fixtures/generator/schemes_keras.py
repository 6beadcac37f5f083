"""Checkpoints of vit-keras under Keras 3 and of keras-hub, each with the model's own logits.

Runs where `requirements-keras.txt` is installed. Keras computes by JAX on the processor, in float32.
"""

from __future__ import annotations

import os

os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")

import h5py
import jax
import keras
import keras_hub
import numpy as np
from keras.src.legacy.saving import legacy_h5_format
from pathlib import Path
from vit_keras import vit

from .scheme_index import Index, images, no_local_paths, noise, write_reference

VIT_KERAS = dict(image_size=32, patch_size=8, num_layers=2, hidden_size=24, num_heads=3, name="vit", mlp_dim=48,
                 classes=10)
KERAS_HUB = dict(image_shape=(32, 32, 3), patch_size=8, num_layers=2, num_heads=3, hidden_dim=24, mlp_dim=48)
HEADS = ["heads"]  # the shapes of vit-keras do not tell them

# name → (scheme, ending, arguments, facts)
VIT_KERAS_FORMS: dict[str, tuple[str, str, dict, dict]] = {
    "vit_keras": ("vit-keras", ".h5", {}, {}),
    "vit_keras_pre_logits": ("vit-keras", ".h5", dict(representation_size=40), dict(preLogits=40)),
    "vit_keras_features": ("vit-keras", ".h5", dict(include_top=False), dict(classes=0)),
    "vit_keras_model": ("vit-keras", ".model.h5", dict(representation_size=24), dict(preLogits=24)),
    "vit_keras_3": ("vit-keras-3", ".weights.h5", {}, {}),
    "vit_keras_3_pre_logits": ("vit-keras-3", ".weights.h5", dict(representation_size=24), dict(preLogits=24)),
    "vit_keras_3_features": ("vit-keras-3", ".weights.h5", dict(include_top=False), dict(classes=0)),
}
NO_TOKEN = dict(classToken=False, pool="avg")
# name → (arguments of the backbone, of the classifier, facts)
KERAS_HUB_FORMS: dict[str, tuple[dict, dict | None, dict]] = {
    "keras_hub": ({}, {}, {}),
    "keras_hub_pre_logits": ({}, dict(intermediate_dim=24), dict(preLogits=24)),
    "keras_hub_gap": (dict(use_class_token=False), dict(pooling="gap"), NO_TOKEN),
    "keras_hub_no_patch_bias": (dict(use_patch_bias=False), {}, dict(patchBias=False)),
    "keras_hub_backbone": ({}, None, dict(classes=0)),
}


def fill(model: keras.Model, seed: int) -> None:
    random = np.random.default_rng(seed)
    for variable in model.weights:
        name = variable.path
        if "position_embedding" in name or "class_token" in name or variable.ndim == 0:
            name = "positions"
        variable.assign(noise(name, tuple(variable.shape), random))


def save(model: keras.Model, path: Path) -> None:
    if path.name.endswith(".model.h5"):
        no_local_paths(model)
        model.save(path, include_optimizer=False)
    elif path.name.endswith(".weights.h5"):
        model.save_weights(path)
    else:
        with h5py.File(path, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, model)


def run(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    return np.asarray(model(inputs.transpose(0, 2, 3, 1), training=False))


def generate(out: Path) -> None:
    jax.config.update("jax_default_matmul_precision", "highest")
    index = Index(out / "schemes" / "keras")
    for number, (name, (scheme, ending, arguments, facts)) in enumerate(VIT_KERAS_FORMS.items()):
        keras.utils.clear_session()
        model = vit.build_model(**{**VIT_KERAS, **arguments})
        fill(model, 500 + number)
        inputs = images(5000 + number)
        write_reference(index.folder / f"{name}.reference.npz", inputs, run(model, inputs))
        save(model, index.folder / f"{name}{ending}")
        index.enter(name, f"{name}{ending}", scheme, given=HEADS, **facts)

    for number, (name, (backbone_arguments, arguments, facts)) in enumerate(KERAS_HUB_FORMS.items()):
        keras.utils.clear_session()
        model = backbone = keras_hub.models.ViTBackbone(**KERAS_HUB, **backbone_arguments)
        if arguments is not None:
            model = keras_hub.models.ViTImageClassifier(backbone, num_classes=10, **arguments)
        fill(model, 600 + number)
        inputs = images(6000 + number)
        logits = run(model, inputs)
        write_reference(index.folder / f"{name}.reference.npz", inputs, logits[:, 0] if arguments is None else logits)
        save(model, index.folder / f"{name}.weights.h5")
        index.enter(name, f"{name}.weights.h5", "keras-hub", **facts)
    index.write()
