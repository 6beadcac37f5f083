"""One small Vision Transformer of timm's, and references that timm computed with another convention each.

Where a checkpoint is laid out in another way, timm is given its parameters laid out in its own: what it computes from them
is the reference, and the checkpoint is what has to be put right.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from functools import partial
from pathlib import Path

import make_reference  # first: it sees to it that timm can be imported

import safetensors.torch
import torch
import torch.nn.functional as F
from timm.layers import GELUTanh, LayerNorm, QuickGELU
from torch import nn

from .models import images_for

SIZE = dict(img_size=16, patch_size=4, embed_dim=16, depth=2, num_heads=2, num_classes=5, mlp_ratio=2)
IMAGENET = (torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225]))
CLIP = (torch.tensor([0.48145466, 0.4578275, 0.40821073]), torch.tensor([0.26862954, 0.26130258, 0.27577711]))


def normalised(images: torch.Tensor, numbers=IMAGENET) -> torch.Tensor:
    mean, deviation = (part.reshape(1, 3, 1, 1) for part in numbers)
    return (images - mean) / deviation


class Fixtures:
    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.index: list[dict] = []

    def checkpoint(self, name: str, seed: int, change=None, **arguments) -> OrderedDict:
        model = make_reference.build({**SIZE, **arguments})
        make_reference.fill_with_noise(model, seed)
        state = OrderedDict((key, tensor.clone()) for key, tensor in model.state_dict().items())
        if change:
            change(state)
        safetensors.torch.save_file(dict(state), self.folder / f"{name}.safetensors")
        return state

    def reference(self, name: str, checkpoint: str, state: dict, causes: list[tuple], *, options: dict | None = None,
                  change=None, images=None, shown=None, after=None, activations: str = "none", run=None,
                  first: list[str] | None = None, **arguments) -> None:
        """A reference by timm from `state`.

        causes       (cause, flag) as they have to be found, in this order
        options      what is said of the checkpoint beside its heads
        change       lays the parameters out as timm has them
        images       what timm's model is given; `shown` turns it into what the reference says it was given
        after        what became of the logits
        run          another forward pass than timm's: (model, images) → logits
        """
        model = make_reference.build({**SIZE, **arguments})
        own = OrderedDict((key, tensor.clone()) for key, tensor in state.items())
        if change:
            change(own)
        model.load_state_dict({key: tensor for key, tensor in own.items() if key in model.state_dict()})
        model.eval()
        if images is None:
            images = images_for(model, 3000, batch=1 if activations == "all" else 2)
        with torch.no_grad():
            record = make_reference.forward(model, images, activations) if run is None else OrderedDict(
                input=images, logits=run(model, images))
            if after:
                record["logits"] = after(record["logits"])
        record["input"] = (shown(images) if shown else images).contiguous()
        self.enter(name, checkpoint, record, causes, options, first)

    def enter(self, name: str, checkpoint: str, record: dict, causes: list[tuple], options: dict | None = None,
              first: list[str] | None = None) -> None:
        make_reference.write(record, self.folder / f"{name}.reference.safetensors")
        self.index.append({"name": name, "checkpoint": f"{checkpoint}.safetensors",
                           "reference": f"{name}.reference.safetensors", "options": options or {},
                           "causes": [{"cause": cause, "flag": flag} for cause, flag in causes],
                           "firstDivergence": first})


# MARK: Layouts

def reordered(order: str):
    """From the rows of attn.qkv in this order to q, k, v."""
    grouping, letters = order[:-3], order[-3:]

    def change(state: dict) -> None:
        for key in [key for key in state if ".attn.qkv." in key]:
            tensor, rest, heads = state[key], state[key].shape[1:], SIZE["num_heads"]
            if grouping == "per-head-":
                tensor = tensor.reshape(heads, 3, -1, *rest).transpose(0, 1)
            elif grouping == "per-element-":
                tensor = tensor.reshape(heads, -1, 3, *rest).movedim(2, 0)
            else:
                tensor = tensor.reshape(3, heads, -1, *rest)
            state[key] = torch.stack([tensor[letters.index(letter)] for letter in "qkv"]).reshape(-1, *rest)
    return change


def transposed(which: str):
    def change(state: dict) -> None:
        for key in state:
            tensor = state[key]
            if key.endswith("attn.proj.weight") and which in ("attn.proj", "square"):
                state[key] = tensor.T.contiguous()
            if key.endswith("attn.qkv.weight") and which in ("attn.qkv", "square"):
                state[key] = torch.cat([part.T for part in tensor.chunk(3)])
            if key == "patch_embed.proj.weight" and which == "patch_embed":
                state[key] = tensor.transpose(2, 3).contiguous()
    return change


def arranged(how: str):
    def change(state: dict) -> None:
        rows = state["pos_embed"]
        if how == "class-last":
            rows = torch.cat([rows[:, -1:], rows[:, :-1]], 1)
        elif how == "class-absent":
            rows = torch.cat([torch.zeros_like(rows[:, :1]), rows[:, 1:]], 1)
        elif how == "transposed":
            grid = rows[:, 1:].reshape(1, 4, 4, -1).transpose(1, 2).reshape(1, 16, -1)
            rows = torch.cat([rows[:, :1], grid], 1)
        elif how == "none":
            rows = torch.zeros_like(rows)
        state["pos_embed"] = rows
    return change


def resized(size: int, prefix: int = 1, **how):
    def change(state: dict) -> None:
        rows = state["pos_embed"]
        grid = rows[:, prefix:].reshape(1, 4, 4, -1).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, size=(size, size), **how).permute(0, 2, 3, 1).reshape(1, size * size, -1)
        state["pos_embed"] = torch.cat([rows[:, :prefix], grid], 1)
    return change


class ClassTokenLast(make_reference.VisionTransformer):
    """timm's model with the class token behind the patches; positions are added in the order of their rows."""

    def _pos_embed(self, x):
        x = torch.cat([x, self.cls_token.expand(x.shape[0], -1, -1)], 1) + self.pos_embed
        return self.pos_drop(x)

    def pool(self, x, pool_type=None):
        return x[:, -1]


def attend_per_head(self, x: torch.Tensor, *_, **__) -> torch.Tensor:
    """timm's attention, but for the order in which it takes queries, keys and values: [H, 3, d]."""
    batch, tokens, width = x.shape
    q, k, v = self.qkv(x).reshape(batch, tokens, self.num_heads, 3, -1).permute(3, 0, 2, 1, 4)
    x = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width)
    return self.proj(x)


def generate(out: Path) -> None:
    fixtures = Fixtures(out / "diagnosis")
    add = fixtures.reference
    plain = fixtures.checkpoint("plain", 1)

    # What shapes do not tell.
    small = fixtures.checkpoint("small_tokens", 2, quiet)
    for epsilon in ("1e-5", "1e-12"):
        add(f"epsilon_{epsilon}", "small_tokens", small,
            [("layer-norm-epsilon", f"--layer-norm-epsilon {epsilon}")],
            norm_layer=partial(LayerNorm, eps=float(epsilon)), first=["blocks.0.norm1"])
    add("epsilon_traced", "small_tokens", small, [("layer-norm-epsilon", "--layer-norm-epsilon 1e-12")],
        norm_layer=partial(LayerNorm, eps=1e-12), activations="all", first=["blocks.0.norm1"])
    add("epsilon_from_1e-5", "small_tokens", small, [("layer-norm-epsilon", "--layer-norm-epsilon 1e-12")],
        options={"layerNormEpsilon": 1e-5}, norm_layer=partial(LayerNorm, eps=1e-12), first=["blocks.0.norm1"])
    add("gelu_tanh", "plain", plain, [("gelu", "--gelu tanh")], act_layer=GELUTanh, first=["blocks.0.mlp.act"])
    add("gelu_quick", "plain", plain, [("gelu", "--gelu quick")], act_layer=QuickGELU, first=["blocks.0.mlp.act"])
    add("gelu_traced", "plain", plain, [("gelu", "--gelu tanh")], act_layer=GELUTanh, activations="all",
        first=["blocks.0.mlp.act"])
    add("heads", "plain", plain, [("heads", "--heads 4")], num_heads=4, first=["blocks.0.attn.proj"])
    add("heads_traced", "plain", plain, [("heads", "--heads 4")], num_heads=4, activations="all",
        first=["blocks.0.attn.proj"])
    add("pooling", "plain", plain, [("pooling", "--pool avg")], global_pool="avg", fc_norm=False, first=["head"])
    add("pooling_fc_norm", "plain", plain, [("pooling", None)], global_pool="avg",
        change=lambda state: state.update({"fc_norm.weight": state.pop("norm.weight"),
                                           "fc_norm.bias": state.pop("norm.bias")}), first=["head"])

    # Layouts.
    for order in ("kqv", "vqk", "per-head-qkv", "per-element-qkv", "per-head-kvq"):
        add(f"qkv_{order}", "plain", plain, [("qkv-order", f"--qkv-order {order}")], change=reordered(order),
            first=["blocks.0.attn.qkv"])
    add("qkv_traced", "plain", plain, [("qkv-order", "--qkv-order per-head-qkv")], change=reordered("per-head-qkv"),
        activations="all", first=["blocks.0.attn.qkv"])
    interleaved = make_reference.build(SIZE)
    interleaved.load_state_dict(plain)
    for block in interleaved.blocks:
        block.attn.forward = partial(attend_per_head, block.attn)
    fixtures.enter("qkv_own_layout", "plain", make_reference.forward(
        interleaved, images_for(interleaved, 3000, batch=1), "all"), [("qkv-order", "--qkv-order per-head-qkv")],
        first=["blocks.0.attn.proj"])
    for which in ("attn.proj", "attn.qkv", "square", "patch_embed"):
        place = {"attn.proj": "blocks.0.attn.proj", "patch_embed": "patch_embed"}.get(which, "blocks.0.attn.qkv")
        add(f"transposed_{which}", "plain", plain, [("transposed-kernels", f"--transposed-kernels {which}")],
            change=transposed(which), first=[place])
    for how in ("class-last", "class-absent", "transposed", "none"):
        add(f"positions_{how}", "plain", plain, [("pos-embed", f"--pos-embed {how}")], change=arranged(how),
            first=["pos_drop"])
    last = ClassTokenLast(**SIZE)
    last.load_state_dict(plain)
    fixtures.enter("class_token", "plain", make_reference.forward(last, images_for(last, 3000, batch=1), "all"),
                   [("class-token", "--pos-embed class-last")], first=["pos_drop"])
    for name, how in {"bicubic": dict(mode="bicubic"),
                      "bicubic-aligned": dict(mode="bicubic", align_corners=True),
                      "bilinear": dict(mode="bilinear"),
                      "bilinear-aligned": dict(mode="bilinear", align_corners=True)}.items():
        add(f"resampling_{name}", "plain", plain, [("pos-embed-resampling", f"--pos-embed-resampling {name}")],
            options={"imageSize": 24}, img_size=24, change=resized(6, **how), first=["pos_drop"])

    # The images that the reference was given.
    pixels = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(7))
    pixels[0, 0, 0, 0], pixels[0, 0, 0, 1] = 0, 1
    for name, flag, seen, shown in (
        ("bytes", "scale,imagenet", normalised(pixels), lambda _: pixels * 255),
        ("unit", "imagenet", normalised(pixels), lambda _: pixels),
        ("unit_bgr", "bgr,imagenet", normalised(pixels.flip(1)), lambda _: pixels),
        ("bgr", "bgr", normalised(pixels).flip(1), lambda _: normalised(pixels)),
        ("other_mean", "undo-inception,clip", normalised(pixels, CLIP), lambda _: pixels * 2 - 1),
        ("unscaled", "unscale", pixels * 255, lambda _: pixels),
    ):
        add(f"images_{name}", "plain", plain, [("preprocessing", f"--preprocess {flag}")], images=seen, shown=shown,
            first=["patch_embed"])
    add("images_traced", "plain", plain, [("preprocessing", "--preprocess imagenet")], images=normalised(pixels),
        shown=lambda _: pixels, activations="all", first=["patch_embed"])

    # The logits.
    add("softmax", "plain", plain, [("softmax", "--apply softmax")], after=lambda x: x.softmax(-1), first=["logits"])
    add("log_softmax", "plain", plain, [("log-softmax", "--apply log-softmax")], after=lambda x: x.log_softmax(-1),
        first=["logits"])
    add("sigmoid", "plain", plain, [("sigmoid", "--apply sigmoid")], after=torch.sigmoid, first=["logits"])
    add("half_reference", "plain", plain, [("half-precision", "--reference-dtype bf16")],
        run=lambda model, images: model.bfloat16()(images.bfloat16()).float(), first=["logits"])
    add("half_parameters", "plain", plain, [("half-precision", "--dtype f16")],
        change=lambda state: state.update({key: tensor.half().float() for key, tensor in state.items()}),
        first=["patch_embed"])

    # Layers before and in place of the head.
    logits = fixtures.checkpoint("pre_logits", 3, pre_logits_size=16)
    bare = {"pre_logits_size": 0}
    add("pre_logits_off", "pre_logits", logits, [("pre-logits", "--no-pre-logits")], **bare,
        first=["head"])
    add("pre_logits_on", "pre_logits", logits, [("pre-logits", None)], options={"dropsPreLogits": True},
        pre_logits_size=16, first=["head"])
    add("features", "plain", plain, [("head", "--drop-head")], num_classes=0, first=["logits"])

    # Two at a time.
    add("pair_gelu_softmax", "plain", plain, [("softmax", "--apply softmax"), ("gelu", "--gelu tanh")],
        act_layer=GELUTanh, after=lambda x: x.softmax(-1))
    add("pair_heads_gelu", "plain", plain, [("heads", "--heads 4"), ("gelu", "--gelu quick")], num_heads=4,
        act_layer=QuickGELU)
    add("pair_images_gelu", "plain", plain,
        [("preprocessing", "--preprocess imagenet"), ("gelu", "--gelu tanh")], images=normalised(pixels),
        shown=lambda _: pixels, act_layer=GELUTanh)
    add("pair_heads_qkv", "plain", plain, [("heads", "--heads 4"), ("transposed-kernels", "--transposed-kernels attn.proj")],
        num_heads=4, change=transposed("attn.proj"))
    add("three_traced", "plain", plain,
        [("preprocessing", "--preprocess bgr"), ("qkv-order", "--qkv-order kqv"), ("gelu", "--gelu tanh")],
        images=normalised(pixels).flip(1), shown=lambda _: normalised(pixels), act_layer=GELUTanh,
        change=reordered("kqv"), activations="all")

    # Nothing of all this: other weights, and images in another order than their logits.
    other = make_reference.build(SIZE)
    make_reference.fill_with_noise(other, 99)
    add("other_weights", "plain", other.state_dict(), [], activations="blocks")
    add("other_order", "plain", plain, [], after=lambda x: x.flip(0))
    add("as_given", "plain", plain, [], activations="blocks")

    rows = ",\n  ".join(json.dumps(entry) for entry in fixtures.index)
    (fixtures.folder / "index.json").write_text('{"heads": 2, "cases": [\n  ' + rows + "\n]}\n")


def quiet(state: dict) -> None:
    """Tokens so small that the constant under the root of a LayerNorm is felt."""
    for key in ("patch_embed.proj.weight", "patch_embed.proj.bias", "pos_embed", "cls_token"):
        state[key] *= 0.004
