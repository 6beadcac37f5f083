"""Checkpoints of vit-keras 0.1.2, the last for Keras 2, with the model's own logits.

Runs where `requirements-keras2.txt` is installed. The layers' names hold slashes there, and so do HDF5's paths.
"""

from __future__ import annotations

import os

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", TF_ENABLE_ONEDNN_OPTS="0")

import numpy as np
import tensorflow as tf
from pathlib import Path
from vit_keras import vit

from .scheme_index import Index, images, no_local_paths, noise, write_reference

ARGUMENTS = dict(image_size=32, patch_size=8, num_layers=2, hidden_size=24, num_heads=3, name="vit", mlp_dim=48,
                 classes=10)
# name → (scheme, ending, arguments, facts)
FORMS: dict[str, tuple[str, str, dict, dict]] = {
    "vit_keras_2": ("vit-keras-2", ".h5", {}, {}),
    "vit_keras_2_pre_logits": ("vit-keras-2", ".h5", dict(representation_size=24), dict(preLogits=24)),
    "vit_keras_2_features": ("vit-keras-2", ".h5", dict(include_top=False), dict(classes=0)),
    "vit_keras_2_model": ("vit-keras-2", ".model.h5", dict(representation_size=40), dict(preLogits=40)),
    # Keras 2.12 and later write the layout of Keras 3 under this ending.
    "vit_keras_2_weights": ("vit-keras-3", ".weights.h5", dict(representation_size=24), dict(preLogits=24)),
}


def generate(out: Path) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    index = Index(out / "schemes" / "keras2")
    for number, (name, (scheme, ending, arguments, facts)) in enumerate(FORMS.items()):
        tf.keras.backend.clear_session()
        model = vit.build_model(**{**ARGUMENTS, **arguments})
        random = np.random.default_rng(700 + number)
        for variable in model.weights:
            variable.assign(noise(variable.name, tuple(variable.shape), random))
        inputs = images(7000 + number)
        logits = model(inputs.transpose(0, 2, 3, 1), training=False).numpy()
        write_reference(index.folder / f"{name}.reference.npz", inputs, logits)
        path = index.folder / f"{name}{ending}"
        if ending == ".model.h5":
            no_local_paths(model)
            model.save(path, include_optimizer=False)
        else:
            model.save_weights(path)
        index.enter(name, path.name, scheme, given=["heads"], **facts)
    index.write()
