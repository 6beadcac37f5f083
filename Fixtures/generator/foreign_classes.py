"""Classes as they stand in other people's checkpoints; torch_foreign.py puts them into the modules they claim."""

import copyreg
import enum
from collections import OrderedDict
from dataclasses import dataclass, field

import torch
from torch import nn


def normalise(rows, scale=1.0, shift=None):
    """A function for functools.partial to hold."""
    return rows


class Attention(nn.Module):
    fixture_source = '''class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.register_buffer("mask", torch.ones(2, 2).tril())
        self.register_buffer("cache", torch.zeros(3), persistent=False)
        self.register_buffer("absent", None)
        self.bias = None
        self.plain = torch.arange(3.0)
'''

    def __init__(self, width):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.register_buffer("mask", torch.ones(2, 2).tril())
        self.register_buffer("cache", torch.zeros(3), persistent=False)
        self.register_buffer("absent", None)
        self.register_parameter("bias", None)
        self.plain = torch.arange(3.0)  # an attribute, not a buffer: state_dict() leaves it out
        self.loss = nn.MSELoss()


class Encoder(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.blocks = nn.ModuleList(Attention(width) for _ in range(depth))
        self.scales = nn.ParameterDict({"a": nn.Parameter(torch.ones(2)), "b": nn.Parameter(torch.zeros(1))})
        self.extras = nn.ParameterList([nn.Parameter(torch.full((2,), 3.0))])
        self.history = []  # lists of tensors in plain attributes are left out too
        self.history.append(torch.arange(2))


class TiedModel(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.stem = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, width, 1), norm=nn.BatchNorm2d(width)))
        self.encoder = Encoder(width, 2)
        self.embed = nn.Embedding(5, width)
        self.head = nn.Linear(width, 5, bias=False)
        self.head.weight = self.embed.weight
        self.again = self.embed
        self.normed = torch.nn.utils.weight_norm(nn.Linear(width, 2))
        self.options = {"nested": [1, 2]}


class Shadow(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 2))


class MovingAverage:
    """A plain object: its state is its `__dict__`."""

    def __init__(self):
        self.decay = 0.999
        self.shadow = Shadow()
        self.steps = torch.tensor(7)


class Slotted:
    __slots__ = ("weight", "label")

    def __init__(self):
        self.weight, self.label = torch.arange(2.0), "slots"


class SlottedWithDict(Slotted):
    """BUILD gets a pair: the dictionary and the slots."""

    def __init__(self):
        super().__init__()
        self.extra = torch.arange(3.0)


class Reducing:
    """REDUCE with arguments of its own."""

    def __init__(self, weight, name):
        self.weight, self.name = weight, name

    def __reduce__(self):
        return Reducing, (self.weight, self.name)


class StateIsList:
    def __init__(self):
        self.values = [torch.ones(1), {"deep": torch.zeros(2)}]

    def __getstate__(self):
        return self.values

    def __setstate__(self, state):
        self.values = state


class WithKeywords:
    """NEWOBJ_EX: `__new__` takes keywords."""

    def __new__(cls, size, *, weight):
        self = object.__new__(cls)
        self.size, self.weight = size, weight
        return self

    def __getnewargs_ex__(self):
        return (self.size,), {"weight": self.weight}

    def __getstate__(self):
        return {"size": self.size}


class Registered:
    """Pickled by a function registered with copyreg."""

    def __init__(self, weight):
        self.weight = weight


def rebuild_registered(weight):
    return Registered(weight)


copyreg.pickle(Registered, lambda it: (rebuild_registered, (it.weight,)))


class History(list):
    """A subclass of list with state: APPENDS and BUILD."""

    def __init__(self, *items):
        super().__init__(items)
        self.best = torch.tensor([0.5])


class Registry(dict):
    """A subclass of dict with state: SETITEMS and BUILD."""

    def __init__(self, **items):
        super().__init__(items)
        self.default = torch.tensor([1.5])


class Mode(enum.Enum):
    TRAIN = "train"
    TEST = 2


class Flags(enum.IntFlag):
    A = 1
    B = 2


@dataclass
class Config:
    lr: float = 1e-3
    mode: Mode = Mode.TRAIN
    centre: torch.Tensor = field(default_factory=lambda: torch.tensor([0.485, 0.456, 0.406]))


class AnyNode:
    """As omegaconf's nodes look when pickled."""

    def __init__(self, value, parent):
        self._metadata, self._parent, self._val = {"optional": True, "key": None}, parent, value


class DictConfig:
    def __init__(self, parent=None, **content):
        self._metadata, self._parent = {"ref_type": None}, parent
        self._content = {key: value if isinstance(value, DictConfig) else AnyNode(value, self)
                         for key, value in content.items()}
        for value in self._content.values():
            value._parent = self
