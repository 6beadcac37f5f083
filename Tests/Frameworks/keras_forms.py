"""vit-keras and keras-hub under Keras 3; vit-keras 0.1.2 under Keras 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import forms  # noqa: F401  first: it tells where the generator is
import keras
import numpy as np
from generator.scheme_index import noise
from vit_keras import vit

from forms import Form

IS_KERAS_3 = int(keras.__version__.partition(".")[0]) >= 3
if IS_KERAS_3:
    import h5py
    import jax
    from keras.src.legacy.saving import legacy_h5_format
    jax.config.update("jax_default_matmul_precision", "highest")


def names(model: keras.Model) -> list[str]:
    """The parameters' names, each with its number: Keras asks for no name to be the only one of its kind."""
    return [f"{index} {variable.path if IS_KERAS_3 else variable.name}"
            for index, variable in enumerate(model.trainable_variables)]


def fill(model: keras.Model, seed: int = 0) -> keras.Model:
    random = np.random.default_rng(seed)
    for name, variable in zip(names(model), model.trainable_variables):
        if "position_embedding" in name or "class_token" in name:
            name = "positions"
        variable.assign(noise(name, tuple(variable.shape), random))
    return model


def parameters(model: keras.Model) -> dict[str, np.ndarray]:
    return dict(zip(names(model), map(np.asarray, model.trainable_variables)))


def save_as(name: str) -> Callable[[keras.Model, Path], Path]:
    """As Keras's users do: the ending tells the layout, but that Keras 3 has no public way to the legacy one."""
    def save(model: keras.Model, folder: Path) -> Path:
        path = folder / name
        if name.endswith(".model.h5"):
            model.save(path, include_optimizer=False)
        elif name.endswith(".weights.h5") or not IS_KERAS_3:
            model.save_weights(path)
        else:
            with h5py.File(path, "w") as file:
                legacy_h5_format.save_weights_to_hdf5_group(file, model)
        return path
    return save


def form(name: str, scheme: str, output: str, build: Callable[[], keras.Model], source: str,
         result: Callable[[Any], Any] = lambda output: output, **more) -> Form:
    def load(path: Path) -> keras.Model:
        model = fill(build(), seed=9)
        model.load_weights(path)
        return model

    def logits(model: keras.Model, x: np.ndarray) -> np.ndarray:
        return np.asarray(result(model(x.transpose(0, 2, 3, 1), training=False)))

    def make() -> keras.Model:
        keras.backend.clear_session()  # layers are numbered afresh
        return fill(build())

    return Form(name, scheme, output, load, save_as(source), parameters, logits, **{"make": make, **more})


def all_forms(tiny: bool) -> list[Form]:
    size = forms.sizes(tiny)
    image = dict(image=size["image"])

    def vit_keras(**extra) -> Callable[[], keras.Model]:
        arguments = dict(image_size=size["image"], patch_size=size["patch"], num_layers=size["depth"],
                         hidden_size=size["width"], num_heads=size["heads"], name="vit", mlp_dim=size["hidden"],
                         classes=size["classes"])
        return lambda: vit.build_model(**{**arguments, **extra})

    pre_logits = vit_keras(representation_size=size["width"])
    if not IS_KERAS_3:
        return [
            form("vit-keras 0.1", "vit-keras-2", "back.h5", vit_keras(), "source.h5", origin="exact", **image),
            form("vit-keras 0.1 with pre-logits", "vit-keras-2", "back.h5", pre_logits, "source.h5", **image),
            form("vit-keras 0.1, whole model", "vit-keras-2", "back.h5", vit_keras(), "source.model.h5", **image),
            form("vit-keras 0.1, from .weights.h5", "vit-keras-2", "back.h5", vit_keras(), "source.weights.h5",
                 **image),
        ]
    legacy, weights = ("vit-keras", "back.h5"), ("vit-keras-3", "back.weights.h5")
    return [
        form("vit-keras 0.2, legacy", *legacy, vit_keras(), "source.h5", origin="exact", **image),
        form("vit-keras 0.2, legacy, with pre-logits", *legacy, pre_logits, "source.h5", **image),
        form("vit-keras 0.2, whole model", *legacy, vit_keras(), "source.model.h5", **image),
        form("vit-keras 0.2", *weights, vit_keras(), "source.weights.h5", origin="exact", **image),
        form("vit-keras 0.2 with pre-logits", *weights, pre_logits, "source.weights.h5", **image),
        form("vit-keras 0.2 without a head", *weights, vit_keras(include_top=False), "source.weights.h5", **image),
    ] + keras_hub(size)


def keras_hub(size: dict[str, int]) -> list[Form]:
    import keras_hub as hub

    more, files = dict(image=size["image"]), ("keras-hub", "back.weights.h5")

    def backbone(**extra) -> keras.Model:
        return hub.models.ViTBackbone(
            image_shape=(size["image"], size["image"], 3), patch_size=size["patch"], num_layers=size["depth"],
            num_heads=size["heads"], hidden_dim=size["width"], mlp_dim=size["hidden"], **extra)

    def classifier(backbone_arguments: dict | None = None, **extra) -> Callable[[], keras.Model]:
        return lambda: hub.models.ViTImageClassifier(
            backbone(**(backbone_arguments or {})), num_classes=size["classes"], **extra)

    return [
        form("keras-hub ViTImageClassifier", *files, classifier(), "source.weights.h5", origin="exact", **more),
        form("keras-hub ViTImageClassifier with pre-logits", *files, classifier(intermediate_dim=size["width"]),
             "source.weights.h5", **more),
        form("keras-hub ViTImageClassifier, average", *files,
             classifier(dict(use_class_token=False), pooling="gap"), "source.weights.h5", **more),
        form("keras-hub ViTBackbone", *files, backbone, "source.weights.h5", lambda output: output[:, 0], **more),
    ]
