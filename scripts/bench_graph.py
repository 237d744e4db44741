"""Updates as a CUDA graph, and trials as one program, over eager ones; on a machine with a GPU.

Of `mlp` and `keras_cnn` at batch 128 the updates of a run, first to last with no evaluation between
them, and the seconds a trial of several that train one after the other, or as one program.

    python scripts/bench_graph.py --save
"""

import json
import statistics
import sys
import time
from functools import partial
from typing import Any

import bench_common as bench

STEPS = 1000
ROWS = {"mlp": 64, "keras_cnn": 16}
HOWS = ("eager", "graph", "fused")


def settings_of(model: str, how: str, row: int) -> Any:
    """Return the settings of a trial."""
    from runner.config.command_line import word
    from runner.config.composer import Composer

    graph = f"train.graph={'on' if how == 'graph' else 'off'}"
    words = [f"model={model}", "tracking=off", "states=off", "device=cuda", graph]
    words += [f"train.steps={STEPS}", "train.eval_every=100%", f"lr={1e-3 * (1 + row / 64)}"]
    return Composer().settings([word(text) for text in words])


def trained(setup: Any) -> float:
    """Train to the end; return the seconds of an update behind the first chunk."""
    import torch

    from runner.results.events import Chunk

    times: list[int] = []

    def hear(event: Any) -> None:
        if isinstance(event, Chunk):
            torch.cuda.synchronize()
            times.append(time.time_ns())

    setup.train(hear, lambda: False, test=False)
    return (times[-1] - times[0]) / 1e9 / (STEPS - STEPS // len(times))


def child(model: str, how: str) -> dict[str, float]:
    """Measure a way to compute: the seconds of an update of a trial."""
    from runner.build import fusing
    from runner.build.setup import build
    from runner.training.fused import Group

    if how != "fused":
        return {"update_s": trained(build(settings_of(model, how, 0)))}
    rows = ROWS[model]
    group = Group(rows)
    found: list[float] = []

    def one(row: int) -> None:
        setup, why = fusing.as_row(build(settings_of(model, how, row)), group)
        assert not why, why
        found.append(trained(setup))

    group.run([partial(one, row) for row in range(rows)])
    return {"update_s": statistics.mean(found) / rows}


def main() -> None:
    """Measure all ways in turn, each in a process of its own."""
    args = bench.arguments(__doc__).parse_args()
    if args.child:
        print(json.dumps(child(*args.child.split(","))))
        return
    import torch

    if not torch.cuda.is_available():
        sys.exit("this needs a GPU with CUDA, and there is none")
    result: dict[str, Any] = {"steps": STEPS, "rows": ROWS}
    mode = bench.modes(__file__)
    for model in ROWS:
        runs = bench.alternate(args.repeats, **{how: mode(f"{model},{how}") for how in HOWS})
        seconds = {how: [one["update_s"] for one in found] for how, found in runs.items()}
        result[model] = {
            **{
                f"eager_over_{how}": bench.ratios(seconds["eager"], seconds[how])
                for how in HOWS[1:]
            },
            "update_us": {how: round(1e6 * min(found), 1) for how, found in seconds.items()},
        }
    bench.report("graph", result, args.save)


if __name__ == "__main__":
    main()
