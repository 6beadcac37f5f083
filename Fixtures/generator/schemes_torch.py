"""The same small models in the forms of transformers, torchvision, OpenCLIP, facebookresearch and timm's hub folders.

Each library builds the model, saves it as its users do, and computes the logits.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import OrderedDict
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import make_reference  # first: it sees to it that torchvision can be imported

import open_clip.model as openclip
import safetensors.torch
import timm
import torch
import transformers
from open_clip.push_to_hf_hub import save_for_hf as save_openclip_for_hf
from timm.models._hub import save_for_hf
from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer
from timm.models.vision_transformer import checkpoint_filter_fn
from torch import nn
from torchvision.models.vision_transformer import VisionTransformer as TorchvisionVisionTransformer

from .common import patched, read_members, save_zip

BASE = {
    "imageSize": [32, 32], "patchSize": [8, 8], "channels": 3, "width": 24, "depth": 2, "heads": 3, "hidden": 48,
    "classes": 10, "patchBias": True, "qkvBias": True, "qkNorm": False, "mlp": "plain", "mlpNorm": False,
    "gelu": "exact", "classToken": True, "distilled": False, "registers": 0, "positions": "all", "layerScale": False,
    "preNorm": False, "norm": True, "fcNorm": False, "pool": "token", "preLogits": None, "headBias": True,
    "layerNormEpsilon": 1e-6,
}
LABELS = ["tench", "goldfish", "great white shark", "tiger shark", "hammerhead", "électric ray", "stingray", "cock",
          "hen", "ostrich, Struthio camelus"]


@torch.no_grad()
def fill(model: nn.Module, seed: int) -> nn.Module:
    """As `make_reference.fill_with_noise`, under whatever names: every parameter is felt in the logits."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if re.search(r"lambda1$|gamma$", name):
            parameter.copy_(0.6 + 0.2 * noise)
        elif re.search(r"(norm|ln_|\bln)\w*\.weight$", name):
            parameter.copy_(1 + 0.3 * noise)
        elif parameter.ndim >= 2 and name.endswith("weight"):
            gain = 1.5 if re.search(r"query|key|in_proj|qkv|\b[qk]_proj", name) else 1.0
            parameter.copy_(noise * gain / parameter[0].numel() ** 0.5)
        else:
            parameter.copy_(noise * (0.3 if parameter.ndim >= 2 else 0.2))
    return model.eval()


def images_for(facts: dict, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, facts["channels"], *facts["imageSize"], generator=generator)


class Writer:
    """Writes checkpoints and references, and keeps the index."""

    def __init__(self, folder: Path):
        self.folder, self.index = folder, []

    @torch.no_grad()
    def reference(self, name: str, run, facts: dict, seed: int) -> str:
        images = images_for(facts, seed)
        file = f"{name}.reference.safetensors"
        make_reference.write({"input": images, "logits": run(images).contiguous()}, self.folder / file)
        return file

    def enter(self, file: str, scheme: str, reference: str, facts: dict, given=(), ignored=(), **extra) -> None:
        self.index.append({"name": file, "file": file, "reference": reference, "scheme": scheme, **extra,
                           "given": list(given), "ignored": list(ignored), "configuration": facts})

    def finish(self) -> None:
        lines = ",\n  ".join(json.dumps(entry, ensure_ascii=False) for entry in self.index)
        (self.folder / "index.json").write_text('{"models": [\n  ' + lines + "\n]}\n", encoding="utf-8")


def generate(out: Path) -> None:
    folder = out / "schemes" / "torch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    writer = Writer(folder)
    hugging_face(writer)
    torchvision(writer)
    clip(writer)
    facebook(writer)
    timm_hub(writer)
    writer.finish()


# MARK: transformers

SIZES = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48, image_size=32,
             patch_size=8)
CLASSES = dict(id2label=dict(enumerate(LABELS)), label2id={label: index for index, label in enumerate(LABELS)})
DINO_SIZES = {key: value for key, value in SIZES.items() if key != "intermediate_size"}
TWELFTH = {**BASE, "layerNormEpsilon": 1e-12}
LABELLED = {**TWELFTH, "labels": LABELS}
POOLED = {**TWELFTH, "classes": 0, "preLogits": 24}
# The distillation token of a model with one head is one more token in front of the patches, and no more.
DEIT = {**LABELLED, "registers": 1}
DINO = {**BASE, "layerScale": True}
# transformers (as facebookresearch) rounds the inner length of SwiGLU: 24 · 4 · ⅔, up to a multiple of 8.
SWIGLU = {"mlp": "swiglu-packed", "hidden": 64}
BOTH = {"labels": LABELS, "pool": "token-avg"}
NO_CLASSES = {"classes": 0}
FOUR_REGISTERS = {"registers": 4, "positions": "class"}


def encoder_features(model, images):
    """ViTMAE takes patches out at random even when it keeps them all; an even ramp keeps their order."""
    noise = torch.arange(model.embeddings.patch_embeddings.num_patches).float().expand(len(images), -1)
    with patched(model.config, "mask_ratio", 0.0):
        return model(images, noise=noise).last_hidden_state[:, 0]


def hugging_face(writer: Writer) -> None:
    vit, deit, dino = transformers.ViTConfig, transformers.DeiTConfig, transformers.Dinov2Config
    registers, mae = transformers.Dinov2WithRegistersConfig, transformers.ViTMAEConfig
    decoder = dict(decoder_num_attention_heads=2, decoder_hidden_size=16, decoder_num_hidden_layers=1,
                   decoder_intermediate_size=32)
    odd = dict(layer_norm_eps=1e-6, hidden_act="gelu_new", image_size=(16, 48), patch_size=(4, 8), num_channels=1,
               qkv_bias=False)
    # name: class, configuration, facts, the output that is compared
    forms = {
        "hf_vit": (transformers.ViTForImageClassification, vit(**SIZES, **CLASSES), LABELLED, logits),
        "hf_vit_odd": (transformers.ViTForImageClassification, vit(**{**SIZES, **odd}, **CLASSES), {
            **LABELLED, "imageSize": [16, 48], "patchSize": [4, 8], "channels": 1, "qkvBias": False, "gelu": "tanh",
            "layerNormEpsilon": 1e-6}, logits),
        "hf_vit_model": (transformers.ViTModel, vit(**SIZES), POOLED, pooled),
        "hf_vit_features": (partial(transformers.ViTModel, add_pooling_layer=False), vit(**SIZES),
                            {**TWELFTH, **NO_CLASSES}, first_row),
        "hf_deit_distilled": (transformers.DeiTForImageClassificationWithTeacher, deit(**SIZES, **CLASSES),
                              {**LABELLED, "distilled": True}, logits),
        "hf_deit": (transformers.DeiTForImageClassification, deit(**SIZES, **CLASSES), DEIT, logits),
        "hf_deit_model": (transformers.DeiTModel, deit(**SIZES), {**POOLED, "registers": 1}, pooled),
        "hf_mae": (transformers.ViTMAEForPreTraining, mae(**SIZES, **decoder), {**TWELFTH, **NO_CLASSES},
                   lambda model, images: encoder_features(model.vit, images)),
        "hf_dinov2": (transformers.Dinov2ForImageClassification, dino(**DINO_SIZES, **CLASSES, mlp_ratio=2),
                      {**DINO, **BOTH}, logits),
        "hf_dinov2_model": (transformers.Dinov2Model, dino(**DINO_SIZES, mlp_ratio=2), {**DINO, **NO_CLASSES},
                            first_row),
        "hf_dinov2_swiglu": (transformers.Dinov2ForImageClassification,
                             dino(**DINO_SIZES, **CLASSES, use_swiglu_ffn=True), {**DINO, **BOTH, **SWIGLU}, logits),
        "hf_dinov2_registers": (transformers.Dinov2WithRegistersForImageClassification,
                                registers(**DINO_SIZES, **CLASSES, mlp_ratio=2),
                                {**DINO, **BOTH, **FOUR_REGISTERS}, logits),
        "hf_dinov2_registers_model": (transformers.Dinov2WithRegistersModel,
                                      registers(**DINO_SIZES, use_swiglu_ffn=True),
                                      {**DINO, **NO_CLASSES, **SWIGLU, **FOUR_REGISTERS}, first_row),
    }
    in_memory = ("hf_vit", "hf_vit_model", "hf_deit_distilled", "hf_deit", "hf_mae", "hf_dinov2", "hf_dinov2_model",
                 "hf_dinov2_swiglu", "hf_dinov2_registers")
    for number, (name, (make, config, facts, run)) in enumerate(forms.items()):
        model = fill(make(config), seed=3000 + number)
        reference = writer.reference(name, partial(run, model), facts, seed=4000 + number)
        folder = writer.folder / name
        model.save_pretrained(folder)
        scheme = "huggingface-dinov2" if "dinov2" in name else "huggingface"
        ignored = [key for key in safetensors.torch.load_file(folder / "model.safetensors")
                   if key.startswith("decoder.") or key.endswith("mask_token")]
        writer.enter(name, scheme, reference, facts, ignored=ignored)
        if name == "hf_vit":
            model.save_pretrained(writer.folder / "hf_vit_sharded", max_shard_size="20KB")
            processor = transformers.ViTImageProcessor(size=dict(height=32, width=32), image_mean=[0.5, 0.4, 0.3],
                                                       image_std=[0.2, 0.25, 0.3])
            processor.save_pretrained(writer.folder / "hf_vit_sharded")
            writer.enter("hf_vit_sharded", scheme, reference,
                         {**facts, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3]})
        if name in in_memory:
            bare = {key: value for key, value in facts.items() if key != "labels"}
            state = model.state_dict()
            save_zip(state, writer.folder / f"{name}.pth")
            writer.enter(f"{name}.pth", scheme + "-5", reference, bare, given=["heads"], ignored=[
                key for key in state if key.startswith("decoder.") or key.endswith("mask_token")])
    towers(writer)


def logits(model, images):
    return model(images).logits


def pooled(model, images):
    return model(images).pooler_output


def first_row(model, images):
    return model(images).last_hidden_state[:, 0]


def towers(writer: Writer) -> None:
    """The image towers of CLIP and SigLIP, alone and in the whole model."""
    text = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=32,
                max_position_embeddings=8, projection_size=16)
    facts = {**BASE, "classes": 16, "patchBias": False, "preNorm": True, "headBias": False, "gelu": "quick",
             "layerNormEpsilon": 1e-5}
    clip_vision = transformers.CLIPVisionConfig(**SIZES, projection_dim=16)
    model = fill(transformers.CLIPVisionModelWithProjection(clip_vision), 3100)
    reference = writer.reference("hf_clip_vision", lambda images: model(images).image_embeds, facts, 4100)
    model.save_pretrained(writer.folder / "hf_clip_vision")
    writer.enter("hf_clip_vision", "huggingface-clip", reference, facts)

    whole = fill(transformers.CLIPModel(transformers.CLIPConfig(
        text_config=text, vision_config={**SIZES, "hidden_act": "gelu"}, projection_dim=16)), 3101)
    erf = {**facts, "gelu": "exact"}
    reference = writer.reference("hf_clip", lambda images: whole.visual_projection(
        whole.vision_model(images).pooler_output), erf, 4101)
    whole.save_pretrained(writer.folder / "hf_clip")
    writer.enter("hf_clip", "huggingface-clip", reference, erf)

    facts = {**BASE, "classes": 0, "classToken": False, "gelu": "tanh", "pool": "map", "poolHidden": 48}
    siglip = fill(transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**SIZES)), 3102)
    reference = writer.reference("hf_siglip_vision", partial(pooled, siglip), facts, 4102)
    siglip.save_pretrained(writer.folder / "hf_siglip_vision")
    writer.enter("hf_siglip_vision", "huggingface-siglip", reference, facts)
    text.update(projection_size=24)
    both = fill(transformers.SiglipModel(transformers.SiglipConfig(text_config=text, vision_config=SIZES)), 3103)
    reference = writer.reference("hf_siglip", partial(pooled, both.vision_model), facts, 4103)
    both.save_pretrained(writer.folder / "hf_siglip")
    writer.enter("hf_siglip", "huggingface-siglip", reference, facts)


# MARK: torchvision

def torchvision(writer: Writer) -> None:
    sizes = dict(image_size=32, patch_size=8, num_layers=2, num_heads=3, hidden_dim=24, mlp_dim=48, num_classes=10)
    for number, (name, changes, facts) in enumerate([
        ("torchvision", {}, BASE),
        ("torchvision_representation", dict(representation_size=40), {**BASE, "preLogits": 40}),
    ]):
        model = fill(TorchvisionVisionTransformer(**sizes, **changes), 3200 + number)
        reference = writer.reference(name, model, facts, 4200 + number)
        state = model.state_dict()
        save_zip(state, writer.folder / f"{name}.pth")
        writer.enter(f"{name}.pth", "torchvision", reference, facts, given=["heads"])

        # Before 0.14 the MLP's maps had names; torchvision still reads a state dictionary of that version.
        old = OrderedDict((re.sub(r"mlp\.0\.", "mlp.linear_1.", re.sub(r"mlp\.3\.", "mlp.linear_2.", key)), value)
                          for key, value in state.items())
        again = TorchvisionVisionTransformer(**sizes, **changes).eval()
        again.load_state_dict(old)
        assert torch.equal(again(images_for(facts, 1)), model(images_for(facts, 1)))
        save_zip(old, writer.folder / f"{name}_old.pth")
        writer.enter(f"{name}_old.pth", "torchvision-old", reference, facts, given=["heads"])


# MARK: CLIP

def clip_model(quick_gelu: bool, seed: int) -> openclip.CLIP:
    vision = openclip.CLIPVisionCfg(layers=2, width=24, head_width=8, mlp_ratio=2, patch_size=8, image_size=32)
    text = openclip.CLIPTextCfg(context_length=8, vocab_size=32, width=16, heads=2, layers=1)
    return fill(openclip.CLIP(16, vision, text, quick_gelu=quick_gelu), seed)


def clip(writer: Writer) -> None:
    facts = {**BASE, "classes": 16, "patchBias": False, "preNorm": True, "headBias": False, "layerNormEpsilon": 1e-5}
    model = clip_model(False, 3300)
    reference = writer.reference("openclip", model.encode_image, facts, 4300)
    state = model.state_dict()
    save_zip(state, writer.folder / "openclip.pth")
    text = [key for key in state if not key.startswith("visual.")]
    writer.enter("openclip.pth", "openclip", reference, facts, given=["heads"], ignored=text)
    save_zip({"epoch": 3, "state_dict": OrderedDict(("module." + key, value) for key, value in state.items())},
             writer.folder / "openclip_training.pt")
    writer.enter("openclip_training.pt", "openclip", reference, facts, given=["heads"])
    save_zip(model.visual.state_dict(), writer.folder / "openclip_visual.pth")
    writer.enter("openclip_visual.pth", "openclip", reference, facts, given=["heads"])

    model = clip_model(True, 3302)
    sizes = dict(layers=2, width=24, head_width=8, mlp_ratio=2, patch_size=8, image_size=32)
    model.visual.image_mean, model.visual.image_std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
    hub = {**facts, "gelu": "quick", "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3]}
    reference = writer.reference("openclip_hub", model.encode_image, hub, 4302)
    no_tokenizer = SimpleNamespace(save_pretrained=lambda _: None)
    save_openclip_for_hf(model, no_tokenizer, dict(embed_dim=16, quick_gelu=True, vision_cfg=sizes),
                         writer.folder / "openclip_hub", safe_serialization=True)
    writer.enter("openclip_hub", "openclip", reference, hub)

    # OpenAI's: QuickGELU, most weights in half precision, three numbers beside the weights.
    facts = {**facts, "gelu": "quick"}
    model = clip_model(True, 3301)
    openclip.convert_weights_to_fp16(model)
    numbers = {"input_resolution": 32, "context_length": 8, "vocab_size": 32}
    state = OrderedDict((key, torch.tensor(value)) for key, value in numbers.items()) | model.state_dict()
    reference = writer.reference("clip_openai", clip_in_float(model), facts, 4301)
    save_zip(state, writer.folder / "clip_openai.pth")
    writer.enter("clip_openai.pth", "clip-openai", reference, facts, given=["heads"])

    for key, value in numbers.items():
        if key in vars(model):
            delattr(model, key)
        model.register_buffer(key, torch.tensor(value))
    save_script(model, writer.folder / "clip_openai_jit.pt")
    writer.enter("clip_openai_jit.pt", "clip-openai", reference, facts, given=["heads"])


def clip_in_float(model):
    state = {key: value.float() for key, value in model.state_dict().items()}
    twin = clip_model(True, 0)
    twin.load_state_dict(state)
    return twin.encode_image


def save_script(model: nn.Module, path: Path) -> None:
    """A TorchScript archive of the parameters and buffers alone: what runs them is not looked at here."""
    def bare(module: nn.Module) -> nn.Module:
        copy = nn.Module()
        for name, parameter in module._parameters.items():
            if parameter is not None:
                copy.register_parameter(name, nn.Parameter(parameter.data, requires_grad=False))
        for name, buffer in module._buffers.items():
            if buffer is not None and name not in module._non_persistent_buffers_set:
                copy.register_buffer(name, buffer)
        for name, child in module._modules.items():
            if child is not None and child.state_dict():
                copy.add_module(name, bare(child))
        return copy

    torch.jit.save(torch.jit.script(bare(model)), str(path))
    members = read_members(path)
    writer = torch._C.PyTorchFileWriter(str(path))
    for name, data in members.items():
        record = name.removeprefix(path.stem + "/")
        if not record.endswith(".debug_pkl") and record not in ("version", ".data/serialization_id"):
            writer.write_record(record, data, len(data))
    writer.write_end_of_file()
    loaded = torch.jit.load(str(path)).state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in model.state_dict().items())


# MARK: facebookresearch/dinov2

def facebook_names(state: dict) -> OrderedDict:
    """transformers' DINOv2 under the names of the repository that it was converted from."""
    renamed: OrderedDict[str, torch.Tensor] = OrderedDict()
    for key, value in state.items():
        key = re.sub(r"^dinov2(_with_registers)?\.", "", key)
        for old, new in [
            ("embeddings.cls_token", "cls_token"), ("embeddings.mask_token", "mask_token"),
            ("embeddings.register_tokens", "register_tokens"), ("embeddings.position_embeddings", "pos_embed"),
            ("embeddings.patch_embeddings.projection", "patch_embed.proj"), ("encoder.layer.", "blocks."),
            ("layer_scale1.lambda1", "ls1.gamma"), ("layer_scale2.lambda1", "ls2.gamma"),
            ("attention.output.dense", "attn.proj"), ("mlp.weights_in", "mlp.w12"), ("mlp.weights_out", "mlp.w3"),
            ("layernorm.", "norm."), ("classifier.", "linear_head."),
        ]:
            key = key.replace(old, new)
        if match := re.match(r"(blocks\.\d+\.)attention\.attention\.(query|key|value)\.(\w+)", key):
            name = f"{match[1]}attn.qkv.{match[3]}"
            renamed[name] = torch.cat([renamed[name], value]) if name in renamed else value
        else:
            renamed[key] = value
    return renamed


def disk_state(model, folder: Path) -> dict:
    model.save_pretrained(folder)
    state = safetensors.torch.load_file(folder / "model.safetensors")
    shutil.rmtree(folder)
    # Queries before keys before values, as the fused tensor has them.
    rank = {"query": 0, "key": 1, "value": 2}
    return dict(sorted(state.items(), key=lambda item: next((rank[w] for w in rank if f".{w}." in item[0]), 3)))


def facebook(writer: Writer) -> None:
    """Weights and logits are transformers' own; timm, which reads these names, must agree on the features."""
    plain = transformers.Dinov2Config(**{**DINO_SIZES, "num_hidden_layers": 4}, **CLASSES, mlp_ratio=2)
    registers = transformers.Dinov2WithRegistersConfig(**DINO_SIZES, **CLASSES, use_swiglu_ffn=True)
    bare = {key: value for key, value in BOTH.items() if key != "labels"}
    for number, (name, model, facts) in enumerate([
        ("dinov2_fb", transformers.Dinov2ForImageClassification(plain), {**DINO, "depth": 4}),
        ("dinov2_fb_registers", transformers.Dinov2WithRegistersForImageClassification(registers),
         {**DINO, **SWIGLU, **FOUR_REGISTERS}),
    ]):
        fill(model, 3400 + number)
        state = facebook_names(disk_state(model, writer.folder / "tmp"))
        backbone = OrderedDict((key, value) for key, value in state.items() if not key.startswith("linear_head"))
        head = {key: value for key, value in state.items() if key.startswith("linear_head")}
        base = model.base_model
        features = {**facts, **NO_CLASSES}
        reference = writer.reference(f"{name}_features", partial(first_row, base), features, 4400 + number)
        assert timm_agrees(backbone, facts, partial(first_row, base))
        save_zip(backbone, writer.folder / f"{name}.pth")
        writer.enter(f"{name}.pth", "timm", reference, features, given=["heads"], ignored=["mask_token"])

        # As the hub's `…_lc` models hold them: the backbone, and a linear map beside it.
        whole = writer.reference(f"{name}_classifier", partial(logits, model), facts, 4410 + number)
        wrapped = OrderedDict(("backbone." + key, value) for key, value in backbone.items()) | head
        save_zip(wrapped, writer.folder / f"{name}_classifier.pth")
        writer.enter(f"{name}_classifier.pth", "timm", whole, {**facts, **bare}, given=["heads"],
                     ignored=["backbone.mask_token"])

        # As training writes them: blocks in two chunks, each block under its number in the whole model.
        half = facts["depth"] // 2
        chunked = OrderedDict(
            (re.sub(r"^blocks\.(\d+)", lambda m: f"blocks.{int(m[1]) // half}.{m[1]}", key), value)
            for key, value in backbone.items())
        save_zip({"teacher": OrderedDict(("backbone." + key, value) for key, value in chunked.items())},
                 writer.folder / f"{name}_chunked.pth")
        writer.enter(f"{name}_chunked.pth", "dinov2", reference, features, given=["heads"],
                     ignored=["teacher.backbone.mask_token"])


def timm_agrees(state: dict, facts: dict, run) -> bool:
    swiglu = facts["mlp"] == "swiglu-packed"
    model = TimmVisionTransformer(
        img_size=32, patch_size=8, embed_dim=24, depth=facts["depth"], num_heads=3, num_classes=0, init_values=1e-5,
        mlp_ratio=128 / 24 if swiglu else 2, reg_tokens=facts["registers"], no_embed_class=facts["registers"] > 0,
        **(dict(mlp_layer=timm.layers.SwiGLUPacked, act_layer=nn.SiLU) if swiglu else {})).eval()
    model.load_state_dict(checkpoint_filter_fn(dict(state), model))
    images = images_for(facts, 7)
    with torch.no_grad():
        return torch.allclose(model(images), run(images), atol=2e-6)


# MARK: timm's folders on the hub

def timm_hub(writer: Writer) -> None:
    sizes = dict(img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2, num_classes=10)
    model = timm.create_model("vit_small_patch16_224", pretrained=False, **sizes)
    fill(model, 3500)
    facts = {**BASE, "labels": LABELS, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    reference = writer.reference("timm_hub", model, facts, 4500)
    save_for_hf(model, writer.folder / "timm_hub", model_config={"label_names": LABELS}, safe_serialization="both")
    (writer.folder / "timm_hub" / "pytorch_model.bin").unlink()
    writer.enter("timm_hub", "timm", reference, facts)

    # Average pooling before the final norm: only config.json says so.
    sizes.update(global_pool="avg", fc_norm=False)
    model = timm.create_model("vit_small_patch16_224", pretrained=False, **sizes)
    fill(model, 3501)
    facts = {**BASE, "pool": "avg", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    reference = writer.reference("timm_hub_avg", model, facts, 4501)
    save_for_hf(model, writer.folder / "timm_hub_avg", safe_serialization=True)
    writer.enter("timm_hub_avg", "timm", reference, facts)
