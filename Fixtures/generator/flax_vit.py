"""Vision Transformers in flax.linen whose parameters have the names that Google's code gives them.

Three generations of names for the same computation:
- "released": the checkpoints that came with the papers (`ViT-B_16.npz`, augreg), from before flax.linen;
- "linen": google-research/vision_transformer today, where flax.linen numbers the modules of each kind by itself;
- "big_vision": google-research/big_vision, whose positions stand at the top and count patches only.
"""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp

# What flax.linen would number by kind, the older flax numbered in the order of use.
NAMES = {
    "released": ("LayerNorm_0", "MultiHeadDotProductAttention_1", "LayerNorm_2", "MlpBlock_3"),
    "linen": ("LayerNorm_0", "MultiHeadDotProductAttention_0", "LayerNorm_1", "MlpBlock_0"),
    "big_vision": (None, None, None, None),  # as flax.linen numbers them
}


class MlpBlock(nn.Module):
    hidden: int

    @nn.compact
    def __call__(self, x):
        width = x.shape[-1]
        x = nn.gelu(nn.Dense(self.hidden)(x))  # flax's default: the approximation by tanh
        return nn.Dense(width)(x)


class Block(nn.Module):
    heads: int
    hidden: int
    style: str

    @nn.compact
    def __call__(self, x):
        norm1, attention, norm2, mlp = NAMES[self.style]
        y = nn.LayerNorm(name=norm1)(x)
        x = x + nn.MultiHeadDotProductAttention(num_heads=self.heads, name=attention)(y, y)
        y = nn.LayerNorm(name=norm2)(x)
        return x + MlpBlock(self.hidden, name=mlp)(y)


class ScannedBlock(Block):
    """A block that hands its result on as `nn.scan` wants it."""

    @nn.compact
    def __call__(self, x):
        return super().__call__(x), None


class Positions(nn.Module):
    @nn.compact
    def __call__(self, x):
        return x + self.param("pos_embedding", nn.initializers.normal(0.02), (1, *x.shape[1:]))


class Encoder(nn.Module):
    depth: int
    heads: int
    hidden: int
    style: str
    scan: bool

    @nn.compact
    def __call__(self, x):
        if self.style != "big_vision":
            x = Positions(name="posembed_input")(x)
        if self.scan:
            blocks = nn.scan(ScannedBlock, variable_axes={"params": 0}, split_rngs={"params": True}, length=self.depth)
            x, _ = blocks(self.heads, self.hidden, self.style, name="encoderblock")(x)
        else:
            for index in range(self.depth):
                x = Block(self.heads, self.hidden, self.style, name=f"encoderblock_{index}")(x)
        return nn.LayerNorm(name="encoder_norm")(x)


class MAPHead(nn.Module):
    heads: int
    hidden: int

    @nn.compact
    def __call__(self, x):
        probe = self.param("probe", nn.initializers.xavier_uniform(), (1, 1, x.shape[-1]))
        x = nn.MultiHeadDotProductAttention(num_heads=self.heads)(jnp.tile(probe, (x.shape[0], 1, 1)), x)
        y = nn.LayerNorm()(x)
        return (x + MlpBlock(self.hidden)(y))[:, 0]


class ViT(nn.Module):
    """Images [B, H, W, 3] → logits, or features when `classes` is 0."""

    style: str = "released"
    patch: int = 8
    width: int = 24
    depth: int = 2
    heads: int = 3
    hidden: int = 48
    classes: int = 10
    representation: int = 0
    pool: str = "tok"  # tok, gap (without a class token), map
    scan: bool = False

    @nn.compact
    def __call__(self, images):
        x = nn.Conv(self.width, (self.patch, self.patch), strides=(self.patch, self.patch), padding="VALID",
                    name="embedding")(images)
        x = x.reshape(x.shape[0], -1, self.width)
        if self.style == "big_vision":
            x = x + self.param("pos_embedding", nn.initializers.normal(0.02), (1, *x.shape[1:]))
        if self.pool == "tok":
            token = self.param("cls", nn.initializers.zeros, (1, 1, self.width))
            x = jnp.concatenate([jnp.tile(token, (x.shape[0], 1, 1)), x], axis=1)
        x = Encoder(self.depth, self.heads, self.hidden, self.style, self.scan, name="Transformer")(x)
        if self.pool == "map":
            x = MAPHead(self.heads, self.hidden)(x)
        else:
            x = x[:, 0] if self.pool == "tok" else x.mean(axis=1)
        if self.representation:
            x = jnp.tanh(nn.Dense(self.representation, name="pre_logits")(x))
        return nn.Dense(self.classes, name="head")(x) if self.classes else x
