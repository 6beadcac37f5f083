#!/usr/bin/env python3
"""Write the fixtures below this folder, with golden listings from the libraries that own the formats.

  generate.py                       all groups but those that need further frameworks, beside this file
  generate.py --only models torch   some of them
  generate.py --out DIR             elsewhere, to compare

The versions are pinned in requirements.txt; the same versions give the same bytes (README.md).
"""

import argparse
import importlib
import os
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
GROUPS = ("models", "torch_containers", "torch_values", "torch_foreign", "torch_script", "torch_old", "refused",
          "numpy_files", "safetensors_files", "kernels", "masks", "compare", "msgpack_files", "hdf5_files",
          "schemes_torch", "rules", "attacks", "sweep", "security", "training",
          "features", "initialisation", "diagnosis", "findings", "pictures", "transformer", "report")
# Groups that need frameworks which do not go together with the others': each runs where its requirements are.
ELSEWHERE = {"schemes_jax": "requirements-jax.txt", "schemes_keras": "requirements-keras.txt",
             "schemes_keras2": "requirements-keras2.txt"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE, metavar="DIR", help="(default: beside this file)")
    parser.add_argument("--only", nargs="+", choices=(*GROUPS, *ELSEWHERE), default=GROUPS, metavar="GROUP",
                        help=", ".join(GROUPS) + "; by themselves " + ", ".join(ELSEWHERE))
    options = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets of strings depends on it
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})

    warnings.filterwarnings("ignore")
    sys.path.insert(0, str(HERE))
    sys.dont_write_bytecode = True
    if not set(options.only) <= {"schemes_keras", "schemes_keras2"}:
        import torch
        torch.set_num_threads(1)  # sums in one order
    for name in options.only:
        if "torch" in sys.modules:
            torch.manual_seed(0)
        importlib.import_module(f"generator.{name}").generate(options.out)
        print(f"{name}: written", flush=True)


if __name__ == "__main__":
    main()
