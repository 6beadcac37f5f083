"""Small pictures of every form, what timm's evaluation transform makes of them, and what a model then says."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import make_reference  # first: it sees to it that timm can be imported

import numpy as np
import safetensors.numpy
import torch
from PIL import Image
from timm.data import create_transform
from timm.models.vision_transformer import VisionTransformer

# name → timm's arguments; the model's side is 32 but for the rectangle.
TRANSFORMS = {
    "center": dict(crop_pct=0.9, interpolation="bicubic"),
    "center_all": dict(crop_pct=1.0, interpolation="bilinear"),
    "squash": dict(crop_pct=1.0, crop_mode="squash", interpolation="bicubic"),
    "border": dict(crop_pct=0.95, crop_mode="border", interpolation="lanczos"),
    "rectangle": dict(crop_pct=0.875, interpolation="bicubic", size=(24, 40)),
}


def scene(width: int, height: int) -> np.ndarray:
    """Slopes, a disc with a sharp edge, and stripes: something for each part of a filter."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    red = 255 * x / max(1, width - 1)
    green = 255 * y / max(1, height - 1)
    disc = (x - 0.6 * width) ** 2 + (y - 0.4 * height) ** 2 < (0.3 * min(width, height)) ** 2
    blue = np.where(disc, 230, 127 + 90 * np.sin(x * 0.9 + y * 0.35))
    return np.stack([red, green, blue], axis=-1).round().astype(np.uint8)


def png(width: int, height: int, depth: int, kind: int, rows: list[bytes], extra: bytes = b"") -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
            + extra + chunk(b"IDAT", packed) + chunk(b"IEND", b""))


def write_pictures(folder: Path) -> list[str]:
    def save(name: str, picture: Image.Image, **options) -> None:
        picture.save(folder / name, **options)

    landscape, portrait = Image.fromarray(scene(83, 61)), Image.fromarray(scene(41, 97))
    save("landscape.jpg", landscape, quality=90)
    save("portrait.jpg", portrait, quality=90, subsampling=0)
    save("progressive.jpg", landscape, quality=85, progressive=True)
    save("subsampled.jpg", Image.fromarray(scene(64, 48)), quality=80, subsampling=1)
    save("grey.jpg", landscape.convert("L"), quality=90)
    save("cmyk.jpg", landscape.convert("CMYK"), quality=95)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, which Pillow's convert and timm leave
    save("orientation.jpg", landscape, quality=90, exif=exif)
    save("tiny.png", Image.fromarray(scene(5, 3)))
    save("exact.png", Image.fromarray(scene(32, 32)))
    save("thin.png", Image.fromarray(scene(200, 5)))
    save("palette.png", landscape.quantize(32))
    alpha = np.dstack([scene(50, 40), (np.arange(2000).reshape(40, 50) % 256).astype(np.uint8)])
    save("alpha.png", Image.fromarray(alpha))
    save("grey_alpha.png", Image.fromarray(alpha).convert("LA"))
    save("one_bit.png", landscape.convert("1"))
    save("gamma.png", Image.fromarray(scene(40, 40)))
    plain = (folder / "gamma.png").read_bytes()
    gamma = b"gAMA" + struct.pack(">I", 100_000)
    (folder / "gamma.png").write_bytes(
        plain[:33] + struct.pack(">I", 4) + gamma + struct.pack(">I", zlib.crc32(gamma)) + plain[33:])
    deep = scene(37, 29).astype(np.uint16) * 257 ^ 0x0081
    rows = [row.astype(">u2").tobytes() for row in deep]
    (folder / "deep.png").write_bytes(png(37, 29, 16, 2, rows))
    grey = (np.arange(37 * 29).reshape(29, 37) * 3).astype(">u2")
    (folder / "deep_grey.png").write_bytes(png(37, 29, 16, 0, [row.tobytes() for row in grey]))
    two_bits = [bytes((row * 7 + column * 29) % 256 for column in range(9)) for row in range(20)]
    (folder / "two_bits.png").write_bytes(png(36, 20, 2, 0, two_bits))
    trns = struct.pack(">I", 6) + b"tRNS" + bytes(6)
    trns += struct.pack(">I", zlib.crc32(trns[4:]))
    (folder / "transparent_colour.png").write_bytes(
        png(30, 20, 8, 2, [row.tobytes() for row in scene(30, 20)], trns))
    return sorted(path.name for path in folder.glob("*.*") if path.suffix in (".jpg", ".png"))


def rollout(model: VisionTransformer, image: torch.Tensor) -> torch.Tensor:
    """Abnar and Zuidema 2020: what each token's row is made of, heads averaged and the way around each block counted."""
    maps: list[torch.Tensor] = []
    for block in model.blocks:
        block.attn.fused_attn = False
        block.attn.attn_drop.register_forward_hook(lambda module, taken, given: maps.append(given.double()))
    with torch.no_grad():
        model(image)
    product = torch.eye(maps[0].shape[-1], dtype=torch.float64)
    for attention in maps:
        mean = attention[0].mean(dim=0)
        product = (0.5 * mean + 0.5 * torch.eye(len(mean), dtype=torch.float64)) @ product
    return product[0, 1:]


def generate(out: Path) -> None:
    folder = out / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    names = write_pictures(folder)
    views = {}
    for name in names:
        picture = Image.open(folder / name).convert("RGB")
        for title, arguments in TRANSFORMS.items():
            height, width = arguments.get("size", (32, 32))
            options = {key: value for key, value in arguments.items() if key != "size"}
            transform = create_transform(
                (3, height, width), is_training=False, normalize=False, mean=(0.485, 0.456, 0.406), **options)
            views[f"{title}/{name}"] = transform(picture).permute(1, 2, 0).contiguous().numpy()
    safetensors.numpy.save_file(views, folder / "views.safetensors")

    model = VisionTransformer(
        img_size=32, patch_size=8, embed_dim=128, depth=2, num_heads=2, num_classes=10, mlp_ratio=2)
    model.load_state_dict(torch.load(out / "models" / "vit_demo.pth", weights_only=True))
    model.eval()
    transform = create_transform(
        (3, 32, 32), is_training=False, crop_pct=0.9, interpolation="bicubic", mean=(0.5,) * 3, std=(0.5,) * 3)
    said = {}
    for name in ("landscape.jpg", "portrait.jpg", "palette.png"):
        image = transform(Image.open(folder / name).convert("RGB"))[None]
        with torch.no_grad():
            probabilities = model(image).double().softmax(dim=-1)[0]
        said[name] = {"probabilities": probabilities.tolist(), "rollout": rollout(model, image).tolist()}
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in said.items())
    (folder / "said.json").write_text("{\n" + lines + "\n}\n")
