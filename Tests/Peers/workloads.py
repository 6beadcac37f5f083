"""The files that rows read: made once below the workspace, by the libraries that own the formats.

Each is made in a process of its own (`python workloads.py KIND SIZE TARGET`), so that what measures stays small.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Size:
    width: int
    depth: int
    heads: int
    hidden: int
    classes: int
    pre_logits: bool = False
    patch: int = 16
    image: int = 224


SIZES = {
    "in21k": Size(768, 12, 12, 3072, 21843, pre_logits=True),  # jx_vit_base_patch16_224_in21k, 412 MB
    "ViT-S": Size(384, 12, 6, 1536, 1000),
    "ViT-L": Size(1024, 24, 16, 4096, 1000),
    "ViT-H": Size(1280, 32, 16, 5120, 1000, patch=14),
    "8 GB": Size(1664, 52, 26, 8192, 1000, patch=14),  # as wide as ViT-bigG/14, with a few blocks more
    "small": Size(192, 2, 3, 768, 100, pre_logits=True),
    "small ViT-S": Size(192, 4, 3, 768, 100),
}


class Workspace:
    """Files by kind and size; those that are there already are taken as they are."""

    def __init__(self, folder: Path, binary: Path):
        self.folder, self.binary = folder.resolve(), binary

    def output(self, ending: str) -> Path:
        """Where a measured program writes."""
        return self.folder / f"output{ending}"

    def file(self, kind: str, size: str) -> Path:
        path = self.folder / f"{size.replace(' ', '-')}.{kind}"
        self.make(path, [sys.executable, __file__, kind, size])
        return path

    def swt(self, source: Path, sparse: bool = False) -> Path:
        """An .swt as vit-convert writes it; of a sparse file, sparse again."""
        path = source.with_name(source.name + ".swt")
        self.make(path, [str(self.binary), str(source)], dig=sparse)
        return path

    def exported(self, name: str, batch: int) -> Path:
        """A folder with a model of timm's for all engines (see `export`)."""
        path = self.folder / f"{name}.batch{batch}"
        self.make(path, [sys.executable, __file__, "export", name, str(batch)])
        return path

    def make(self, path: Path, command: list[str], dig: bool = False) -> None:
        if path.exists():
            return
        print(f"making {path.name}", file=sys.stderr, flush=True)
        unfinished = path.with_name("unfinished." + path.name)
        if unfinished.is_dir():
            shutil.rmtree(unfinished)
        unfinished.unlink(missing_ok=True)
        for step in [[*command, str(unfinished)], *([["fallocate", "--dig-holes", str(unfinished)]] if dig else [])]:
            done = subprocess.run(step, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{path.name} was not made: {done.stderr.strip()[-600:]}")
        unfinished.rename(path)


class SparseFile(io.FileIO):
    """A new file in which blocks of zeros become holes."""

    def __init__(self, path: str):
        super().__init__(path, "x")

    def write(self, data) -> int:
        import numpy as np
        block, length = 1 << 24, memoryview(data).nbytes
        values = np.frombuffer(data, np.uint8)
        for start in range(0, length, block):
            part = values[start:start + block]
            if part.size >= 4096 and not part.any():
                self.seek(part.size, io.SEEK_CUR)
                continue
            part = memoryview(part)
            while part:
                part = part[super().write(part):]
        return length

    def close(self) -> None:
        if not self.closed:
            self.truncate(max(self.tell(), self.seek(0, io.SEEK_END)))
        super().close()


def timm_state(size: Size, zeros: bool = False) -> dict:
    """The state dict of timm's model, with noise in it, or zeros that take no memory."""
    from peer_jobs import import_timm
    timm = import_timm()
    import numpy as np
    import torch
    with torch.device("meta"):
        model = timm.models.VisionTransformer(
            img_size=size.image, patch_size=size.patch, embed_dim=size.width, depth=size.depth, num_heads=size.heads,
            mlp_ratio=size.hidden / size.width, num_classes=size.classes)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if size.pre_logits:  # timm had it until 0.6
        shapes |= {"pre_logits.fc.weight": (size.width, size.width), "pre_logits.fc.bias": (size.width,)}
    if zeros:  # calloc's pages are not there until they are written
        return {name: torch.from_numpy(np.zeros(shape, np.float32)) for name, shape in shapes.items()}
    torch.manual_seed(0)
    return {name: torch.empty(shape).normal_(std=0.02) for name, shape in shapes.items()}


def jax_shapes(size: Size) -> dict[str, tuple[int, ...]]:
    """The arrays of Google's released checkpoints (vision_transformer, before flax.linen)."""
    width, each = size.width, size.width // size.heads

    def layer(name: str, *kernel: int, outputs: int = 1) -> dict[str, tuple[int, ...]]:
        return {f"{name}/kernel": kernel, f"{name}/bias": kernel[-outputs:]}

    def norm(name: str) -> dict[str, tuple[int, ...]]:
        return {f"{name}/scale": (width,), f"{name}/bias": (width,)}

    positions = 1 + (size.image // size.patch) ** 2
    shapes = {"cls": (1, 1, width), **layer("embedding", size.patch, size.patch, 3, width),
              "Transformer/posembed_input/pos_embedding": (1, positions, width)}
    for index in range(size.depth):
        block = f"Transformer/encoderblock_{index}"
        attention = f"{block}/MultiHeadDotProductAttention_1"
        for part in ("query", "key", "value"):
            shapes |= layer(f"{attention}/{part}", width, size.heads, each, outputs=2)
        shapes |= {**layer(f"{attention}/out", size.heads, each, width), **norm(f"{block}/LayerNorm_0"),
                   **norm(f"{block}/LayerNorm_2"), **layer(f"{block}/MlpBlock_3/Dense_0", width, size.hidden),
                   **layer(f"{block}/MlpBlock_3/Dense_1", size.hidden, width)}
    shapes |= norm("Transformer/encoder_norm")
    if size.pre_logits:
        shapes |= layer("pre_logits", width, width)
    return shapes | layer("head", width, size.classes)


def keras_place(jax: str) -> tuple[str, str]:
    """The layer of vit-keras that holds one of JAX's arrays, and the weight's name."""
    parts = jax.split("/")
    layer = "class_token" if jax == "cls" else parts[0] if parts[0] != "Transformer" else "_".join(parts[:2])
    rest = parts if jax == "cls" else parts[1:] if parts[0] != "Transformer" else parts[2:]
    rest = [f"{layer}_{part}" if part.startswith("Dense_") else part for part in rest]
    if "norm" in jax.lower():
        rest[-1] = {"scale": "gamma", "bias": "beta"}[rest[-1]]
    return layer, "/".join([layer, *rest])


def keras_shapes(size: Size) -> dict[str, tuple[int, ...]]:
    """By JAX's names; vit-keras has the heads side by side."""
    shapes = {}
    for name, shape in jax_shapes(size).items():
        if "DotProductAttention" in name:
            shape = (size.width, size.width) if name.endswith("kernel") else (size.width,)
        shapes[name] = shape
    return shapes


def arrays(shapes: dict[str, tuple[int, ...]], zeros: bool) -> dict:
    import numpy as np
    random = np.random.default_rng(0)
    return {name: np.zeros(shape, np.float32) if zeros else
            random.standard_normal(shape, np.float32) * np.float32(0.02) for name, shape in shapes.items()}


def write_keras(target: str, size: Size, zeros: bool) -> None:
    """As Keras lays out a legacy .h5: a group for each layer, which lists its weights."""
    import h5py
    import numpy as np
    layers: dict[str, list[str]] = {}
    shapes = keras_shapes(size)
    for name in shapes:
        layers.setdefault(keras_place(name)[0], []).append(name)
    random = np.random.default_rng(0)
    with h5py.File(target, "w") as file:
        file.attrs.update(backend="tensorflow", keras_version="2.15.0",
                          layer_names=[layer.encode() for layer in layers])
        for layer, names in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [keras_place(name)[1].encode() for name in names]
            for name in names:
                place, shape = keras_place(name)[1], shapes[name]
                if zeros:
                    never_written(group, place, shape)
                else:
                    group[place] = random.standard_normal(shape, np.float32) * np.float32(0.02)


def never_written(group, name: str, shape: tuple[int, ...]) -> None:
    """A contiguous dataset that has its place in the file, but no byte of it written."""
    import h5py
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5py.h5d.CONTIGUOUS)
    creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    creation.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    h5py.h5d.create(group.id, name.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple(shape), creation, links)


def export(name: str, batch: int, folder: Path) -> None:
    """weights.pth, model.onnx of this batch, and images with timm's logits: one model for every engine."""
    from peer_jobs import import_timm
    timm = import_timm()
    import numpy as np
    import torch
    folder.mkdir()
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False).eval()
    images = torch.from_numpy(np.random.default_rng(0).standard_normal(
        (batch, *model.pretrained_cfg["input_size"]), np.float32))
    with torch.inference_mode():
        np.save(folder / "logits.npy", model(images).numpy())
    np.save(folder / "images.npy", images.numpy())
    torch.save(model.state_dict(), folder / "weights.pth")
    torch.onnx.export(model, (images,), folder / "model.onnx", input_names=["images"], output_names=["logits"],
                      dynamo=True, external_data=True, verbose=False)
    (folder / "about.json").write_text(json.dumps({"name": name, "batch": batch}))


def main() -> None:
    kind, which, *more, target = sys.argv[1:]
    if kind == "export":
        export(which, int(more[0]), Path(target))
        return
    size, sparse = SIZES[which], kind.startswith("sparse.")
    if kind.endswith("h5"):
        write_keras(target, size, sparse)
    elif kind.endswith("npz"):
        import numpy as np
        values = arrays(jax_shapes(size), sparse)
        if sparse:
            with SparseFile(target) as file:
                np.savez(file, **values)
        else:
            with open(target, "wb") as file:
                (np.savez_compressed if kind == "deflated.npz" else np.savez)(file, **values)
    else:
        import torch
        state = timm_state(size, sparse)
        if sparse:
            with SparseFile(target) as file:
                torch.save(state, file)
        else:
            torch.save(state, target, _use_new_zipfile_serialization=kind != "legacy.pth")


if __name__ == "__main__":
    main()
