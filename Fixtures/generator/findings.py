"""Files with one thing wrong each, for what `inspect` finds; and where files can be cut, with what is lost then."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import make_reference  # first: it sees to it that timm can be imported

import h5py
import numpy as np
import safetensors.torch
import torch
from flax import serialization

from .common import save_legacy, save_zip

SIZE = dict(img_size=8, patch_size=4, embed_dim=8, depth=1, num_heads=2, num_classes=4, mlp_ratio=2)


def tensors() -> OrderedDict:
    generator = torch.Generator().manual_seed(11)
    return OrderedDict((f"layer.{index}.weight", torch.randn(8, 16 + index, generator=generator)) for index in range(4))


def model(**arguments) -> torch.nn.Module:
    made = make_reference.build({**SIZE, **arguments})
    make_reference.fill_with_noise(made, 12)
    return made


def generate(out: Path) -> None:
    folder = out / "findings"
    folder.mkdir(parents=True, exist_ok=True)
    cuts = cut(folder)

    zero_head = model().state_dict()
    zero_head["head.weight"] = torch.zeros_like(zero_head["head.weight"])
    zero_head["head.bias"] = torch.full_like(zero_head["head.bias"], -10)
    safetensors.torch.save_file(zero_head, folder / "zero_head.safetensors")
    # A kernel that stands the other way round, in a container without views.
    save_zip(zero_head, folder / "zero_head.pth")

    values = {"fine": torch.arange(1, 9).float()}
    values["not_a_number"] = torch.tensor([1.0, float("nan"), float("nan"), 2.0])
    values["infinite"] = torch.tensor([1.0, float("inf"), -float("inf"), 2.0, 3.0])
    values["constant"] = torch.full((3, 2), 0.25)
    values["counter"] = torch.zeros(1)
    values["half_near"] = torch.tensor([1.0, -60000.0]).half()
    values["half_far"] = torch.tensor([1.0, -20000.0]).half()
    values["brain_large"] = torch.tensor([1.0, 1e30]).bfloat16()
    safetensors.torch.save_file(values, folder / "values.safetensors")

    tied = torch.randn(4, 6, generator=torch.Generator().manual_seed(13))
    save_zip({"embedding.weight": tied, "rows": tied[:2], "head.weight": tied, "own": tied.clone()}, folder / "tied.pth")

    trained = model()
    optimizer = torch.optim.AdamW(trained.parameters(), lr=1e-3)
    trained(torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(14))).sum().backward()
    optimizer.step()
    save_zip({"model": trained.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 1},
             folder / "optimizer.pth")

    lines = ",\n  ".join(json.dumps(entry) for entry in cuts)
    (folder / "cuts.json").write_text('{"cuts": [\n  ' + lines + "\n]}\n")


def cut(folder: Path) -> list[dict]:
    """Whole files, and for some lengths at which to cut them the first tensor that is lost: where each tensor stands is
    where its bytes are found."""
    state = tensors()
    arrays = {name: tensor.numpy() for name, tensor in state.items()}
    save_zip(state, folder / "whole.pth")
    save_legacy(state, folder / "whole_legacy.pth")
    safetensors.torch.save_file(dict(state), folder / "whole.safetensors")
    np.savez(folder / "whole.npz", **arrays)
    np.save(folder / "whole.npy", arrays["layer.0.weight"])
    (folder / "whole.msgpack").write_bytes(serialization.msgpack_serialize(arrays))
    for name, version in (("whole_old", "earliest"), ("whole_new", "latest")):
        with h5py.File(folder / f"{name}.h5", "w", libver=version) as file:
            for key, array in arrays.items():
                file[key] = array
    entries = []
    for path in sorted(folder.glob("whole*")):
        data = path.read_bytes()
        exact = path.suffix not in (".pth", ".npz", ".msgpack") or "legacy" in path.name
        places = {name: data.find(array.tobytes()) for name, array in arrays.items()}
        if path.suffix == ".npy":
            places = {"tensor": places["layer.0.weight"]}
        sizes = {name: arrays.get(name, arrays["layer.0.weight"]).nbytes for name in places}
        assert all(place > 0 for place in places.values()), path
        for name, place in places.items():
            for length in (place + 1, place + sizes[name] - 1):
                lost = min((start, other) for other, start in places.items() if start + sizes[other] > length)[1]
                entries.append({"file": path.name, "length": length, "tensor": lost, "whole": len(data),
                                "exact": exact})
    return entries
