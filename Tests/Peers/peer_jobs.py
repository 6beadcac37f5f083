"""What the peers do in a process of their own: `python peer_jobs.py JOB ARGUMENT…`.

A job imports what it needs first, and prints how long it worked after that. Each is written as the library's
documentation has it.
"""

from __future__ import annotations

import json
import re
import sys
import time

started = 0.0


def imported() -> None:
    """From here on a job works."""
    global started
    started = time.perf_counter()


def import_timm():
    """timm imports torchvision, whose operators do not load where it was built for another torch. No Vision
    Transformer uses them: those that it insists on are declared, and no more."""
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for loaded in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[loaded]
        import_timm.operators = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            import_timm.operators.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import timm
    return timm


def torch_convert(source: str, target: str) -> None:
    import torch
    from safetensors.torch import save_file
    imported()
    save_file(torch.load(source, map_location="cpu", weights_only=True), target)


def numpy_convert(source: str, target: str) -> None:
    """A JAX checkpoint under timm's names, as timm's own loader lays it out."""
    import numpy as np
    from safetensors.numpy import save_file
    imported()
    with np.load(source) as arrays:
        save_file(to_timm(lambda name: arrays[name], arrays.files), target)


def h5py_convert(source: str, target: str) -> None:
    """vit-keras's legacy .h5 under timm's names."""
    import h5py
    from safetensors.numpy import save_file
    imported()
    with h5py.File(source) as file:
        datasets = {}
        file.visititems(lambda name, item: datasets.update({jax_name(name): item})
                        if isinstance(item, h5py.Dataset) else None)
        save_file(to_timm(lambda name: datasets[name][()], list(datasets)), target)


def jax_name(keras: str) -> str:
    """vit-keras keeps JAX's names, with the layer's in front, underscores for slashes, and Keras's own for norms."""
    name = re.sub(r"Transformer_encoderblock_\d+_Dense_", "Dense_", keras.partition("/")[2])
    name = name.replace("Transformer_", "Transformer/").replace("class_token/", "")
    return name.replace("gamma", "scale").replace("beta", "bias")


def to_timm(read, names: list[str]) -> dict:
    import numpy as np

    def linear(name: str, shape=None) -> dict:
        kernel, bias = read(f"{name}/kernel"), read(f"{name}/bias")
        width = bias.size if shape is None else shape
        return {"weight": np.ascontiguousarray(kernel.reshape(-1, width).T), "bias": bias.reshape(-1)}

    def norm(name: str) -> dict:
        return {"weight": read(f"{name}/scale"), "bias": read(f"{name}/bias")}

    kernel = read("embedding/kernel")
    modules = {
        "patch_embed.proj": {"weight": np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)),
                             "bias": read("embedding/bias")},
        "norm": norm("Transformer/encoder_norm"), "head": linear("head"),
    }
    if "pre_logits/kernel" in names:
        modules["pre_logits.fc"] = linear("pre_logits")
    depth = sum(name.endswith("LayerNorm_0/scale") for name in names)
    for index in range(depth):
        block, ours = f"Transformer/encoderblock_{index}", f"blocks.{index}"
        attention = f"{block}/MultiHeadDotProductAttention_1"
        qkv = [linear(f"{attention}/{part}") for part in ("query", "key", "value")]
        modules |= {
            f"{ours}.norm1": norm(f"{block}/LayerNorm_0"), f"{ours}.norm2": norm(f"{block}/LayerNorm_2"),
            f"{ours}.attn.qkv": {part: np.concatenate([each[part] for each in qkv]) for part in ("weight", "bias")},
            f"{ours}.attn.proj": linear(f"{attention}/out"),
            f"{ours}.mlp.fc1": linear(f"{block}/MlpBlock_3/Dense_0"),
            f"{ours}.mlp.fc2": linear(f"{block}/MlpBlock_3/Dense_1"),
        }
    tensors = {f"{module}.{part}": value for module, parts in modules.items() for part, value in parts.items()}
    tensors["cls_token"] = read("cls")
    tensors["pos_embed"] = read("Transformer/posembed_input/pos_embedding")
    return tensors


def numpy_read(source: str) -> None:
    import numpy as np
    imported()
    with np.load(source) as arrays:
        for name in arrays.files:
            arrays[name]


def torch_list(source: str) -> None:
    import torch
    imported()
    for name, tensor in torch.load(source, map_location="cpu", weights_only=True).items():
        print(name, tensor.dtype, tuple(tensor.shape))


def torch_list_mapped(source: str) -> None:
    import torch
    imported()
    for name, tensor in torch.load(source, map_location="cpu", weights_only=True, mmap=True).items():
        print(name, tensor.dtype, tuple(tensor.shape))


def tinygrad_list(source: str) -> None:
    from tinygrad.nn.state import torch_load
    imported()
    for name, tensor in torch_load(source).items():
        print(name, tensor.dtype, tensor.shape)


def numpy_list(source: str) -> None:
    """Names only: for shapes numpy would read the arrays."""
    import numpy as np
    imported()
    with np.load(source) as arrays:
        print("\n".join(arrays.files))


def safetensors_list(source: str) -> None:
    from safetensors import safe_open
    imported()
    with safe_open(source, framework="numpy") as file:
        for name in file.keys():
            tensor = file.get_slice(name)
            print(name, tensor.get_dtype(), tensor.get_shape())


def h5py_list(source: str) -> None:
    import h5py
    imported()
    with h5py.File(source) as file:
        file.visititems(lambda name, item: print(name, item.dtype, item.shape)
                        if isinstance(item, h5py.Dataset) else None)


def timm_open(name: str, source: str) -> None:
    timm = import_timm()
    from safetensors.torch import load_file
    imported()
    model = timm.create_model(name, pretrained=False)
    model.load_state_dict(load_file(source))


def timm_open_empty(name: str, source: str) -> None:
    """As those do it who know that initialisation takes most of the time: a model without storage takes the file's
    tensors as its own."""
    timm = import_timm()
    import torch
    from safetensors.torch import load_file
    imported()
    with torch.device("meta"):
        model = timm.create_model(name, pretrained=False)
    model.load_state_dict(load_file(source), assign=True)


def main() -> None:
    imported()
    globals()[sys.argv[1].replace("-", "_")](*sys.argv[2:])
    print(json.dumps({"work": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
