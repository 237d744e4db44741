"""A person's name for what was recorded -> the place in MLflow's page."""

from collections.abc import Callable
from typing import Any

import pytest

from runner.errors import Mistake
from runner.tracking.mlflow.find import Place, find
from runner.tracking.mlflow.views import TAG, key

ADDRESS = "sqlite:///mlflow.db"
Record = Callable[..., str]


@pytest.fixture
def record(store: Any) -> Record:
    """Records a run in an experiment, each later than the one before; returns its id."""
    clock = iter(range(1_700_000_000_000, 1_800_000_000_000, 1000))

    def create(experiment: str, **tags: str) -> str:
        found = store.client.get_experiment_by_name(experiment)
        place = found.experiment_id if found else store.client.create_experiment(experiment)
        run = store.client.create_run(place, start_time=next(clock), tags=tags)
        return str(run.info.run_id)

    return create


@pytest.fixture
def save(store: Any) -> Callable[[str, str], None]:
    """Saves the view of a study or sweep with an experiment."""

    def tag(experiment: str, name: str) -> None:
        store.client.set_experiment_tag(of(store, experiment), TAG + key(name), "{}")

    return tag


def of(store: Any, experiment: str) -> str:
    return str(store.client.get_experiment_by_name(experiment).experiment_id)


def test_an_empty_store_is_the_list_of_experiments(store: Any) -> None:
    assert find(store.client, "", ADDRESS) == Place()


def test_without_a_name_the_newest_run_says_where(store: Any, record: Record, save: Any) -> None:
    record("older", study="older-1")
    record("runs", sweep="lr 2026", kind="job")
    assert find(store.client, "", ADDRESS) == Place(of(store, "runs"))
    save("runs", "lr 2026")
    save("runs", "another")
    assert find(store.client, "", ADDRESS) == Place(of(store, "runs"), key("lr 2026"))
    record("runs", kind="run")
    assert find(store.client, "", ADDRESS) == Place(of(store, "runs"))
    save("runs", "runs")  # the view of single runs
    assert find(store.client, "", ADDRESS) == Place(of(store, "runs"), "runs")
    record("mine", kind="run")
    save("mine", "runs")
    assert find(store.client, "mine", ADDRESS) == Place(of(store, "mine"), "runs")
    record("older", study="older-1")
    assert find(store.client, "", ADDRESS) == Place(of(store, "older"))


def test_a_deleted_run_and_those_of_a_deleted_experiment_count_no_more(
    store: Any, record: Record
) -> None:
    record("kept")
    deleted = record("without a run")
    record("gone")
    store.client.delete_run(deleted)
    store.client.delete_experiment(of(store, "gone"))
    assert find(store.client, "", ADDRESS) == Place(of(store, "kept"))


def test_an_experiment_is_found_with_the_view_of_its_name_else_of_its_newest_run(
    store: Any, record: Record, save: Any
) -> None:
    record("mine", study="a-1")
    record("mine", study="b-2")
    record("newest")
    assert find(store.client, "mine", ADDRESS) == Place(of(store, "mine"))
    save("mine", "b-2")
    assert find(store.client, "mine", ADDRESS) == Place(of(store, "mine"), "b-2")
    save("mine", "mine")
    assert find(store.client, "mine", ADDRESS) == Place(of(store, "mine"), "mine")
    store.client.create_experiment("no runs")
    assert find(store.client, "no runs", ADDRESS) == Place(of(store, "no runs"))


@pytest.mark.parametrize("tag", ["study", "sweep"])
@pytest.mark.parametrize("name", ["quickstart-d17b1247", "lr 2026-11-28 23:28:12", "it's 5%_"])
def test_a_study_or_sweep_is_found_where_its_newest_run_is(
    store: Any, record: Record, save: Any, tag: str, name: str
) -> None:
    record("older", **{tag: name})
    record("mine", **{tag: name})
    record("alike", **{tag: name.replace("'", "x").replace("-", "x")})
    record("newest", **{tag: "another"})
    assert find(store.client, name, ADDRESS) == Place(of(store, "mine"))
    save("mine", name)
    assert find(store.client, name, ADDRESS) == Place(of(store, "mine"), key(name))


def test_a_view_is_found_where_its_runs_have_no_tags(store: Any, record: Record, save: Any) -> None:
    record("mine")
    save("mine", "deep study")
    record("newest")
    assert find(store.client, "deep study", ADDRESS) == Place(of(store, "mine"), key("deep study"))


def test_a_preset_is_its_newest_study(store: Any, record: Record, save: Any) -> None:
    record("quickstart-00000001")
    assert find(store.client, "quickstart", ADDRESS) == Place(of(store, "quickstart-00000001"))
    record("mine", study="quickstart-d17b1247")
    save("mine", "quickstart-d17b1247")
    record("mine", study="quickstart-other")
    found = find(store.client, "quickstart", ADDRESS)
    assert found == Place(of(store, "mine"), "quickstart-d17b1247")
    record("quickstart-00000001")
    assert find(store.client, "quickstart", ADDRESS) == Place(of(store, "quickstart-00000001"))


def test_a_run_is_found_by_its_id(store: Any, record: Record) -> None:
    run_id = record("runs")
    record("newest")
    assert find(store.client, run_id, ADDRESS) == Place(of(store, "runs"), run_id=run_id)


def test_experiments_beyond_the_first_page_are_found(
    store: Any, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.tracking.mlflow.named._PAGE", 2)
    for i in range(5):
        store.client.create_experiment(f"empty {i}")
    record("first", sweep="s")
    for i in range(5, 8):
        store.client.create_experiment(f"empty {i}")
    assert find(store.client, "s", ADDRESS) == Place(of(store, "first"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("quikstart-d17b1247", r"'quikstart-d17b1247' \(did you mean 'quickstart-d17b1247'\?\)"),
        ("lr 2026", r"'lr 2026' \(did you mean 'lr 2027'\?\)"),
        ("zzz", r"'zzz' \(the newest: 'lr 2027', 'quickstart-d17b1247', 'runs'\)"),
        ("0" * 32, f"'{'0' * 32}'"),
        ("a' OR 1=1 --", "'a' OR 1=1 --'"),
    ],
)
def test_an_unknown_name_is_one_line_with_names_that_there_are(
    store: Any, record: Record, name: str, said: str
) -> None:
    for experiment in ("a", "b", "runs"):
        record(experiment)
    record("mine", study="quickstart-d17b1247")
    for _ in range(2):
        record("mine", sweep="lr 2027")
    must = "NAME must be an experiment, a study, a sweep or a run's id in sqlite:///mlflow.db"
    with pytest.raises(Mistake, match=rf"^{must}, got {said}"):
        find(store.client, name, ADDRESS)


def test_what_is_deleted_is_a_mistake_that_says_how_to_restore_it(
    store: Any, record: Record
) -> None:
    runs = [record("gone"), record("kept")]
    gone = of(store, "gone")
    store.client.delete_run(runs[1])
    store.client.delete_experiment(gone)
    for name, said in [
        ("gone", f"a deleted experiment, got 'gone'; mlflow experiments restore .*-id {gone}"),
        (runs[0], f"a deleted run, got '{runs[0]}'; mlflow experiments restore .*-id {gone}"),
        (runs[1], f"a deleted run, got '{runs[1]}'; mlflow runs restore --run-id {runs[1]}"),
    ]:
        with pytest.raises(Mistake, match=f"^NAME must not be {said}$"):
            find(store.client, name, ADDRESS)
