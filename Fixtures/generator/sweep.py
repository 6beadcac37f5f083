"""The smallest file of each container that holds all its records: tests change and cut them at every byte."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import torch

from .assembler import Call, Global, encode, pickled
from .attack_parts import (COMMAND, ONE, Member, Raw, archive, body, dictionary, legacy, npy, safetensors, tensor)
from .common import save_zip
from .torch_old import ORDERED_DICT

VALUES = np.array([[0.5, -1.5]], "<f4")


def generate(out: Path) -> None:
    folder = out / "sweep"
    folder.mkdir(parents=True, exist_ok=True)
    pickles(folder)
    hdf5(folder)
    for name, shape in (("0", [2]), ("1", [1, 2])):
        header = f'{{"{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[0,8]}}}}'.replace(" ", "")
        (folder / f"shard-{name}.safetensors").write_bytes(safetensors(header, VALUES.tobytes()))
    (folder / "shards.safetensors.index.json").write_text(
        '{"weight_map":{"0":"shard-0.safetensors","1":"shard-1.safetensors"}}')


def pickles(folder: Path) -> None:
    save_zip({"w": torch.tensor([0.5, -1.5])}, folder / "zip.pth")
    members = [Member("a/data.pkl", pickled({b"w": tensor(), b"run": Call(Global("os", "system"), COMMAND)}), method)
               for method in (0, 8)]
    order, values = Member("a/byteorder", b"big"), Member("a/data/1", ONE[1][8:])
    (folder / "zip_small.pth").write_bytes(archive(members[0], values))
    (folder / "zip_deflated.pth").write_bytes(archive(members[1], order, Member("a/data/1", values.data, 8)))
    (folder / "zip.npz").write_bytes(archive(Member("a.npy", npy(VALUES)), Member("b.npy", npy(VALUES.T), 8)))
    module = Raw(encode(Global("__torch__.m", "M")) + b")\x81" + body(dictionary(w=tensor())) + b"b")
    (folder / "script.pt").write_bytes(archive(
        Member("a/data.pkl", b"\x80\x02" + body(module) + b"."), values, Member("a/code/m.py"),
        Member("a/constants.pkl", pickled((tensor(),))), Member("a/constants/1", ONE[1][8:])))
    (folder / "legacy.pth").write_bytes(legacy(dictionary(
        w=tensor(), list=tensor(1, (1, 2), (2, 1)), state=Call(ORDERED_DICT, [[b"a", 1], [b"b", (2.5, None, True)]]),
        run=Call(Global("os", "system"), COMMAND, state={b"x": b"y"})), *ONE))


def hdf5(folder: Path) -> None:
    with h5py.File(folder / "old.h5", "w", libver="earliest") as file:
        file.create_group("g")["k"] = VALUES
        file["g"].attrs["weight_names"] = np.array([b"k"])
    with h5py.File(folder / "new.h5", "w", libver=("v110", "v110")) as file:
        file["k"] = VALUES
        file.create_dataset("packed", data=VALUES, chunks=(1, 2), compression="gzip", shuffle=True)
        file["soft"] = h5py.SoftLink("/k")
        file.attrs["layer_names"] = np.array([b"k"])
