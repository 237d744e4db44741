"""Settings without composing anew are those of a whole composition, and so are the refusals."""

import shlex
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.config import composer
from runner.config.command_line import without_hydra, word
from runner.config.composer import REFUSALS, Composer, compose
from runner.config.explain import mistake_of
from runner.config.options import check_choices
from runner.config.reading import read
from runner.config.settings import Settings
from runner.errors import Mistake

GROUPS = [
    "model=mlp",
    "model=quadratic",
    "model=mine.Net",
    "optimizer=torch.optim.Adagrad",
    "schedule=cosine",
    "schedule=piecewise",
    "schedule=join",
    "warmup=linear",
    "clipping=global_norm",
    "clipping/max_norm_schedule=linear",
    "optimizer=sgd",
    "optimizer/momentum_schedule=one_cycle",
    "+experiment=bert_recipe",
    "+experiment=keras_plateau",
    "study=decay_rate",
    "~warmup",
]
VALUES = [
    "lr=0.1",
    "lr=1",
    "lr=null",
    "lr=fast",
    "lr='1e-3'",
    "lr=nan",
    "seed=3",
    "seed=1.5",
    "seed=-1",
    "threads=2",
    "train=5",
    "train.steps=7",
    "train.epochs=null",
    "train.keep=first",
    "train={steps:5,epochs:null}",
    "train.eval_every='10%'",
    "schedule.floor=1e-4",
    "schedule.lr=0.5",
    "schedule.lr=${seed}",
    "schedule.boundaries=[10%,50%]",
    "schedule.values=[1,0.5,0.1]",
    "schedule={lr:3}",
    "schedule.start.what=3",
    "warmup.fraction=0.1",
    "model.hidden=[8,8]",
    "model.hidden=4",
    "model._target_=runner.models.Linear",
    "+model.width=8",
    "++model.width=8",
    "model.width=9",
    "++task.loss._target_=mine.focal",
    "++task.loss.gamma=2",
    "task.loss.gamma=3",
    "optimizer.lr_decay=0.1",
    "~model.width",
    "~optimizer.groups",
    "optimizer.groups=[{pattern:conv*}]",
    "optimizer.betas.0=0.5",
    "optimizer.momentum=0.9",
    "clipping.max_norm=2",
    "clipping.max_norm_schedule=linear",
    "clipping.max_norm_schedule._target_=schedules.Constant",
    "tracking.enabled=false",
    "tracking.enabled=maybe",
    "tracking.run_name=a",
    "tracking.run_name='1'",
    "study.trials=3",
    "dataset.root=there",
    "foo=1",
    "device=cpu",
]
kept = Composer()


def whole(texts: list[str]) -> Settings | str:
    """What a composition of all words gives."""
    words = [word(text) for text in texts]
    try:
        check_choices(words)
        config = compose(texts)
        found = read(config, config.hydra)
        assert found.overrides == without_hydra(words)
        return found
    except REFUSALS as error:
        return str(mistake_of(error, words))
    except Mistake as mistake:
        return str(mistake)


def composed(texts: list[str], by: Composer) -> Settings | str:
    try:
        return by.settings([word(text) for text in texts])
    except Mistake as mistake:
        return str(mistake)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(GROUPS), max_size=2, unique_by=lambda text: text.split("=")[0]),
    st.lists(st.sampled_from(VALUES), max_size=4),
    st.randoms(use_true_random=False),
)
def test_words_give_what_composing_all_of_them_gives(groups, values, random) -> None:
    texts = [*groups, *values]
    random.shuffle(texts)
    assert composed(texts, kept) == whole(texts)


@pytest.mark.parametrize("group", ["schedule={lr:3}", "+schedule={lr:3}"])
def test_a_group_that_is_given_as_a_mapping_sets_values_in_its_place(group: str) -> None:
    before, after = ["schedule.lr=0.5", group], [group, "schedule.lr=0.5"]
    assert [composed(texts, kept).schedule["lr"] for texts in (before, after)] == [3, 0.5]


@pytest.mark.parametrize("text", VALUES)
def test_each_value_alone(text: str) -> None:
    assert composed([text], kept) == whole([text])


@pytest.fixture
def composes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The words of each composition."""
    found: list[tuple[str, ...]] = []

    def counted(texts, config_dir):
        found.append(tuple(texts))
        return compose(texts, config_dir)

    monkeypatch.setattr(composer, "compose", counted)
    return found


def test_a_choice_of_groups_is_composed_once(composes) -> None:
    own = Composer()
    for text in ("lr=0.1 seed=1", "seed=2 lr=0.3 train.steps=5", "model.weights_except=[a]", ""):
        for schedule in ("cosine", "exponential"):
            line = f"model=mlp schedule={schedule} {text}"
            found = own.settings([word(one) for one in shlex.split(line)])
            assert found.choices["schedule"] == schedule
    assert composes == [
        ("model=mlp", "schedule=cosine"),
        ("model=mlp", "schedule=exponential"),
    ]


def test_a_word_for_what_is_chosen_anyway_is_not_composed(composes) -> None:
    own = Composer()
    for line in ("+experiment=bert_recipe", "+experiment=bert_recipe schedule=polynomial"):
        found = own.settings([word(text) for text in line.split()])
        assert found.overrides[-1].text == line.split()[-1]
        assert found.choices["schedule"] == "polynomial"
    assert composes == [("+experiment=bert_recipe",)]
    with pytest.raises(Mistake, match="schedule"):
        own.settings([word(text) for text in ("+experiment=bert_recipe", "+schedule=polynomial")])


def test_settings_know_their_words_without_hydras_own() -> None:
    words = [word(text) for text in ("lr=0.1", "hydra/launcher=joblib", "hydra.mode=RUN")]
    assert Composer().settings(words).overrides == (words[0],)


@pytest.mark.parametrize("place", ["command line", "file"])
def test_a_list_of_options_is_refused_for_a_group_of_one(tmp_path: Path, place: str) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "both.yaml").write_text(
        "# @package _global_\ndefaults: [{override /tracking: [mlflow, 'off']}]\n"
    )
    text = "tracking=[mlflow,'off']" if place == "command line" else "+experiment=both"
    given = r"\[mlflow,'off'\]" if place == "command line" else "a list of them"
    with pytest.raises(Mistake, match=rf"^tracking must be one of mlflow, .*, got {given}$"):
        Composer(str(tmp_path)).settings([word(text)])


def test_the_option_that_joins_two_is_named() -> None:
    with pytest.raises(Mistake, match=r"tensorboard\]; use tracking=mlflow_tensorboard$"):
        Composer().settings([word("tracking=[mlflow,tensorboard]")])


def test_experiments_may_stand_together() -> None:
    found = Composer().settings([word("+experiment=[keras_plateau,bert_recipe]")])
    assert (found.choices["schedule"], found.choices["warmup"]) == ("polynomial", "linear")
