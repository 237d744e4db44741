"""bfloat16 against float32: images a second and validation accuracy of keras_cnn, and the test
accuracy of three epochs on the whole of MNIST.

    MNIST_ROOT=... python scripts/bench_precision.py --save
"""

import statistics
import tempfile
from pathlib import Path
from typing import Any

import bench_common as bench


def run(precision: str, seed: int, epochs: int) -> dict[str, float]:
    """Train through the runner; return the rate and the final figures."""
    import contextlib
    import io

    import numpy as np

    from runner.__main__ import main

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        with contextlib.redirect_stdout(io.StringIO()):
            status = main(
                [
                    "dataset=mnist",
                    f"dataset.root={Path(bench.mnist_root()).resolve()}",
                    "schedule=cosine",
                    f"precision={precision}",
                    f"seed={seed}",
                    f"train.epochs={epochs}",
                    "train.eval_every=100%",
                ]
            )
        assert status == 0
        (file,) = Path("mlartifacts").rglob("records.npz")
        with np.load(file) as records:
            seconds = (records["time_ms"][-1] - records["time_ms"][0]) / 1000
            return {
                "images_per_s": 54_000 * epochs / seconds,
                "val_accuracy": 100 * float(records["val/accuracy"][-1]),
                "test_accuracy": 100 * float(records["test/accuracy"][-1]),
            }


def main() -> None:
    """Measure one epoch of both precisions in turn over seeds, then three epochs."""
    args = bench.arguments(__doc__).parse_args()
    root = Path(bench.mnist_root()).resolve()
    import os

    os.environ["MNIST_ROOT"] = str(root)
    found: dict[str, list[dict[str, float]]] = {"float32": [], "bfloat16": []}
    for seed in range(args.repeats):
        for precision, results in found.items():
            results.append(run(precision, seed, epochs=1))
            print(precision, seed, results[-1], flush=True)
    speeds = {p: [r["images_per_s"] for r in results] for p, results in found.items()}
    means = {p: statistics.mean(r["val_accuracy"] for r in rs) for p, rs in found.items()}
    long = run("bfloat16", 0, epochs=3)
    result: dict[str, Any] = {
        "bfloat16_over_float32": bench.ratios(speeds["bfloat16"], speeds["float32"]),
        "images_per_s": {p: round(statistics.median(s)) for p, s in speeds.items()},
        "val_accuracy_mean": {p: round(mean, 3) for p, mean in means.items()},
        "val_accuracy_difference": round(means["bfloat16"] - means["float32"], 3),
        "three_epochs_bfloat16_test_accuracy": round(long["test_accuracy"], 2),
        "three_epochs_float32_test_accuracy": round(
            run("float32", 0, epochs=3)["test_accuracy"], 2
        ),
    }
    bench.report("precision", result, args.save)


if __name__ == "__main__":
    main()
