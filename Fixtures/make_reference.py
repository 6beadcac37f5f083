#!/usr/bin/env python3
"""Write a reference for `vit-convert verify`: an input, the logits and the activations, from timm.

  make_reference.py vit_base_patch16_224 ref.npz --save-checkpoint model.pth
      a model of timm's with seeded random weights (no network is needed), the weights saved beside it

  make_reference.py jx_vit_base_patch16_224_in21k.pth ref.npz --timm-model vit_base_patch16_224
      the weights of a checkpoint; its pre-logits layer, which timm dropped, is put back

  make_reference.py my_vit.pth ref.safetensors --heads 3
      a checkpoint of a size that timm has no name for: all but the heads is told from the shapes

The file holds `input` [B, C, H, W], `logits` [B, classes] and each activation under the name of timm's
module that put it out (`patch_embed`, `blocks.0.attn.qkv`, `norm`, …), all float32.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections import OrderedDict
from functools import partial
from pathlib import Path

try:
    import numpy as np
    import safetensors.torch
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        # PyTorch for CPU beside a torchvision for CUDA: its operators do not load. timm imports them, and no
        # Vision Transformer uses them, so those that torchvision insists on are declared and no more.
        for loaded in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[loaded]
        _operators = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            _operators.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import timm
    from timm.layers import GELUTanh, LayerNorm, QuickGELU, SwiGLU, SwiGLUPacked, resample_abs_pos_embed
    from timm.models.deit import VisionTransformerDistilled
    from timm.models.vision_transformer import VisionTransformer
    from torch import nn
except ImportError as missing:
    sys.exit(f"make_reference.py: {missing}; install what it needs with "
             "`pip install -r Fixtures/requirements.txt`")


class Failure(Exception):
    """What the user did wrong, or what a file lacks, in words."""


# MARK: The model

class VisionTransformerWithPreLogits(VisionTransformer):
    """timm's Vision Transformer with the representation layer (linear, tanh) that timm had until 0.6."""

    def __init__(self, *args, pre_logits_size: int, **kwargs):
        super().__init__(*args, **kwargs)
        classes = self.num_classes
        self.pre_logits = nn.Sequential(OrderedDict(fc=nn.Linear(self.embed_dim, pre_logits_size), act=nn.Tanh()))
        # Set anew, so that the head follows the pre-logits in the order of the state dictionary.
        del self.head
        self.head = nn.Linear(pre_logits_size, classes) if classes else nn.Identity()

    def forward_head(self, x, pre_logits: bool = False):
        x = self.head_drop(self.pre_logits(self.fc_norm(self.pool(x))))
        return x if pre_logits else self.head(x)


ACTIVATION_LAYERS = {"exact": nn.GELU, "tanh": GELUTanh, "quick": QuickGELU}


def build(arguments: dict) -> VisionTransformer:
    """A Vision Transformer from timm's arguments; `distilled` and `pre_logits_size` choose the class."""
    arguments = dict(arguments)
    distilled, pre_logits_size = arguments.pop("distilled", False), arguments.pop("pre_logits_size", 0)
    if distilled:
        return VisionTransformerDistilled(**arguments)
    if pre_logits_size:
        return VisionTransformerWithPreLogits(pre_logits_size=pre_logits_size, **arguments)
    return VisionTransformer(**arguments)


def model_arguments(name: str) -> dict:
    """The arguments with which timm builds the model of this name (the entry point is run with a recorder)."""
    if name not in timm.list_models():
        near = timm.list_models(f"*{name}*")[:8]
        raise Failure(f"timm {timm.__version__} has no model named {name!r}"
                      + (f"; near it: {', '.join(near)}" if near else ""))
    with torch.device("meta"):
        model = timm.create_model(name)
    if not isinstance(model, VisionTransformer):
        raise Failure(f"{name} is a {type(model).__name__}; only Vision Transformers are known here")
    arguments = infer_arguments(model.state_dict(), model.blocks[0].attn.num_heads, model.patch_embed.img_size)
    if not arguments["distilled"]:
        arguments.update(global_pool=model.global_pool, no_embed_class=model.no_embed_class)
    arguments["norm_layer"] = partial(LayerNorm, eps=model.blocks[0].norm1.eps)
    activation = getattr(model.blocks[0].mlp, "act", None)
    if activation is not None:
        arguments["act_layer"] = type(activation)
    if isinstance(model.norm, nn.LayerNorm) and model.global_pool == "avg":
        arguments["fc_norm"] = False
    return arguments


def infer_arguments(state: dict, heads: int | None = None, image_size: tuple[int, int] | None = None) -> dict:
    """timm's arguments from the names and shapes of a state dictionary alone."""
    try:
        patch_weight, width = state["patch_embed.proj.weight"], state["blocks.0.norm1.weight"].shape[0]
    except KeyError as missing:
        raise Failure(f"no {missing} in the checkpoint: these are not timm's names") from None
    if patch_weight.ndim != 4:
        raise Failure("the patch weight is not a convolution's; give --timm-model")
    depth = 1 + max(int(match[1]) for key in state if (match := re.match(r"blocks\.(\d+)\.", key)))
    heads = heads or (width // 64 if width % 64 == 0 else None)
    if heads is None:
        raise Failure(f"the number of heads cannot be told from a width of {width}; give --heads")

    distilled = "dist_token" in state
    registers = state["reg_token"].shape[1] if "reg_token" in state else 0
    class_token = "cls_token" in state
    prefix = int(class_token) + int(distilled) + registers
    rows = state["pos_embed"].shape[1]
    patches = rows - prefix
    patch = tuple(patch_weight.shape[2:])
    if image_size:  # a size that the rows do not fit either way is resampled to
        no_embed_class = rows == (image_size[0] // patch[0]) * (image_size[1] // patch[1])
    else:
        no_embed_class = math.isqrt(patches) ** 2 != patches and math.isqrt(rows) ** 2 == rows
        grid = math.isqrt(rows if no_embed_class else patches)
        if not no_embed_class and grid * grid != patches:
            raise Failure(f"{patches} patches make no square; give --image-size HxW")
        image_size = (grid * patch[0], grid * patch[1])

    pre_logits = state["pre_logits.fc.weight"].shape[0] if "pre_logits.fc.weight" in state else 0
    swiglu = "blocks.0.mlp.fc1_g.weight" in state
    hidden = state["blocks.0.mlp.fc1_g.weight" if swiglu else "blocks.0.mlp.fc1.weight"].shape[0]
    packed = not swiglu and state["blocks.0.mlp.fc2.weight"].shape[1] * 2 == hidden
    arguments = dict(
        img_size=image_size, patch_size=patch, in_chans=patch_weight.shape[1],
        num_classes=state["head.weight"].shape[0] if "head.weight" in state else 0,
        embed_dim=width, depth=depth, num_heads=heads, mlp_ratio=(hidden + 0.5) / width,
        qkv_bias="blocks.0.attn.qkv.bias" in state, qk_norm="blocks.0.attn.q_norm.weight" in state,
        class_token=class_token, reg_tokens=registers, no_embed_class=no_embed_class,
        init_values=1e-5 if "blocks.0.ls1.gamma" in state else None, pre_norm="norm_pre.weight" in state,
        global_pool="map" if "attn_pool.latent" in state else "avg" if "fc_norm.weight" in state or not class_token
        else "token",
        fc_norm="fc_norm.weight" in state, distilled=distilled, pre_logits_size=0 if distilled else pre_logits,
    )
    if swiglu or packed:
        arguments.update(mlp_layer=SwiGLU if swiglu else SwiGLUPacked, act_layer=nn.SiLU,
                         scale_mlp_norm="blocks.0.mlp.norm.weight" in state)
    if distilled:
        for unused in ("class_token", "reg_tokens", "global_pool"):
            arguments.pop(unused)
    return arguments


@torch.no_grad()
def fill_with_noise(model: nn.Module, seed: int) -> None:
    """Every parameter drawn anew, at a scale at which all of them are felt in the logits.

    timm's own initialisation leaves biases at 0 and norms at 1, which would hide a missing one.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith(".gamma"):
            parameter.copy_(0.6 + 0.2 * noise)
        elif re.search(r"norm\w*\.weight$", name):
            parameter.copy_(1 + 0.3 * noise)
        elif parameter.ndim >= 2 and name.endswith("weight"):
            gain = 1.5 if "qkv" in name else 1.0
            parameter.copy_(noise * gain / math.sqrt(parameter[0].numel()))
        else:
            parameter.copy_(noise * (0.3 if parameter.ndim >= 2 else 0.2))


# MARK: Checkpoints

NESTS = ("state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema", "teacher", "student", "net")
PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "encoder.", "net.")
IGNORED = re.compile(r"mask_token$|decoder_|(?<!pre_logits\.)fc\.dummy")


def load_state(path: Path, select: str | None, trust_pickle: bool) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint under timm's names, without nests and prefixes."""
    if not path.is_file():
        raise Failure(f"{path}: no such file")
    try:
        if path.suffix == ".safetensors":
            found = safetensors.torch.load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=not trust_pickle)
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        # torch's message begins with advice; what it met stands in a later line.
        told = next((line.partition("WeightsUnpickler error:")[2].strip() or "it is no checkpoint of torch's"
                     for line in lines if "WeightsUnpickler error:" in line), lines[0])
        hint = "\nIf you trust the file, --trust-pickle loads it in full." if "Unsupported global" in told else ""
        raise Failure(f"{path} cannot be loaded: {told}{hint}") from None
    if isinstance(found, nn.Module):
        found = found.state_dict()

    for key in select.split(".") if select else ():
        if key not in found:
            raise Failure(f"{path}: no {key!r} among {', '.join(map(str, found))}")
        found = found[key]
    while not any(isinstance(value, torch.Tensor) for value in found.values()):
        nest = next((key for key in NESTS if isinstance(found.get(key), dict)), None)
        if nest is None:
            raise Failure(f"{path}: no weights found under {', '.join(map(str, found))}; give --select")
        found = found[nest]

    state = {key: value for key, value in found.items() if isinstance(value, torch.Tensor)}
    while prefix := next((p for p in PREFIXES if any(k.startswith(p) for k in state)), None):
        state = {key[len(prefix):]: value for key, value in state.items() if key.startswith(prefix)}
    renamed = {re.sub(r"\.gamma_(\d)$", r".ls\1.gamma", key): value.float() for key, value in state.items()}
    return {key: value for key, value in renamed.items() if not IGNORED.search(key)}


def fit(state: dict, model: VisionTransformer) -> None:
    """Load `state` into `model`; old patch weights are reshaped, the position embedding is resampled."""
    weight = model.patch_embed.proj.weight
    if state["patch_embed.proj.weight"].ndim == 2:
        state["patch_embed.proj.weight"] = state["patch_embed.proj.weight"].reshape(weight.shape)
    if "pos_embed" in state and state["pos_embed"].shape != model.pos_embed.shape:
        prefix = 0 if model.no_embed_class else model.num_prefix_tokens
        print(f"pos_embed resampled from {state['pos_embed'].shape[1]} to {model.pos_embed.shape[1]} rows",
              file=sys.stderr)
        state["pos_embed"] = resample_abs_pos_embed(
            state["pos_embed"], new_size=model.patch_embed.grid_size, num_prefix_tokens=prefix)
    wanted = model.state_dict()
    faults = [f"missing {key}" for key in wanted if key not in state]
    faults += [f"unexpected {key}" for key in state if key not in wanted]
    faults += [f"{key}: the checkpoint has {list(state[key].shape)}, the model {list(wanted[key].shape)}"
               for key in wanted if key in state and state[key].shape != wanted[key].shape]
    if faults:
        raise Failure("the checkpoint does not fit the model:\n  " + "\n  ".join(faults[:20])
                      + (f"\n  and {len(faults) - 20} more" if len(faults) > 20 else ""))
    model.load_state_dict(state)


# MARK: The forward pass

def is_recorded(name: str, module: nn.Module, which: str) -> bool:
    if which == "none" or not name:
        return False
    if which == "blocks":
        return re.fullmatch(r"patch_embed|pos_drop|norm_pre|blocks\.\d+|norm|fc_norm|pre_logits|head|head_dist",
                            name) is not None and not isinstance(module, nn.Identity)
    # The patch convolution's own layout is not a token sequence; `blocks` equals its last block.
    if name in ("patch_embed.proj", "blocks"):
        return False
    return name == "pos_drop" or not isinstance(module, (nn.Identity, nn.Dropout))


@torch.no_grad()
def forward(model: nn.Module, images: torch.Tensor, which: str = "all") -> OrderedDict[str, torch.Tensor]:
    """`input`, then every recorded activation in the order of execution, then `logits`."""
    record: OrderedDict[str, torch.Tensor] = OrderedDict(input=images.contiguous())

    def keep(name):
        def hook(module, inputs, output):
            if isinstance(output, torch.Tensor):
                record[name] = output.detach().clone().contiguous()
        return hook

    hooks = [module.register_forward_hook(keep(name)) for name, module in model.named_modules()
             if is_recorded(name, module, which)]
    try:
        record["logits"] = model.eval()(images).detach().clone().contiguous()
    finally:
        for hook in hooks:
            hook.remove()
    return record


def write(record: dict[str, torch.Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    if path.suffix == ".npz":
        np.savez(path, **{name: tensor.numpy() for name, tensor in record.items()})
    elif path.suffix == ".safetensors":
        safetensors.torch.save_file(dict(record), path, metadata=metadata)
    else:
        raise Failure(f"{path}: a reference is an .npz or a .safetensors file")


def save_checkpoint(model: nn.Module, path: Path, legacy: bool) -> None:
    if path.suffix == ".safetensors":
        safetensors.torch.save_file({key: value.contiguous() for key, value in model.state_dict().items()}, path)
    else:
        torch.save(model.state_dict(), path, _use_new_zipfile_serialization=not legacy)


def load_image(path: Path, size: tuple[int, int], channels: int) -> torch.Tensor:
    """A picture as the model takes it: resized to its size, values from −1 to 1 (mean and std 0.5)."""
    try:
        from PIL import Image
        picture = Image.open(path).convert("RGB" if channels == 3 else "L")
    except (ImportError, OSError) as error:
        raise Failure(f"{path}: {error}") from None
    pixels = np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BICUBIC), dtype=np.float32)
    pixels = pixels.reshape(*size, channels) / 127.5 - 1
    return torch.from_numpy(pixels).permute(2, 0, 1)[None]


# MARK: The command

def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", help="the name of a timm model, or a checkpoint (.pth, .safetensors)")
    parser.add_argument("out", metavar="OUT", type=Path, help="the reference to write (.npz or .safetensors)")

    weights = parser.add_argument_group("weights")
    weights.add_argument("--checkpoint", type=Path, metavar="FILE", help="load these weights into MODEL")
    weights.add_argument("--timm-model", metavar="NAME", help="the timm model that a checkpoint given as MODEL fits")
    weights.add_argument("--pretrained", action="store_true", help="timm's published weights (needs the network)")
    weights.add_argument("--select", metavar="PATH", help="which nested dictionary holds the weights (model_ema, say)")
    weights.add_argument("--trust-pickle", action="store_true",
                         help="load a checkpoint that holds more than tensors; it may run code of its own")
    weights.add_argument("--init", choices=("noise", "timm"), default="noise",
                         help="random weights: noise in every parameter (default), or timm's own initialisation")
    weights.add_argument("--save-checkpoint", type=Path, metavar="FILE", help="save the weights that were used")
    weights.add_argument("--legacy", action="store_true", help="save in torch's serialisation before 1.6")

    form = parser.add_argument_group("the model's form, where it differs from the name's or the shapes'")
    form.add_argument("--image-size", metavar="N|HxW", help="the image's height and width")
    form.add_argument("--num-classes", type=int, metavar="N", help="the number of classes; 0 gives the features")
    form.add_argument("--heads", type=int, metavar="N", help="the number of attention heads")
    form.add_argument("--pre-logits", action="store_true", help="with a representation layer (linear, tanh)")
    form.add_argument("--pool", choices=("token", "avg", "map"), help="how the tokens become one row")
    form.add_argument("--gelu", choices=tuple(ACTIVATION_LAYERS), help="which form of GELU (default: exact)")
    form.add_argument("--layer-norm-epsilon", type=float, metavar="X", help="(default: 1e-6)")

    run = parser.add_argument_group("the forward pass")
    run.add_argument("--image", type=Path, metavar="FILE", help="a picture in place of seeded noise")
    run.add_argument("--seed", type=int, default=0, metavar="N", help="for the input and random weights (default: 0)")
    run.add_argument("--batch", type=int, default=1, metavar="N", help="images of noise (default: 1)")
    run.add_argument("--activations", choices=("all", "blocks", "none"), default="all",
                     help="which activations to write (default: all)")
    return parser.parse_args(arguments)


def parse_image_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    if not match:
        raise Failure(f"--image-size {text}: expected N or HxW")
    return int(match[1]), int(match[2] or match[1])


def make_model(options: argparse.Namespace) -> VisionTransformer:
    checkpoint, name = options.checkpoint, options.model
    if Path(options.model).suffix or Path(options.model).is_file():
        checkpoint, name = Path(options.model), options.timm_model
    state = load_state(checkpoint, options.select, options.trust_pickle) if checkpoint else None
    if options.pretrained:
        if checkpoint:
            raise Failure("--pretrained and a checkpoint exclude one another")
        state = timm.create_model(name, pretrained=True).state_dict()

    image_size = parse_image_size(options.image_size) if options.image_size else None
    arguments = model_arguments(name) if name else infer_arguments(state, options.heads, image_size)
    if state is not None:
        arguments["num_classes"] = state["head.weight"].shape[0] if "head.weight" in state else 0
        if "pre_logits.fc.weight" in state:
            arguments["pre_logits_size"] = state["pre_logits.fc.weight"].shape[0]
    if options.pre_logits:
        arguments["pre_logits_size"] = arguments["embed_dim"]
    if image_size:
        arguments["img_size"] = image_size
    if options.num_classes is not None:
        arguments["num_classes"] = options.num_classes
        if state is not None and options.num_classes == 0:
            state = {key: value for key, value in state.items() if not key.startswith(("head.", "head_dist."))}
    if options.heads:
        arguments["num_heads"] = options.heads
    if options.pool:
        arguments["global_pool"] = options.pool
    if options.gelu:
        arguments["act_layer"] = ACTIVATION_LAYERS[options.gelu]
    if options.layer_norm_epsilon:
        arguments["norm_layer"] = partial(LayerNorm, eps=options.layer_norm_epsilon)

    torch.manual_seed(options.seed)
    model = build(arguments)
    if state is not None:
        fit(state, model)
    elif options.init == "noise":
        fill_with_noise(model, options.seed)
    return model.float().eval()


def main() -> None:
    options = parse()
    try:
        if options.out.suffix not in (".npz", ".safetensors"):
            raise Failure(f"{options.out}: a reference is an .npz or a .safetensors file")
        model = make_model(options)
        size, channels = model.patch_embed.img_size, model.patch_embed.proj.in_channels
        if options.image:
            images = load_image(options.image, size, channels)
        else:
            noise = torch.Generator().manual_seed(options.seed + 1)
            images = torch.randn(options.batch, channels, *size, generator=noise)
        record = forward(model, images, options.activations)
        write(record, options.out)
        if options.save_checkpoint:
            save_checkpoint(model, options.save_checkpoint, options.legacy)
        parameters = sum(parameter.numel() for parameter in model.parameters())
        print(f"{options.out}: input {list(images.shape)}, logits {list(record['logits'].shape)}, "
              f"{len(record) - 2} activations, from {parameters:,} parameters")
    except Failure as failure:
        sys.exit(f"make_reference.py: {failure}")


if __name__ == "__main__":
    main()
