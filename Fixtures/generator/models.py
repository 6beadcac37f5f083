"""Small Vision Transformers of every form, each with the logits and activations that timm computes."""

from __future__ import annotations

import json
from collections import OrderedDict
from functools import partial
from pathlib import Path

import make_reference  # first: it sees to it that timm can be imported

import safetensors.torch
import torch
from timm.layers import GELUTanh, LayerNorm, QuickGELU, SwiGLU, SwiGLUPacked
from torch import nn

from .common import save_legacy, save_zip

SMALL = dict(img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=3, num_classes=10, mlp_ratio=2)
CLIP_NORM = partial(LayerNorm, eps=1e-5)

# name → (how the weights are saved, timm's arguments over SMALL)
FORMS: dict[str, tuple[str, dict]] = {
    "plain": ("zip", {}),
    "vit_legacy": ("legacy", dict(mlp_ratio=4)),
    "prelogits_in21k": ("legacy", dict(num_classes=21, pre_logits_size=24)),
    "prelogits_wider": ("zip", dict(pre_logits_size=40)),
    "deit_distilled": ("zip", dict(distilled=True)),
    "deit_distilled_features": ("zip", dict(distilled=True, num_classes=0)),
    "features": ("safetensors", dict(num_classes=0)),
    "rect": ("zip", dict(img_size=(32, 48))),
    "rect_patch": ("safetensors", dict(img_size=(16, 48), patch_size=(4, 8))),
    "registers": ("zip", dict(reg_tokens=4)),
    "no_embed_class": ("safetensors", dict(no_embed_class=True)),
    "no_embed_class_registers": ("zip", dict(no_embed_class=True, reg_tokens=4)),
    "layer_scale": ("zip", dict(init_values=1e-5)),
    "avgpool_fc_norm": ("safetensors", dict(global_pool="avg")),
    "avgpool_norm": ("zip", dict(global_pool="avg", fc_norm=False)),
    "no_class_token": ("zip", dict(class_token=False, global_pool="avg", fc_norm=False)),
    "no_class_token_fc_norm": ("legacy", dict(class_token=False, global_pool="avg")),
    "norm_pre": ("zip", dict(pre_norm=True, norm_layer=CLIP_NORM)),
    "no_qkv_bias": ("safetensors", dict(qkv_bias=False)),
    "gelu_tanh": ("zip", dict(act_layer=GELUTanh)),
    "quick_gelu": ("zip", dict(pre_norm=True, norm_layer=CLIP_NORM, act_layer=QuickGELU)),
    "attention_pool": ("zip", dict(class_token=False, global_pool="map", act_layer=GELUTanh)),
    "swiglu": ("zip", dict(mlp_layer=SwiGLU, act_layer=nn.SiLU)),
    "swiglu_packed": ("safetensors", dict(mlp_layer=SwiGLUPacked, act_layer=nn.SiLU, mlp_ratio=4,
                                          init_values=1e-5, reg_tokens=4, no_embed_class=True)),
    "swiglu_norm": ("zip", dict(mlp_layer=SwiGLU, act_layer=nn.SiLU, scale_mlp_norm=True)),
    "qk_norm": ("safetensors", dict(qk_norm=True)),
    "one_channel": ("legacy", dict(in_chans=1)),
    "epsilon_1e-12": ("safetensors", dict(norm_layer=partial(LayerNorm, eps=1e-12))),
    "half_f16": ("zip", {}),
    "half_bf16": ("safetensors", {}),
}
HALVES = {"half_f16": torch.float16, "half_bf16": torch.bfloat16}


def make(name: str, arguments: dict, seed: int) -> nn.Module:
    model = make_reference.build(arguments)
    make_reference.fill_with_noise(model, seed)
    if name in HALVES:  # the values that a half type holds, widened again
        for parameter in model.parameters():
            parameter.data = parameter.data.to(HALVES[name]).float()
    return model.eval()


def images_for(model: nn.Module, seed: int, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, model.patch_embed.proj.in_channels, *model.patch_embed.img_size, generator=generator)


def save(state: dict, folder: Path, name: str, how: str) -> str:
    if how == "safetensors":
        safetensors.torch.save_file(dict(state), folder / f"{name}.safetensors")
        return f"{name}.safetensors"
    (save_legacy if how == "legacy" else save_zip)(state, folder / f"{name}.pth")
    return f"{name}.pth"


def configuration(model: nn.Module, arguments: dict) -> dict:
    """The facts that tests compare with what was inferred, or hand over where nothing can be inferred."""
    block, state = model.blocks[0], model.state_dict()
    gelu = {GELUTanh: "tanh", QuickGELU: "quick"}.get(arguments.get("act_layer"), "exact")
    swiglu = {SwiGLU: "swiglu", SwiGLUPacked: "swiglu-packed"}.get(arguments.get("mlp_layer"), "plain")
    return {
        "imageSize": list(model.patch_embed.img_size), "patchSize": list(model.patch_embed.patch_size),
        "gridSize": list(model.patch_embed.grid_size), "channels": model.patch_embed.proj.in_channels,
        "width": model.embed_dim, "depth": len(model.blocks), "heads": block.attn.num_heads,
        "hidden": block.mlp.fc2.in_features, "classes": model.num_classes,
        "patchBias": "patch_embed.proj.bias" in state, "qkvBias": "blocks.0.attn.qkv.bias" in state,
        "qkNorm": "blocks.0.attn.q_norm.weight" in state, "mlp": swiglu,
        "mlpNorm": "blocks.0.mlp.norm.weight" in state, "gelu": gelu if swiglu == "plain" else None,
        "classToken": "cls_token" in state, "distilled": "dist_token" in state, "registers": model.num_reg_tokens,
        "positionsIncludePrefix": not model.no_embed_class, "layerScale": "blocks.0.ls1.gamma" in state,
        "preNorm": "norm_pre.weight" in state, "norm": "norm.weight" in state, "fcNorm": "fc_norm.weight" in state,
        "pool": model.global_pool, "preLogits": state["pre_logits.fc.weight"].shape[0]
        if "pre_logits.fc.weight" in state else None, "layerNormEpsilon": block.norm1.eps,
    }


def not_inferable(facts: dict) -> list[str]:
    """What names and shapes do not tell: a test hands these over."""
    given = []
    if facts["width"] % 64:
        given.append("heads")
    if facts["gridSize"][0] != facts["gridSize"][1]:
        given.append("imageSize")
    if facts["gelu"] not in (None, "exact"):
        given.append("gelu")
    if facts["layerNormEpsilon"] != 1e-6:
        given.append("layerNormEpsilon")
    if facts["pool"] == "avg" and facts["classToken"] and not facts["fcNorm"]:
        given.append("pool")
    return given


def generate(out: Path) -> None:
    folder = out / "models"
    folder.mkdir(parents=True, exist_ok=True)
    index: list[dict] = []

    def enter(name: str, file: str, reference: str, model: nn.Module, arguments: dict, **extra) -> None:
        facts = configuration(model, arguments)
        index.append({"name": name, "file": file, "reference": reference, **extra,
                      "given": not_inferable(facts), "configuration": facts})

    demo = {**SMALL, "embed_dim": 128, "num_heads": 2}
    model = make("vit_demo", demo, seed=1)
    make_reference.write(make_reference.forward(model, images_for(model, 1001)), folder / "vit_demo.reference.npz")
    enter("vit_demo", save(model.state_dict(), folder, "vit_demo", "zip"), "vit_demo.reference.npz", model, demo)

    models = {}
    for number, (name, (how, changes)) in enumerate(FORMS.items()):
        arguments = {**SMALL, **changes}
        model = models[name] = make(name, arguments, seed=100 + number)
        record = make_reference.forward(model, images_for(model, 2000 + number))
        make_reference.write(record, folder / f"{name}.reference.safetensors")
        state = {key: tensor.to(HALVES.get(name, tensor.dtype)) for key, tensor in model.state_dict().items()}
        file = save(state if name in HALVES else model.state_dict(), folder, name, how)
        enter(name, file, f"{name}.reference.safetensors", model, arguments)

    for name, file, source, extra in wrapped(folder, models):
        enter(name, file, extra.pop("reference", f"{source}.reference.safetensors"), models[source],
              {**SMALL, **FORMS[source][1]}, **extra)

    lines = ",\n  ".join(json.dumps(entry) for entry in index)
    (folder / "index.json").write_text('{"models": [\n  ' + lines + "\n]}\n")


# MARK: The same weights as training code wraps them

def prefixed(state: dict, prefix: str) -> OrderedDict:
    return OrderedDict((prefix + key, tensor) for key, tensor in state.items())


def wrapped(folder: Path, models: dict):
    """Yields (name, file, name of the form whose weights these are, further entries of the index)."""
    plain, features = models["plain"].state_dict(), models["features"].state_dict()
    noise = make("plain", {**SMALL}, seed=999)
    other = noise.state_dict()
    make_reference.write(make_reference.forward(noise, images_for(noise, 2000), "none"),
                         folder / "plain_other.reference.safetensors")

    for name, obj in {
        "prefix_module": {"epoch": 299, "arch": "vit_small", "state_dict": prefixed(plain, "module."),
                          "best_acc1": 81.25},
        "prefix_orig_mod": prefixed(plain, "_orig_mod."),
        "prefix_backbone": prefixed(plain, "backbone."),
        "prefix_encoder": prefixed(plain, "encoder."),
        "prefix_module_orig_mod_model": {"model_state_dict": prefixed(plain, "module._orig_mod.model.")},
    }.items():
        save_zip(obj, folder / f"{name}.pth")
        yield name, f"{name}.pth", "plain", {}

    save_zip({"model": plain, "model_ema": other, "epoch": 3, "scaler": {"scale": 65536.0}},
             folder / "nested_ema.pth")
    yield "nested_ema", "nested_ema.pth", "plain", {}
    yield "nested_ema.model_ema", "nested_ema.pth", "plain", {
        "select": "model_ema", "reference": "plain_other.reference.safetensors"}

    save_zip({"state_dict": plain, "state_dict_ema": other, "optimizer": {"state": {}, "param_groups": []}},
             folder / "timm_checkpoint.pth.tar")
    yield "timm_checkpoint", "timm_checkpoint.pth.tar", "plain", {}
    yield "timm_checkpoint.state_dict_ema", "timm_checkpoint.pth.tar", "plain", {
        "select": "state_dict_ema", "reference": "plain_other.reference.safetensors"}

    yield from dino(folder, features, other, models["features"])

    patches = OrderedDict(plain)
    patches["patch_embed.proj.weight"] = plain["patch_embed.proj.weight"].reshape(24, -1)
    save_legacy(patches, folder / "patch_linear.pth")
    yield "patch_linear", "patch_linear.pth", "plain", {}

    scaled = models["layer_scale"].state_dict()
    save_zip({"model": OrderedDict((key.replace("ls1.gamma", "gamma_1").replace("ls2.gamma", "gamma_2"), tensor)
                                   for key, tensor in scaled.items())}, folder / "deit3_gamma.pth")
    yield "deit3_gamma", "deit3_gamma.pth", "layer_scale", {}

    save_zip({"model": mae(features)}, folder / "mae_pretrain.pth")
    yield "mae_pretrain", "mae_pretrain.pth", "features", {
        "ignored": [key for key in mae({}) if key.startswith(("decoder", "mask_token"))]}


def dino(folder: Path, teacher: dict, other: dict, model: nn.Module):
    """DINO's training checkpoint: the student under DistributedDataParallel, both with a projection head."""
    generator = torch.Generator().manual_seed(5)
    student = OrderedDict((key, tensor) for key, tensor in other.items() if not key.startswith("head."))

    def head(prefix: str) -> OrderedDict:
        shapes = {"mlp.0.weight": (16, 24), "mlp.0.bias": (16,), "mlp.2.weight": (8, 16), "mlp.2.bias": (8,),
                  "last_layer.weight_g": (12, 1), "last_layer.weight_v": (12, 8)}
        return OrderedDict((prefix + key, torch.randn(shape, generator=generator)) for key, shape in shapes.items())

    save_zip({
        "student": prefixed(student, "module.backbone.") | head("module.head."),
        "teacher": prefixed(teacher, "backbone.") | head("head."),
        "epoch": 100, "dino_loss": {"center": torch.zeros(1, 12)},
    }, folder / "dino.pth")
    ignored = list(head("head."))
    yield "dino.teacher", "dino.pth", "features", {"select": "teacher", "ignored": ignored}
    twin = make_reference.build({**SMALL, "num_classes": 0})
    twin.load_state_dict(student)
    make_reference.write(make_reference.forward(twin, images_for(twin, 2001), "none"),
                         folder / "dino_student.reference.safetensors")
    yield "dino.student", "dino.pth", "features", {
        "select": "student", "ignored": ignored, "reference": "dino_student.reference.safetensors"}


def mae(encoder: dict) -> OrderedDict:
    """A masked autoencoder's pre-training weights: encoder and decoder, no classifier."""
    generator = torch.Generator().manual_seed(6)
    state = OrderedDict(encoder)
    width = 16
    shapes = {
        "mask_token": (1, 1, width), "decoder_pos_embed": (1, 17, width),
        "decoder_embed.weight": (width, 24), "decoder_embed.bias": (width,),
        "decoder_blocks.0.norm1.weight": (width,), "decoder_blocks.0.norm1.bias": (width,),
        "decoder_blocks.0.attn.qkv.weight": (3 * width, width), "decoder_blocks.0.attn.qkv.bias": (3 * width,),
        "decoder_blocks.0.attn.proj.weight": (width, width), "decoder_blocks.0.attn.proj.bias": (width,),
        "decoder_blocks.0.norm2.weight": (width,), "decoder_blocks.0.norm2.bias": (width,),
        "decoder_blocks.0.mlp.fc1.weight": (4 * width, width), "decoder_blocks.0.mlp.fc1.bias": (4 * width,),
        "decoder_blocks.0.mlp.fc2.weight": (width, 4 * width), "decoder_blocks.0.mlp.fc2.bias": (width,),
        "decoder_norm.weight": (width,), "decoder_norm.bias": (width,),
        "decoder_pred.weight": (192, width), "decoder_pred.bias": (192,),
    }
    for key, shape in shapes.items():
        state[key] = torch.randn(shape, generator=generator) * 0.1
    return state
