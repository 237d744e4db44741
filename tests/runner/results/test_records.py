"""Records as arrays and as metric points."""

from math import inf, log
from pathlib import Path

import numpy as np
import pytest

from runner.results.events import Chunk, Evaluation
from runner.results.records import Records


def chunk(start: int, n: int) -> Chunk:
    steps = np.arange(start, start + n)
    return Chunk(
        start=start,
        columns={
            "train/lr": 0.1 / (1 + steps),
            "train/loss": np.float32(2.5) - steps.astype(np.float32),
            "train/grad_norm": steps.astype(np.float32) ** 2,
            "train/clipped": steps % 2 == 1,
        },
        time_ms=1_700_000_000_000 + steps,
    )


def test_a_chunk_gives_four_points_a_step() -> None:
    assert list(chunk(3, 1).points()) == [
        ("train/lr", 0.025, 1_700_000_000_003, 3),
        ("train/loss", -0.5, 1_700_000_000_003, 3),
        ("train/grad_norm", 9.0, 1_700_000_000_003, 3),
        ("train/clipped", 1.0, 1_700_000_000_003, 3),
    ]


def test_points_are_plain_numbers() -> None:
    kinds = {tuple(type(part) for part in point) for point in chunk(0, 3).points()}
    assert kinds == {(str, float, int, int)}


def test_a_part_of_a_chunk_keeps_its_start() -> None:
    part = chunk(10, 5)[:2]
    assert (part.start, len(part)) == (10, 2)
    assert part.columns["train/grad_norm"].tolist() == [100.0, 121.0]


def test_an_evaluation_gives_a_point_a_metric_at_its_step() -> None:
    evaluation = Evaluation(200, {"val/loss": 0.3, "val/accuracy": 0.9}, 1_700_000_000_000)
    assert list(evaluation.points()) == [
        ("val/loss", 0.3, 1_700_000_000_000, 200),
        ("val/accuracy", 0.9, 1_700_000_000_000, 200),
    ]


def test_arrays_join_the_chunks_and_align_metrics_with_their_steps() -> None:
    records = Records()
    for event in (
        chunk(0, 2),
        Evaluation(2, {"val/loss": 0.5}, 0),
        chunk(2, 3),
        Evaluation(5, {"val/loss": 0.25, "test/loss": 0.75}, 0),
    ):
        records.hear(event)
    arrays = records.arrays()
    assert arrays["step"].tolist() == [0, 1, 2, 3, 4]
    assert arrays["train/lr"].tolist() == [0.1 / (1 + t) for t in range(5)]
    assert arrays["train/lr"].dtype == np.float64
    assert arrays["train/clipped"].tolist() == [False, True, False, True, False]
    assert (arrays["val/loss@step"].tolist(), arrays["val/loss"].tolist()) == ([2, 5], [0.5, 0.25])
    assert (arrays["test/loss@step"].tolist(), arrays["test/loss"].tolist()) == ([5], [0.75])


def test_a_run_without_updates_has_empty_arrays() -> None:
    arrays = Records().arrays()
    assert {key: len(array) for key, array in arrays.items()} == dict.fromkeys(
        ("step", "train/lr", "train/loss", "train/grad_norm", "train/clipped", "time_ms"), 0
    )


def test_a_saved_file_gives_the_same_arrays(tmp_path: Path) -> None:
    records = Records()
    records.hear(chunk(0, 4))
    records.hear(Evaluation(4, {"val/loss": float("nan")}, 0))
    records.save(tmp_path / "records.npz")
    with np.load(tmp_path / "records.npz") as loaded:
        assert set(loaded) == set(records.arrays())
        for key, array in records.arrays().items():
            np.testing.assert_array_equal(loaded[key], array)
            assert loaded[key].dtype == array.dtype


@pytest.mark.parametrize(
    ("losses", "guess", "note"),
    [
        ([2.0, *[1.0] * 59, *[2.0] * 10], inf, "loss 2 at first, 2 at last"),
        ([2.0, *[3.0] * 69], inf, "loss 2 at first, 3 at last"),
        ([2.5, *[2.29] * 69], log(10), "loss 2.5 at first, 2.29 at last"),
        ([2.0, *[3.0] * 66, *[1.0] * 10], inf, ""),
        ([2.5, *[2.2] * 69], log(10), ""),
        ([2.0, *[3.0] * 48], inf, ""),
    ],
)
def test_a_run_that_ends_where_it_began_says_so(losses, guess: float, note: str) -> None:
    records = Records([Chunk(0, {"train/loss": np.array(losses)}, np.zeros(len(losses)))])
    told = f"training has made nothing better: {note}" if note else ""
    assert records.standstill(10, guess) == told
