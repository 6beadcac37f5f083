"""One engine's forward pass in a process of its own: `python engines.py ENGINE FOLDER --threads N --seconds S`.

FOLDER is one that workloads.py exported. Prints the median of the passes that fit into the time; wrong logits are a
failure, so nobody computes less.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Callable

import numpy as np

Forward = Callable[[np.ndarray], np.ndarray]
LARGEST_ERROR = 1e-4  # of the largest logit; float32 in another order
PAUSE = 0.04  # between passes, as vit-convert benchmark has it


def torch_eager(folder: Path, about: dict, threads: int) -> Forward:
    from peer_jobs import import_timm
    timm = import_timm()
    import torch
    torch.set_num_threads(threads)
    model = timm.create_model(about["name"], pretrained=False).eval()
    model.load_state_dict(torch.load(folder / "weights.pth", weights_only=True))

    def forward(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(images)).numpy()
    return forward


def onnxruntime(folder: Path, about: dict, threads: int) -> Forward:
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(["logits"], {"images": images})[0]


def openvino(folder: Path, about: dict, threads: int) -> Forward:
    import openvino
    compiled = openvino.Core().compile_model(folder / "model.onnx", "CPU", {
        "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY",
        "EXECUTION_MODE_HINT": "ACCURACY"})
    request = compiled.create_infer_request()
    return lambda images: request.infer({0: images})[0]


ENGINES = {"torch": torch_eager, "onnxruntime": onnxruntime, "openvino": openvino}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    started = time.perf_counter()
    forward = ENGINES[options.engine](options.folder, json.loads((options.folder / "about.json").read_text()),
                                      options.threads)
    ready = time.perf_counter() - started
    images, expected = np.load(options.folder / "images.npy"), np.load(options.folder / "logits.npy")
    error = float(np.abs(forward(images) - expected).max() / np.abs(expected).max())
    if not error <= LARGEST_ERROR:
        sys.exit(f"the logits' error is {error:.1e} of their scale")
    passes = []
    until = time.perf_counter() + options.seconds
    while len(passes) < 3 or time.perf_counter() < until:
        time.sleep(PAUSE)
        began = time.perf_counter()
        forward(images)
        passes.append(time.perf_counter() - began)
    print(json.dumps({"seconds": statistics.median(passes), "fastest": min(passes), "slowest": max(passes),
                      "passes": len(passes), "ready": ready, "error": error}))


if __name__ == "__main__":
    main()
