"""What a person reads at the end."""

from runner.report.runs import best, ending, order, over_seeds, ranking
from runner.results.result import Link, Result, Status

LINK = Link("id", "7", "lr", "sqlite:///mlflow.db", look="there", compare="all there")


def of(setting: str, loss: float, **more) -> Result:
    done = {"val/loss": loss}
    return Result("one", Status.FINISHED, done, setting=setting, setting_name=setting, **more)


def killed(setting: str) -> Result:
    return Result("one", Status.KILLED, reason="gone", setting=setting, setting_name=setting)


def test_accuracy_decides_before_loss_and_what_did_not_finish_is_last() -> None:
    kinds = [(0.8, 0.1), (0.9, 0.3), (0.9, 0.2)]
    runs = [
        Result(str(i), Status.FINISHED, {"val/accuracy": accuracy, "val/loss": loss})
        for i, (accuracy, loss) in enumerate(kinds)
    ]
    gone = Result("3", Status.DIVERGED, {"val/accuracy": 0.99, "val/loss": 0.0}, reason="nan")
    assert [run.name for run in order([gone, *runs])] == ["2", "1", "0", "3"]
    assert ranking([gone, runs[0]]) == [
        "rank  run  val accuracy  val loss  seconds  status",
        "   1  0    80.00 %       0.1           0.0  FINISHED",
        "   -  3    -             -             0.0  DIVERGED  nan",
    ]


def test_settings_are_told_apart_whatever_their_runs_are_called() -> None:
    runs = [of("lr=0.2", 1.0), of("lr=0.1", 0.5), of("lr=0.2", 2.0), of("lr=0.1", 0.7)]
    assert over_seeds(runs) == [
        "over seeds  n  val loss",
        "lr=0.1      2  0.6 ± 0.14",
        "lr=0.2      2  1.5 ± 0.71",
    ]
    assert best(runs) == ("lr=0.1, by the mean of 2 seeds", runs[1])
    assert over_seeds(runs[:2]) == []
    assert best(runs[:2]) == ("one (lr=0.1)", runs[1])


def test_one_seed_trained_twice_is_one_seed() -> None:
    runs = [of("lr=0.1", loss, seed=seed) for seed, loss in ((0, 0.5), (0, 0.5), (1, 0.8))]
    assert over_seeds(runs) == ["over seeds  n  val loss", "lr=0.1      2  0.65 ± 0.21"]
    assert best(runs) == ("lr=0.1, by the mean of 2 seeds", runs[0])
    assert over_seeds(runs[:2]) == []
    assert best(runs[:2]) == ("one", runs[0])


def test_runs_that_did_not_finish_are_counted_but_not_averaged() -> None:
    runs = [killed("lr=0.3"), of("lr=0.2", 1.0), killed("lr=0.3"), killed("lr=0.2")]
    assert over_seeds(runs) == [
        "over seeds  n       val loss",
        "lr=0.2      1 of 2  1",
        "lr=0.3      0 of 2  -",
    ]
    assert best(runs[:1]) is None


def test_a_sweep_ends_with_what_is_best_and_where_to_look() -> None:
    runs = [of("lr=0.2", 1.0, command="python a", link=LINK), of("lr=0.1", 0.5, command="python b")]
    lines = ending(runs, ["all there", "and there"])
    assert [line[6:19] for line in lines[2:4]] == ["one (lr=0.1) ", "one (lr=0.2) "]
    assert lines[-4:] == [
        "",
        "best      one (lr=0.1)",
        "repeat    python b",
        "look      all there",
    ]


def test_a_best_rate_at_the_end_of_the_grid_is_said() -> None:
    def note(*losses: float) -> list[str]:
        runs = [of(str(i), loss, lr=0.1 * 2**i) for i, loss in enumerate(losses)]
        return [line for line in ending(runs) if line.startswith("note")]

    (low,), (high,) = note(1.0, 2.0, 3.0), note(3.0, 2.0, 1.0)
    assert low.endswith("lr, 0.1, is the lowest that was tried: a better one may lie below")
    assert high.endswith("lr, 0.4, is the highest that was tried: a better one may lie above")
    assert note(2.0, 1.0, 2.0) == note(1.0) == []
