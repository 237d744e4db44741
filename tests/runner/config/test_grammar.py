"""Search spaces as people write them: one parser for command lines and YAML."""

import shlex
from typing import Any

import pytest
import yaml
from hydra.errors import HydraException

from runner.__main__ import main
from runner.config.command_line import word as read_word
from runner.config.composer import compose
from runner.config.grammar import parse_space, parse_spec, quoted, space_of
from runner.config.options import group_options
from runner.errors import Mistake
from runner.space import Choice, Entry, Interval, Ordered, Space, Spec

GROUPS = group_options()
ORDERED = "ordered(2, interval(10%, 90%), step=5%)"
BOUNDARIES = Ordered(2, Interval(10, 90, step=5, unit="%"))
TREE = yaml.safe_load("""
lr: tag(log, interval(1e-4, 1e-1))
schedule: choice(cosine, exponential, piecewise)
warmup.fraction: [0.0, 0.05]
when:
  schedule=exponential: {schedule: {decay_rate: "interval(0.5, 0.99)"}}
  schedule=piecewise: {schedule.boundaries: "ordered(2, interval(10%, 90%), step=5%)"}
""")
RATE, FAMILY = Interval(1e-4, 1e-1, log=True), Choice(["cosine", "exponential", "piecewise"])
OTHERWISE = "key=value, a list as [a,b] without spaces, and quotes around other special characters"
FRACTION, DECAY = Choice([0.0, 0.05]), Interval(0.5, 0.99)


def mistake(*words: str, tree: Any = None) -> str:
    with pytest.raises(Mistake) as caught:
        space_of(list(words), tree, GROUPS)
    return str(caught.value)


def searched(*words: str, tree: Any = None) -> dict[str, Spec]:
    return {entry.key: entry.spec for entry in space_of(list(words), tree, GROUPS)[0].entries}


# One value


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("interval(0.5, 0.99)", DECAY),
        ("interval( 5e-1 ,.99 )", DECAY),
        ("interval(low=0.5, high=0.99)", DECAY),
        ("tag(log, interval(1e-4, 1e-1))", RATE),
        ("tag(log,interval(0.0001,0.1))", RATE),
        ("int(interval(1, 9))", Interval(1, 9, integer=True)),
        ("int(interval(1, 9, step=2))", Interval(1, 9, integer=True, step=2)),
        ("int(tag(log, interval(1, 512)))", Interval(1, 512, log=True, integer=True)),
        ("tag(log, int(interval(1, 512)))", Interval(1, 512, log=True, integer=True)),
        ("float(range(1, 4))", Interval(1, 3, step=1)),
        ("range(1, 9, 2)", Interval(1, 7, integer=True, step=2)),
        ("range(5)", Interval(0, 4, integer=True)),
        ("range(0.1, 0.4, 0.1)", Interval(0.1, 0.3, step=0.1)),
        ("range(10%, 90%, 10%)", Interval(10, 80, integer=True, step=10, unit="%")),
        ("interval(10%, 90%)", Interval(10, 90, unit="%")),
        ("interval('2.5%', \"7.5%\")", Interval(2.5, 7.5, unit="%")),
        ("interval(1ep, 5ep, step=0.5ep)", Interval(1, 5, step=0.5, unit="ep")),
        ("int(interval(1ep, 5ep))", Interval(1, 5, integer=True, unit="ep")),
        ("interval(100samples, 5000samples)", Interval(100, 5000, unit="samples")),
        (ORDERED, BOUNDARIES),
        ("ordered(2, interval(10%, 90%, step=5%))", BOUNDARIES),
        ("ordered(3, interval(1ep, 9ep))", Ordered(3, Interval(1, 9, unit="ep"))),
        ("ordered(3, int(interval(1, 9)), step=2)", Ordered(3, Interval(1, 9, False, True, 2))),
        (
            "decreasing(4, tag(log, interval(1e-4, 1e-1)))",
            Ordered(4, Interval(1e-4, 1e-1, log=True), decreasing=True),
        ),
        ("cosine, exponential,piecewise", FAMILY),
        ("choice(cosine, exponential, piecewise)", FAMILY),
        ("choice(1, 2.0, true, null, '3')", Choice([1, 2.0, True, None, "3"])),
        ("[20%, 60%],[30%,'70%']", Choice([["20%", "60%"], ["30%", "70%"]])),
        ("int(1.0, 2)", Choice([1, 2])),
        ("float(choice(1, 2))", Choice([1.0, 2.0])),
        ("choice(\n  cosine,\n  exponential,\n  piecewise\n)", FAMILY),
        ([0.1, "cosine", None, [1, 2]], Choice([0.1, "cosine", None, [1, 2]])),
    ],
)
def test_text_and_lists_are_read(text: Any, spec: Spec) -> None:
    found = parse_spec("key", text)
    assert found == spec
    assert found.text() == spec.text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("interval(0.9, 0.5)", "must have its low end below its high end, got interval(0.9, 0.5)"),
        ("interval(1, 1)", "must have its low end below its high end, got interval(1, 1)"),
        ("interval(0, inf)", "must have finite ends and steps, got interval(0, inf)"),
        (
            "tag(log, interval(0, 1))",
            "must be above 0 everywhere to be log, got tag(log, interval(0, 1))",
        ),
        (
            "tag(log, interval(-1%, 1%))",
            "must be above 0 everywhere to be log, got tag(log, interval(-1%, 1%))",
        ),
        ("interval(0, 1, step=0)", "must have a step above 0, got interval(0, 1, step=0)"),
        ("interval(0, 1, step=-1)", "must have a step above 0, got interval(0, 1, step=-1)"),
        (
            "interval(0.1, 0.5, step=1)",
            "must have a step no larger than its range, got interval(0.1, 0.5, step=1)",
        ),
        (
            "tag(log, interval(1, 9, step=2))",
            "must be log or have a step, not both, got tag(log, interval(1, 9, step=2))",
        ),
        (
            "int(interval(1.5, 9))",
            "must have whole ends and steps to be whole, got int(interval(1.5, 9))",
        ),
        ("range(9, 1)", "must have at least two values, got range(9, 1)"),
        ("range(1)", "must have at least two values, got range(1)"),
        ("range(9, 1, -2)", "must have a step above 0, got range(9, 1, -2)"),
        (
            "ordered(12, interval(10%, 90%), step=10%)",
            "must have room for 12 values between 10% and 90% in steps of 10%, which has 9",
        ),
        (
            "decreasing(4, int(interval(1, 3)))",
            "must have room for 4 values between 1 and 3 in steps of 1, which has 3",
        ),
        (
            "ordered(3, tag(log, interval(0.001%, 0.002%)))",
            "must have room for 3 values between 0.001% and 0.002%, which lie too close together",
        ),
        (
            "ordered(0, interval(0, 1))",
            "must list at least one value, a whole number, got ordered(0, interval(0, 1))",
        ),
        (
            "ordered(1.5, interval(0, 1))",
            "must list at least one value, a whole number, got ordered(1.5, interval(0, 1))",
        ),
        (
            "ordered(2, tag(log, int(interval(1, 9))))",
            "must be log or whole in a list, not both, "
            "got ordered(2, tag(log, int(interval(1, 9))))",
        ),
        ("interval(10%, 5ep)", "must have one unit, got 10% and 5ep"),
        ("interval(0, 90%)", "must have one unit, got 0 and 90%"),
        (
            "ordered(2, interval(10%, 90%), step=5)",
            "must have one unit, got 5 beside a range in %",
        ),
        (
            "ordered(2, interval(10, 90), step=5%)",
            "must have one unit, got 5% beside a range in plain numbers",
        ),
        (
            "ordered(2, interval(0, 9, step=3), step=1)",
            "must have its step once, got interval(0, 9, step=3) and step=1",
        ),
        (
            "interval(low, 1)",
            "must have numbers, shares (10%), epochs (1ep) or samples (500samples) "
            "as its ends and steps, got 'low'",
        ),
        (
            "interval(true, 1)",
            "must have numbers, shares (10%), epochs (1ep) or samples (500samples) "
            "as its ends and steps, got True",
        ),
        (
            "intervall(0, 1)",
            "must be searched with one of choice, decreasing, float, int, interval, ordered, "
            "range, tag, got 'intervall' (did you mean 'interval'?)",
        ),
        (
            "tag(log, intervall(0, 1))",
            "must be searched with one of choice, decreasing, float, int, interval, ordered, "
            "range, tag, got 'intervall' (did you mean 'interval'?)",
        ),
        (
            "interval(1)",
            "must be written interval(low, high) or interval(low, high, step=s): "
            "missing a required argument: 'high'",
        ),
        (
            "ordered(interval(0, 1))",
            "must be written ordered(count, interval(low, high), step=s): "
            "missing a required argument: 'interval'",
        ),
        (
            "ordered(2, 10%)",
            "must be written ordered(count, interval(low, high), step=s)",
        ),
        ("tag(log, choice(1, 2))", "must be written tag(log, interval(low, high))"),
        ("tag(interval(1, 2))", "must be written tag(log, interval(low, high))"),
        ("tag(lg, interval(1, 2))", "must have no other tag than log, got 'lg'"),
        ("int(choice(1, 2.5))", "must list whole numbers, got 2.5"),
        ("float(choice(a, b))", "must list numbers, got 'a'"),
        ("int(ordered(2, interval(1, 9)))", "must be written int(interval(low, high))"),
        ("cosine, linear, cosine", "must list each value once, got cosine twice"),
        ("choice(0.1, 1e-1)", "must list each value once, got 0.1 twice"),
        (["a", "a"], "must list each value once, got a twice"),
        ([], "must list at least one value, got none"),
        ("choice()", "must list at least one value, got none"),
        (
            "choice({a: 1}, 2)",
            "must list plain values (numbers, text, lists of them), got {'a': 1}",
        ),
        ("choice(interval(0, 1), 2)", "must list plain values, got a search within a choice"),
        ("interval(0, 1), 2", "must list plain values, got a search within a choice"),
        (
            "cosine",
            "must be searched with one of choice, decreasing, float, int, interval, ordered, "
            "range, tag or a list a,b,c, got cosine",
        ),
        (
            0.1,
            "must be searched with one of choice, decreasing, float, int, interval, ordered, "
            "range, tag or a list a,b,c, got 0.1",
        ),
        (
            "interval(0, 1) and more",
            "must be readable, such as interval(low, high) or interval(low, high, step=s), "
            "got interval(0, 1) and more",
        ),
        (
            "interval(0, 1",
            "must be readable, such as interval(low, high) or interval(low, high, step=s), "
            "got interval(0, 1",
        ),
    ],
)
def test_what_cannot_be_searched_is_said_in_one_line(text: Any, words: str) -> None:
    with pytest.raises(Mistake) as caught:
        parse_spec("lr", text)
    assert str(caught.value) == f"lr {words}"


# Command lines


def test_a_command_line_is_parted_into_searches_and_fixed_words() -> None:
    space, fixed = space_of(
        [
            "model=mlp",
            "lr=tag(log, interval(1e-4, 1e-1))",
            "schedule=exponential,cosine",
            f"schedule.boundaries='{ORDERED}'",
            "warmup.length='interval(1ep, 5ep)'",
            'schedule.decay_rate="interval(0.5, 0.99)"',
            "+train.batch_size=choice(32, 64)",
            "seed=range(3)",
            "+schedule.extra=1",
            "~optimizer.groups",
            "tracking.run_name='a,b'",
            "schedule.formula='exp(-t / 100)'",
            "schedule.other='int(t / 100)'",
            "schedule.values=[0.1,0.01]",
            "model.name='choice of mine'",
        ],
        None,
        GROUPS,
    )
    assert {entry.key: entry.spec for entry in space.entries} == {
        "schedule": Choice(["exponential", "cosine"]),
        "lr": RATE,
        "schedule.boundaries": BOUNDARIES,
        "schedule.decay_rate": DECAY,
        "seed": Interval(0, 2, integer=True),
        "train.batch_size": Choice([32, 64]),
        "warmup.length": Interval(1, 5, unit="ep"),
    }
    assert space.group_names == {"schedule"}
    assert fixed == [
        "model=mlp",
        "+schedule.extra=1",
        "~optimizer.groups",
        "tracking.run_name='a,b'",
        "schedule.formula='exp(-t / 100)'",
        "schedule.other='int(t / 100)'",
        "schedule.values=[0.1,0.01]",
        "model.name='choice of mine'",
    ]


def test_what_stays_fixed_can_be_composed_with_what_is_drawn() -> None:
    words = ["model=linear", "schedule=piecewise", f"schedule.boundaries='{ORDERED}'"]
    space, fixed = space_of(words, None, GROUPS)
    [entry] = space.entries
    for values in entry.spec.values()[::40]:
        config = compose([*fixed, f"{entry.key}=[{','.join(values)}]"])
        assert list(config.schedule.boundaries) == values


def test_the_word_given_last_counts() -> None:
    assert space_of(["lr=0.1", "lr=1,2"], None, GROUPS)[1] == []
    assert searched("lr=0.1", "lr=1,2") == {"lr": Choice([1, 2])}
    assert searched("lr=1,2", "lr=0.1") == {}
    assert searched("lr=1,2", "lr=3,4") == {"lr": Choice([3, 4])}


@pytest.mark.parametrize(
    ("word", "typed"),
    [
        (
            "schedule.boundaries=ordered(2, interval(10%, 90%))",
            "\"schedule.boundaries='ordered(2, interval(10%, 90%))'\"",
        ),
        ("+a.b=interval(1ep, 5ep)", "\"+a.b='interval(1ep, 5ep)'\""),
        ("lr=interval(0, 1, step=0.1)", "\"lr='interval(0, 1, step=0.1)'\""),
        ("a=tag(log, interval(1%, 9%))", "\"a='tag(log, interval(1%, 9%))'\""),
        ("a=interval('1%', '9%')", r"""'a='"'"'interval(\'"'"'1%\'"'"', \'"'"'9%\'"'"')'"'"''"""),
    ],
)
def test_an_unquoted_use_prints_the_form_to_type(word: str, typed: str) -> None:
    sign_and_key, _, value = word.partition("=")
    key = sign_and_key.lstrip("+")
    assert quoted(word) == typed
    [again] = shlex.split(typed)
    assert searched(again) == {key: parse_spec(key, value)}
    assert not read_word(again).is_multiple


@pytest.mark.parametrize(
    "word", ["lr=interval(0, 1)", "lr='interval(0%, 1%)'", "lr=0.1", "~lr", "schedule.f=exp(-t)"]
)
def test_what_hydra_reads_or_is_no_search_needs_no_other_form(word: str) -> None:
    assert quoted(word) is None


@pytest.mark.parametrize("flags", [[], ["-m"]])
@pytest.mark.parametrize(
    ("word", "advice"),
    [
        (
            "schedule.boundaries=ordered(2, interval(10%, 90%))",
            "\"schedule.boundaries='ordered(2, interval(10%, 90%))'\"",
        ),
        ("+lr=interval(0, 1, step=0.1)", "\"+lr='interval(0, 1, step=0.1)'\""),
        ("lr=interval(9%, 1%)", OTHERWISE),  # would be refused in quotes too
        ("schedule.expression=floor(t / 10)", OTHERWISE),
        ("lr=[1, 2", OTHERWISE),
    ],
)
def test_the_runner_says_how_to_quote_a_search(
    capsys: pytest.CaptureFixture[str], flags: list[str], word: str, advice: str
) -> None:
    assert main([*flags, "seed=1", word]) == 2
    assert capsys.readouterr() == ("", f"error: cannot read '{word}'; write {advice}\n")


def test_a_word_that_nobody_can_read_is_left_to_hydra() -> None:
    with pytest.raises(HydraException, match="no viable alternative"):
        space_of(["lr=[1, 2"], None, GROUPS)
    with pytest.raises(HydraException, match=r"no viable alternative|Unknown function 'exp'"):
        space_of(["schedule.f=exp(-t)"], None, GROUPS)
    with pytest.raises(HydraException, match="Unknown function 'intervall'"):
        space_of(["lr=intervall(0, 1)"], None, GROUPS)


@pytest.mark.parametrize(
    ("word", "words"),
    [
        (
            "lr=interval(0.9, 0.5)",
            "lr must have its low end below its high end, got interval(0.9, 0.5)",
        ),
        (
            "schedule.boundaries='ordered(12, interval(10%, 90%), step=10%)'",
            "schedule.boundaries must have room for 12 values between 10% and 90% "
            "in steps of 10%, which has 9",
        ),
        (
            "model=glob(*)",
            "model must be searched with one of choice, decreasing, float, int, interval, "
            "ordered, range, tag, got 'glob'",
        ),
        ("model=mlp,mlp", "model must list each value once, got mlp twice"),
        (
            "model=range(3)",
            "model must be searched with a list of its options, got int(interval(0, 2))",
        ),
        (
            "model=mlp,false",
            "model must have options that are names, got False "
            "(quote on, off, yes, no and null in YAML)",
        ),
        (
            "clipping.max_norm_schedule=none,linear",
            "clipping.max_norm_schedule is a group, written with a slash: "
            "clipping/max_norm_schedule",
        ),
    ],
)
def test_a_mistake_on_a_command_line_names_its_key(word: str, words: str) -> None:
    assert mistake(word) == words


# study.space


def test_a_tree_is_nested_dotted_and_conditional() -> None:
    space, fixed = space_of([], TREE, GROUPS)
    assert space == Space(
        [
            Entry("schedule", FAMILY),
            Entry("lr", RATE),
            Entry("warmup.fraction", FRACTION),
            Entry("schedule.decay_rate", DECAY, (("schedule", "exponential"),)),
            Entry("schedule.boundaries", BOUNDARIES, (("schedule", "piecewise"),)),
        ],
        frozenset({"schedule"}),
    )
    assert fixed == []
    assert parse_space(space.text()) == space


def test_the_same_tree_written_differently_is_the_same_space() -> None:
    other = yaml.safe_load("""
    when:
      schedule=piecewise: {schedule: {boundaries: "ordered( 2, interval(10%, 90%, step=5.0%) )"}}
      schedule = exponential: {schedule.decay_rate: "interval(0.50, 99e-2)"}
    warmup: {fraction: "0.0, 0.05"}
    schedule: [cosine, exponential, piecewise]
    lr: "tag(log,interval(0.0001,0.1))"
    """)
    one, _ = space_of([], TREE, GROUPS)
    another, _ = space_of([], other, ["schedule"])
    assert one == another
    assert one.text() == another.text()


def test_conditions_may_be_nested() -> None:
    tree = {
        "schedule": ["cosine", "step"],
        "warmup": ["none", "linear"],
        "when": {"schedule=cosine": {"when": {"warmup=linear": {"lr": [0.1, 0.2]}}}},
    }
    space, _ = space_of([], tree, GROUPS)
    assert space.entries[-1].when == (("schedule", "cosine"), ("warmup", "linear"))
    assert parse_space(space.text()) == space


def test_a_fixed_key_is_not_searched() -> None:
    space, fixed = space_of(["lr=0.1", "schedule.decay_rate=0.9"], TREE, GROUPS)
    keys = [entry.key for entry in space.entries]
    assert keys == ["schedule", "schedule.boundaries", "warmup.fraction"]
    assert fixed == ["lr=0.1", "schedule.decay_rate=0.9"]
    assert "lr" not in searched("~lr", tree=TREE)
    assert "lr" not in searched("+lr=0.1", tree=TREE)


@pytest.mark.parametrize(
    ("family", "own"),
    [
        ("exponential", {"schedule.decay_rate": DECAY}),
        ("piecewise", {"schedule.boundaries": BOUNDARIES}),
        ("cosine", {}),
        ("wsd", {}),
    ],
)
def test_a_fixed_group_settles_its_conditions(family: str, own: dict[str, Spec]) -> None:
    space, _ = space_of([f"schedule={family}"], TREE, GROUPS)
    rest = {"lr": RATE, "warmup.fraction": FRACTION}
    assert {entry.key: entry.spec for entry in space.entries} == rest | own
    assert all(entry.when == () for entry in space.entries)


def test_the_search_of_a_command_line_replaces_the_trees() -> None:
    found = searched("lr=1,2", "schedule=cosine,piecewise", tree=TREE)
    assert found == {
        "schedule": Choice(["cosine", "piecewise"]),
        "lr": Choice([1, 2]),
        "schedule.boundaries": BOUNDARIES,
        "warmup.fraction": FRACTION,
    }
    space, _ = space_of(["schedule.decay_rate=0.5,0.9"], TREE, GROUPS)
    assert Entry("schedule.decay_rate", Choice([0.5, 0.9])) in space.entries


def test_what_depends_on_a_group_that_is_searched_no_more_is_dropped() -> None:
    tree = {
        "clipping": ["none", "norm"],
        "when": {
            "clipping=norm": {"clipping/max_norm_schedule": ["none", "linear"]},
            "clipping/max_norm_schedule=linear": {"lr": [0.1, 0.2]},
        },
    }
    assert list(searched(tree=tree)) == ["clipping", "clipping/max_norm_schedule", "lr"]
    assert searched("clipping=none", tree=tree) == {}
    assert list(searched("clipping=norm", tree=tree)) == ["clipping/max_norm_schedule", "lr"]


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (
            {"train": {"batch_size": "interval(9, 1)"}},
            "train.batch_size must have its low end below its high end, got interval(9, 1)",
        ),
        (
            {"lr": 0.1},
            "lr must be searched with one of choice, decreasing, float, int, interval, ordered, "
            "range, tag or a list a,b,c, got 0.1",
        ),
        (
            {"when": {"schedul=cosine": {"lr": [1, 2]}}},
            "study.space.when must name a group, got 'schedul=cosine' (did you mean 'schedule'?)",
        ),
        (
            {"when": {"schedule=cosine": {"lr": [1, 2]}}},
            "study.space.when must name a group that is searched, got schedule=cosine",
        ),
        (
            {"schedule": ["cosine", "step"], "when": {"schedule=cosin": {"lr": [1, 2]}}},
            "study.space.when must name an option of schedule that is searched (cosine, step), "
            "got schedule=cosin (did you mean 'cosine'?)",
        ),
        (
            {"when": {"schedule=step": {"when": {"schedule=cosine": {"lr": [1, 2]}}}}},
            "study.space.when must be possible, got schedule=step and schedule=cosine",
        ),
        (
            {"wenn": {"schedule=cosine": {"lr": [1, 2]}}},
            "study.space.wenn must be keys; conditions stand below study.space.when",
        ),
        (
            {"when": ["schedule=cosine"]},
            "study.space.when must list parts as GROUP=OPTION: keys, got ['schedule=cosine']",
        ),
        (
            {"when": {"schedule=cosine": "interval(0, 1)"}},
            "study.space.when.schedule=cosine must have keys, got 'interval(0, 1)'",
        ),
        (
            {"tracking": ["mlflow", False]},
            "tracking must have options that are names, got False "
            "(quote on, off, yes, no and null in YAML)",
        ),
        (
            {"train": {"batch_size": [1, 2]}, "train.batch_size": [3, 4]},
            "train.batch_size must be searched once in a trial, got choice(1, 2) and choice(3, 4)",
        ),
        (
            {"schedule": ["a", "b"], "lr": [1, 2], "when": {"schedule=a": {"lr": [3, 4]}}},
            "lr must be searched once in a trial, got choice(1, 2) and choice(3, 4)",
        ),
        (
            {"clipping": {"max_norm_schedule": ["none", "linear"]}},
            "clipping.max_norm_schedule is a group, written with a slash: "
            "clipping/max_norm_schedule",
        ),
    ],
)
def test_a_mistake_in_a_tree_names_its_key(tree: dict[str, Any], words: str) -> None:
    assert mistake(tree=tree) == words
