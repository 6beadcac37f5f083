"""Whole pickled modules, and checkpoints full of classes that a reader does not know."""

from __future__ import annotations

import functools
import random
import sys
import types
from collections import OrderedDict
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from . import foreign_classes as classes
from .common import InertPickle, Listing, golden_torch, save_legacy, save_zip, tensor_row, write_golden

# class or function → the module it pretends to be of
PLACES = {
    "project.models": (classes.Attention, classes.Encoder, classes.TiedModel, classes.Shadow),
    "project.data": (classes.normalise, classes.Config, classes.Mode, classes.Flags, classes.Reducing,
                     classes.Slotted, classes.SlottedWithDict, classes.StateIsList, classes.WithKeywords,
                     classes.Registered, classes.rebuild_registered, classes.History, classes.Registry),
    "pytorch_lightning.callbacks.ema": (classes.MovingAverage,),
    "omegaconf.dictconfig": (classes.DictConfig,),
    "omegaconf.nodes": (classes.AnyNode,),
}


@contextmanager
def installed():
    """Makes the pretended modules importable for as long as pickling takes."""
    added = []
    for place, things in PLACES.items():
        parts = place.split(".")
        for length in range(1, len(parts) + 1):
            name = ".".join(parts[:length])
            if name not in sys.modules:
                sys.modules[name] = types.ModuleType(name)
                added.append(name)
        for thing in things:
            thing.__module__ = place
            setattr(sys.modules[place], thing.__name__, thing)
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]


def generate(out: Path) -> None:
    folder = out / "torch"
    folder.mkdir(parents=True, exist_ok=True)
    with installed():
        modules(folder)
        foreign(folder)


def modules(folder: Path) -> None:
    torch.manual_seed(14)
    torch.utils.hooks.RemovableHandle.next_id = 0  # the numbers of hooks are pickled with the module
    model = classes.TiedModel()
    model.train()
    model.stem(torch.randn(2, 3, 2, 2))  # one batch, so that BatchNorm has counted
    rows = [tensor_row(name, tensor) for name, tensor in model.state_dict().items()]

    for name, container, save in (("module", "torch-zip", save_zip), ("module_legacy", "torch-legacy", save_legacy)):
        path = folder / f"{name}.pth"
        save(model, path)
        listed = inert_rows(path)
        assert listed == rows, "the inert walk and state_dict() disagree"
        write_golden(path, container, rows)

    # As many projects do: the module itself beside other things.
    value = {"model": model, "epoch": 2, "best": {"model": torch.nn.Linear(2, 2)}}
    for name, container, save in (("module_in_dict", "torch-zip", save_zip),
                                  ("module_in_dict_legacy", "torch-legacy", save_legacy)):
        save(value, folder / f"{name}.pth")
        golden_torch(folder / f"{name}.pth", container)
    save_zip(model, folder / "module_p4.pth", 4)
    write_golden(folder / "module_p4.pth", "torch-zip", rows)


def inert_rows(path: Path) -> list[dict]:
    return Listing(torch.load(path, pickle_module=InertPickle, weights_only=False)).rows


def foreign(folder: Path) -> None:
    torch.manual_seed(15)
    average = classes.MovingAverage()
    generator = torch.Generator().manual_seed(3)
    random.seed(4)
    value = {
        "pytorch-lightning_version": "2.2.0", "epoch": 9, "global_step": 1000,
        "state_dict": OrderedDict(weight=torch.arange(4.0), bias=torch.zeros(1)),
        "callbacks": {"ModelCheckpoint{'monitor': 'val_loss'}": {"best_model_score": torch.tensor(0.25)},
                      "EMA": average},
        "hyper_parameters": {"ema": average, "config": classes.Config(), "mode": classes.Mode.TEST,
                             "flags": classes.Flags.A | classes.Flags.B,
                             "cfg": classes.DictConfig(model=classes.DictConfig(width=24, mean=torch.tensor([0.5])),
                                                       lr=0.1)},
        "loops": {"slotted": classes.Slotted(), "both": classes.SlottedWithDict(),
                  "reduced": classes.Reducing(torch.tensor([1.0, 2.0]), "r"), "listed": classes.StateIsList(),
                  "keywords": classes.WithKeywords(3, weight=torch.full((3,), 0.25)),
                  "registered": classes.Registered(torch.tensor([4.0])),
                  "history": classes.History(torch.tensor([1]), "x", torch.tensor([2])),
                  "registry": classes.Registry(alpha=torch.tensor([0.1]), beta=[torch.tensor([0.2])])},
        "partial": functools.partial(classes.normalise, torch.tensor([3.0]), scale=2.0, shift=torch.tensor([0.5])),
        "function": classes.normalise, "class": classes.Config,
        "numpy_generator": np.random.RandomState(5), "torch_generator_state": generator.get_state()[:32].clone(),
        "bound": random.Random(6).getstate()[0],
    }
    for protocol in (2, 4):
        save_zip(value, folder / f"foreign_p{protocol}.pth", protocol)
        golden_torch(folder / f"foreign_p{protocol}.pth", "torch-zip")
    save_legacy(value, folder / "foreign_legacy.pth")
    golden_torch(folder / "foreign_legacy.pth", "torch-legacy")
