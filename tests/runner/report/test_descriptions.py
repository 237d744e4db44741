"""What runs, grids and studies say of themselves where they are recorded."""

from dataclasses import replace

import pytest

from runner.report.descriptions import Context, fitted, grid, run, study
from runner.results.answer import Confirmed
from runner.results.definition import Definition, Goal
from runner.results.result import Result, Status
from runner.results.rows import COMPLETE, FAILED, Row

ENTRIES = [
    {"key": "schedule", "spec": "choice(cosine, exponential)"},
    {"key": "schedule.rate", "spec": "interval(0, 1)", "when": {"schedule": "exponential"}},
]
STUDY = Definition("quick", {"entries": ENTRIES}, (), {}, (Goal("val/accuracy", "maximize"),))


def job(name: str, loss: float, seed: int = 0, status: Status = Status.FINISHED) -> Result:
    setting = name.partition(" ")[0]
    own = {"seed": seed, "setting": setting, "setting_name": setting}
    return Result(name, status, {"val/loss": loss}, command=f"repeat {name}", **own)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Result("a", Status.FINISHED, seconds=1.5), "FINISHED; 0 of 20 steps, 1.5 s"),
        (Result("a", Status.FAILED, reason="a|b", steps=3), "FAILED: a\\|b; 3 of 20 steps, 0.0 s"),
        (Result("a", Status.FINISHED, note="flat"), "FINISHED: flat; 0 of 20 steps, 0.0 s"),
    ],
)
def test_a_run_says_of_what_it_is_part_its_figures_and_how_it_ended(
    result: Result, said: str
) -> None:
    measured = replace(result, metrics={"val/loss": 0.25, "val/accuracy": 0.5})
    head, figures, end, *_ = run("a", {"study": "my <b>"}, measured, 20).split("\n\n")
    assert head == "**a** of study my &lt;b&gt;"
    assert figures == "| val accuracy | val loss |\n|---|---|\n| 50.00 % | 0.25 |"
    assert end == said


def test_a_large_grid_says_how_many_runs_its_ranking_leaves_out() -> None:
    results = [job(f"lr={i} seed={seed}", i, seed) for i in range(1, 22) for seed in (0, 1)]
    head, ranking, more, over_seeds, command, link = grid(
        results, ["http://h/#/first", "http://h/#/second"]
    ).split("\n\n")
    assert head == "best: **lr=1, by the mean of 2 seeds**"
    assert len(ranking.splitlines()) == len(over_seeds.splitlines()) == 22  # 20 rows and a heading
    assert more == "and 22 runs more"
    assert over_seeds.splitlines()[2] == "| lr=1 | 2 | 1 ± 0 |"
    assert command == "```\nrepeat lr=1 seed=0\n```"
    assert link == "[runs side by side](#/first)"


def test_a_grid_of_which_nothing_finished_says_so() -> None:
    said = grid([job("lr=1", 1.0, status=Status.DIVERGED)], [])
    assert said.startswith("no run has finished\n\n| rank |")
    assert "```" not in said


def test_an_answer_is_told_with_what_was_searched_and_how_often() -> None:
    winner = Confirmed("trial 1", {"lr": 0.1}, 1, (0.92, 0.93))
    baseline = Confirmed("baseline", {"lr": 0.01}, 0, (0.90, 0.91))
    rows = [Row(0, COMPLETE), Row(1, COMPLETE), Row(2, FAILED)]
    context = Context("mlp, 3 epochs", "python -m runner", "no files", {"trials": "h/#/1"})
    told = study(STUDY, rows, ([winner], baseline), "", context).split("\n\n")
    assert told[0].startswith("**trial 1 is better than the baseline: val accuracy +2.00 points ")
    assert told[1] == "- lr: 0.01 -&gt; 0.1"
    assert "2 fresh seeds" in told[2]
    assert told[3].splitlines()[2].startswith("| trial 1 | 92.50 ± 0.71 % | ")
    assert told[4:7] == ["```\npython -m runner\n```", "[trials](#/1)", "no files"]
    assert told[7] == "3 trials: 2 complete, 1 failed; mlp, 3 epochs"
    assert told[8] == "searched, for val accuracy (maximize):"
    assert told[9].splitlines()[3] == "| schedule.rate with schedule=exponential | interval(0, 1) |"


def test_a_description_is_cut_at_a_paragraph_and_never_longer_than_a_tag() -> None:
    text = "\n\n".join([*["x" * 748] * 11, "end"])  # 10 of them would leave no room for the word
    said = fitted(text, "config.yaml").split("\n\n")
    assert said == ["x" * 748] * 9 + ["(cut: the whole is among the artifacts, config.yaml)"]
