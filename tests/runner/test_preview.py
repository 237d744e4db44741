"""python -m runner.preview: exact traces without training."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runner import preview, previews


@pytest.fixture
def look(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Run a preview: its status, its lines and what it complains of."""

    def run(line: str):
        status = preview.main(line.split())
        done = capsys.readouterr()
        return status, done.out.splitlines(), done.err

    return run


def drawn(monkeypatch):
    """What the next picture is made of."""
    found = {}

    def draw(traces, path, **options):
        found.update(traces=traces, path=path, **options)

    monkeypatch.setattr(previews.plot, "draw", draw)
    monkeypatch.setattr(previews.helper, "do", lambda function, *given: function(*given))
    return found


def test_the_rate_at_the_points_that_matter(look, folder) -> None:
    line = "schedule=piecewise warmup=linear warmup.start=0 warmup.steps=10 train.epochs=10"
    status, out, err = look(f"{line} schedule.boundaries=[50%,90%] schedule.factors=[1,0.5,0.1]")
    assert (status, err) == (0, "")
    assert out[0].endswith(": 320 steps, 10 epochs of 32")
    assert [row.split(maxsplit=3) for row in out[1:-2]] == [
        ["step", "epoch", "lr"],
        ["0", "0", "0", "start"],
        ["10", "0.3125", "0.001", "holds"],
        ["165", "5.156", "0.0005", "drops"],
        ["289", "9.031", "0.0001", "drops"],
        ["319", "9.969", "0.0001", "last step"],
    ]
    assert out[-1] == "picture   preview.png"
    assert (folder / "preview.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in folder.iterdir()] == ["preview.png"]


def test_the_picture_has_the_trace_that_a_run_uses(look, command, store, monkeypatch) -> None:
    found = drawn(monkeypatch)
    line = "model=linear schedule=cosine_restarts warmup=linear train.steps=40"
    assert look(line)[0] == 0
    assert found["scales"] == ("linear", "log")
    assert found["steps_per_epoch"] == 32
    (trace,) = found["traces"].values()
    assert command(line).status == 0
    (run,) = store.runs()
    assert trace.tolist() == store.records(run)["train/lr"].tolist()


def test_a_sweep_is_overlaid(look, monkeypatch) -> None:
    found = drawn(monkeypatch)
    status, out, _ = look("-m schedule=exponential,cosine lr=0.1 train.epochs=2,4 --out both.png")
    assert status == 0
    names = [f"{s} train.epochs={n}" for s in ("exponential", "cosine") for n in (2, 4)]
    assert list(found["traces"]) == names
    assert [len(trace) for trace in found["traces"].values()] == [64, 128, 64, 128]
    assert [line for line in out if "epochs of" in line] == [
        f"{name}: {steps} steps, {steps // 32} epochs of 32"
        for name, steps in zip(names, [64, 128, 64, 128], strict=True)
    ]
    assert out[-1] == "picture   both.png"


def test_a_preset_that_is_a_sweep_needs_no_flag(look, monkeypatch) -> None:
    found = drawn(monkeypatch)
    status, out, _ = look("+experiment=quadratic_rates")
    assert status == 0
    assert list(found["traces"]) == ["lr=0.001", "lr=0.2", "lr=1.0", "lr=1.2"]
    assert out[0] == "lr=0.001: 200 steps"
    assert out[1].split() == ["step", "lr"]
    assert found["steps_per_epoch"] is None


def test_what_else_is_scheduled_is_shown_too(look, monkeypatch) -> None:
    found = drawn(monkeypatch)
    status, out, _ = look("+experiment=one_cycle train.steps=100")
    assert status == 0
    assert out[1].split() == ["step", "epoch", "lr", "momentum"]
    peak = next(line for line in out if line.split()[0] == "30")
    assert peak.split(maxsplit=4)[2:] == ["0.1", "0.85", "peak, momentum: valley"]
    (momentum,) = found["others"]["momentum"].values()
    assert momentum[30] == 0.85


def test_a_short_run_has_every_step_as_article_3_prints_it(look) -> None:
    _, out, _ = look("+experiment=tf_piecewise")
    assert out[0] == "tf_piecewise: 20 steps, 0.625 epochs of 32"
    assert out[1].split() == ["step", "lr"]
    rows = [line.split(maxsplit=2) for line in out[2 : out.index("")]]
    assert [int(row[0]) for row in rows] == list(range(20))
    printed = ["0.1"] * 5 + ["0.05"] * 5 + ["0.01"] * 5 + ["0.001"]  # its steps 1 to 16
    assert [row[1] for row in rows[1:17]] == printed
    assert [row[2] for row in rows if row[2:]] == ["start", "drops", "drops", "drops", "last step"]
    _, out, _ = look("+experiment=tf_piecewise train.steps=21")
    assert len(out[2 : out.index("")]) == 5


def test_epochs_are_counted_where_there_is_more_than_one(look) -> None:
    line = "schedule=constant dataset.train_size=40 train.batch_size=10"
    assert look(f"{line} train.steps=4")[1][1].split() == ["step", "lr"]
    rows = look(f"{line} train.steps=5")[1]
    assert [row.split()[:2] for row in rows[1:7:5]] == [["step", "epoch"], ["4", "1"]]


@pytest.mark.parametrize(
    ("words", "layers"),
    [
        ("optimizer.layer_decay=1.0", []),
        (
            "optimizer.groups=[{pattern:conv*,lr_scale:0.01},{pattern:*.bias,frozen:true}]",
            ["conv*: lr 0.001; *.bias: frozen; others: lr 0.1"],
        ),
        (
            "optimizer.layer_decay=0.5",
            ["all: lr 0.1; times 0.5 for each layer below the last"],
        ),
    ],
)
def test_layers_that_have_rates_of_their_own_are_said(look, words, layers) -> None:
    _, out, _ = look(f"schedule=exponential lr=0.1 train.steps=30 {words}")
    assert [line[10:] for line in out if line.startswith("layers")] == layers


def test_a_schedule_that_listens_says_so(look) -> None:
    _, out, _ = look("schedule=plateau train.steps=10")
    assert "depends on val/loss; shown as if no evaluation changed it" in out


def test_the_highest_and_the_lowest_rate_are_shown(look) -> None:
    _, out, _ = look("schedule=noisy_linear_cosine train.steps=1000")
    rows = {line.split()[0]: line.split()[2:] for line in out[2:-2]}
    assert rows["1"][1:] == ["wavers"]
    assert rows["35"] == ["0.00151249", "highest"]
    assert rows["524"] == ["0", "lowest"]


def test_what_might_not_have_been_meant_is_noted(look, command) -> None:
    line = "schedule=piecewise schedule.boundaries=[50,800] schedule.factors=[1,0.5,0.1]"
    note = "note: schedule.boundaries 800 lies beyond the last step that it sees, 99"
    assert note in look(f"{line} train.steps=100")[1]
    warmed = f"{line} train.steps=110 warmup=linear warmup.steps=10 tracking=off model=linear"
    assert note in command(warmed).err


def test_a_preview_of_an_impossible_pace_of_evaluations_is_refused(look) -> None:
    status, _, err = look("train.steps=100 train.eval_every=0.1%")
    assert status == 2
    assert err.startswith("error: train.eval_every must be at least 1 step, got '0.1%' = 0")


def test_many_points_are_cut_short(look) -> None:
    boundaries = "[1,3,6,10,15,21,28,36,45,55,66,78,91]"
    _, out, _ = look(f"schedule=multistep schedule.boundaries={boundaries} train.steps=100")
    rows = [line for line in out[2:-2] if not line.startswith("note")]
    assert len(rows) == previews.MOST_POINTS
    assert rows[-2].split() == ["...", "4", "more"]
    assert rows[-1].startswith("  99")


def test_of_many_stairs_the_first_and_the_last_are_shown(look) -> None:
    _, out, _ = look("schedule=step schedule.decay_steps=10 schedule.factor=0.9 train.steps=400")
    assert [row.split(maxsplit=3)[3] for row in out[2:-2]] == [
        "start",
        "drops, the first of 39",
        "drops, the last of 39",
        "last step",
    ]


def test_a_data_set_without_a_size_is_loaded(look) -> None:
    stated = look("train.epochs=2")[1]
    loaded = look("train.epochs=2 dataset.train_size=null")[1]
    assert stated[0].partition(": ")[2] == loaded[0].partition(": ")[2]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("schedule=cosine schedule.floor=1", "schedule.floor must lie in [0, lr], got 1"),
        ("schedule=cosin", "(did you mean 'cosine'?)"),
        ("schedule=cosine,constant", "several values, cosine,constant: add -m to sweep over them"),
        ("-m lr=0.1,nan", "job 2 of 2 (lr=nan): lr must be finite, got nan"),
        ("-m schedule.floor=0,1", "job 2 of 2 (schedule.floor=1): schedule.floor must lie in"),
        ("optimizer.groups=[{lr_scale:2}]", "optimizer.groups[0] must have a pattern, got"),
        ("--nope", "unknown flag --nope"),
        ("--cfg job", "unknown flag --cfg; a preview has -m, --out and --config-dir"),
        ("--config-dir nosuch", "--config-dir must be a folder, got 'nosuch'"),
        ("dataset.train_size=9999", "dataset.train_size must lie in [1, 4050]"),
        ("train.epochs=1e9", "train.epochs must come to at most 100,000,000 steps, got 1e+09 = 32"),
        (
            "schedule=cosine schedule.after=error schedule.decay_steps=50% warmup=linear",
            "error: schedule.after must be 'hold' or 'continue' for steps beyond 72, the end of",
        ),
        ("--out picture.pdf", "--out must be a .png file, got 'picture.pdf'"),
        ("--out no/such/folder.png", "--out must be a file that can be written"),
    ],
)
def test_a_mistake_is_one_line(look, folder, line: str, message: str) -> None:
    status, out, err = look(line)
    assert (status, out) == (2, [])
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
    assert not list(folder.iterdir())


def test_help(look) -> None:
    status, out, _ = look("--help")
    assert status == 0
    assert out[0] == "python -m runner.preview [-m] [--out FILE] [group=option] [key=value] ..."


def test_nothing_heavy_is_loaded(folder: Path) -> None:
    code = (
        "import sys; from runner.preview import main\n"
        "assert main(['-m', 'schedule=exponential,cosine,one_cycle', 'warmup=none,linear']) == 0\n"
        "found = {'torch', 'mlflow', 'optuna', 'pandas', 'matplotlib.pyplot'} & set(sys.modules)\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=folder)
    assert np.frombuffer((folder / "preview.png").read_bytes()[:4], np.uint8)[0] == 0x89


def test_a_rate_that_no_picture_holds_is_refused(look, folder) -> None:
    line = "model=quadratic dataset=none schedule=constant train.steps=3 lr=1e308"
    status, _, err = look(line)
    assert (status, err) == (2, "error: lr must stay below 1e+300 to be drawn, got 1e+308\n")
    assert list(folder.iterdir()) == []


def test_many_previews_show_how_far_they_are(look, monkeypatch) -> None:
    drawn(monkeypatch)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    _, _, err = look("-m model=quadratic dataset=none train.steps=3 lr=1,2")
    assert "preview 1 of 2\rpreview 2 of 2\r" in err
