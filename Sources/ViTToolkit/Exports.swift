// One import gives the user of the library everything that the façade hands out or takes.
@_exported import Checkpoints
@_exported import Layers
@_exported import Parity
@_exported import Pictures
@_exported import TensorCore
@_exported import Transformer
@_exported import ViT
@_exported import WeightMapping
