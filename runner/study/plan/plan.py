"""From a command line to a study: its definition, checked, before anything is created."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from runner.build.data import load
from runner.build.fusing import width
from runner.build.metrics import keys_of, learn_metrics, names_of
from runner.build.room import processes
from runner.build.setup import Setup
from runner.config import Settings
from runner.config.checks import AVERAGE
from runner.config.command_line import word
from runner.config.composer import Composer
from runner.config.configurator import Configurator, check_space
from runner.config.configurator import words as overrides_of
from runner.config.fuse import AUTO
from runner.config.grammar import space_of
from runner.config.open_keys import default, is_there, taker
from runner.config.options import group_options
from runner.config.shorthand import LOOP, METRIC, METRICS, is_open
from runner.config.study import StudySettings, read_study
from runner.errors import Mistake, nearest
from runner.results.definition import KEPT, MEAN, Definition, Goal
from runner.results.metrics import OF_AVERAGE, metric
from runner.space import Choice, Entry, Space
from runner.study.plan import samplers
from runner.study.plan.dry_run import DryRun, ends
from runner.study.plan.made_of import made_of
from runner.tracking import trackers_of
from runner.training import devices

DEFAULT_TRIALS = 40
MOST_COMBINATIONS = 10_000
LEAST_BATCHES = 4  # from which a sampler learns, where it may be asked for fewer
_NO_PART_OF_A_TRIAL = ("experiment", "study", "tracking", "states")


@dataclass(frozen=True)
class Plan:
    """A checked study that does not exist yet.

    baseline: the searched values as the configuration has them. grid: every combination, in order,
    where the sampler is the grid. note: what a person might want to know. made_of: what the code
    and the data of its workers are like.
    """

    study: StudySettings
    definition: Definition
    configurator: Configurator
    composer: Composer
    settings: Settings
    baseline: Mapping[str, Any]
    grid: tuple[Mapping[str, Any], ...] = ()
    note: str = ""
    made_of: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the study is called where it is new."""
        return self.study.name or self.definition.name(_usual([], self.composer))

    def differences(self, other: Definition) -> list[str]:
        """Return in what this study differs from a stored one, a line each.

        A key that one of them does not have, as it was written by another version, is as the chosen
        options have it.
        """
        if not self.definition.differences(other):
            return []
        chosen = [
            f"{group}={option}"
            for group, option in self.settings.choices.items()
            if group.partition("/")[0] not in _NO_PART_OF_A_TRIAL
        ]
        return self.definition.differences(other, _usual(chosen, self.composer))


def plan(
    words: list[str],
    config_dir: str | None,
    is_here: bool = True,
    composer: Composer | None = None,
) -> Plan:
    """Return the study of a command line. Raises Mistake for whatever does not fit together.

    is_here: whether this machine trains, and not others. composer: one that has composed the
    command line.
    """
    composer = composer or Composer(config_dir)
    study, space, fixed = _searched(words, composer)
    configurator = Configurator(tuple(fixed), space, composer)
    check_space(configurator)
    settings = configurator.settings({})
    for tracker in trackers_of(settings.tracking):
        tracker.check()
    if settings.has_loop and (told := _told(study, settings)):
        return plan([*words, *told], config_dir, is_here, composer)
    goals = _goals(study, settings)
    keep = settings.train.keep
    if goals[0].metric.startswith(OF_AVERAGE) and not keep.startswith(AVERAGE):
        kept = {"last": AVERAGE, "best": f"{AVERAGE}_best"}[keep]
        return plan([*words, f"train.keep={kept}"], config_dir, is_here, composer)
    chosen = settings.choices.get("study", "none")
    shared = {field.name for field in fields(Definition)} & vars(study).keys()
    definition = Definition(
        preset="optuna" if chosen == "none" else chosen.replace("/", "-"),
        space=space.text(),
        overrides=tuple(fixed),
        base=_base(settings),
        goals=goals,
        config_dir=config_dir,
        trials=study.trials or DEFAULT_TRIALS,
        **{name: getattr(study, name) for name in shared - {"space", "trials"}},
    )
    samplers.check(definition)
    baseline = _baseline(configurator, settings)
    grid: tuple[Mapping[str, Any], ...] = ()
    if definition.is_grid:
        grid = _combinations(configurator)
        beside = study.baseline and space.encode(baseline) is None
        definition = replace(definition, trials=study.trials or len(grid) + beside)
    dry_run = DryRun(configurator, keeps_kinds=study.width != 1)
    if study.baseline:
        dry_run.baseline()
    dry_run.space()
    threads = settings.threads
    if threads is None and is_here and devices.resolve(settings.device).type == "cpu":
        threads = dry_run.threads  # of any number of workers: it decides the bits
    study = _with_workers(study, settings, threads, is_here=is_here)
    made: dict[str, Any] = {}
    if dry_run.first is not None:
        values, setup = dry_run.first
        made = made_of(setup.trial.recipe, values, trackers_of(settings.tracking))
    wide, note = _width(definition, study, dry_run.kinds, is_here=is_here)
    batch = min(wide, -(-definition.trials // max(1, study.workers)))
    definition = replace(definition, threads=threads, width=wide, batch=batch)
    parts = (study, definition, configurator, composer, settings, baseline, grid)
    return Plan(*parts, note, made)


def _with_workers(
    study: StudySettings, settings: Settings, threads: int | None, *, is_here: bool
) -> StudySettings:
    """Return a study whose number of workers is known."""
    if study.workers != AUTO:
        return study
    if not is_here:
        must = "must be a number where others than this machine work"
        raise Mistake("study.workers", must, AUTO)
    return replace(study, workers=processes([settings.device], threads or 1))


def _width(
    definition: Definition, study: StudySettings, kinds: Sequence[Setup], *, is_here: bool
) -> tuple[int, str]:
    """Return how many trials train as one program, and what is said of it.

    kinds: a trial of each kind.
    """
    workers = max(1, study.workers)
    most = -(-definition.trials // workers)
    if study.width is None and not samplers.is_blind(definition):
        most = max(1, definition.trials // (LEAST_BATCHES * workers))
    asked = study.width if is_here or study.width else 1  # others may be other machines
    return width("study.fuse", asked, most, kinds, workers)


def _searched(words: list[str], composer: Composer) -> tuple[StudySettings, Space, list[str]]:
    """Return how a command line searches, what, and its words that fix a value."""
    groups = group_options(composer.config_dir)
    _, fixed = space_of(words, None, groups)
    study = read_study(composer.config([word(text) for text in fixed]))
    space, fixed = space_of(words, study.space, groups)
    if not space.entries:
        advice = (
            "give a study such as study=decay_rate, or values such as "
            "'lr=tag(log, interval(1e-4, 1e-1))'"
        )
        raise Mistake("study.space", "must hold what is searched", "nothing", advice)
    loops = {entry.key: ends(entry.spec)[0] for entry in space.entries if entry.key == LOOP}
    fixed = [*fixed, *overrides_of(loops)]
    return study, space, [*fixed, *_added(words, space, fixed, composer)]


def _option(entry: Entry, value: Any) -> Any:
    """Return a value as the search has it, where it does: 2.0 for 2, so that it has one text."""
    options = entry.spec.values() if isinstance(entry.spec, Choice) else []
    alike = (one for one in options if isinstance(one, bool) == isinstance(value, bool))
    return next((one for one in alike if one == value), value)


def _added(words: list[str], space: Space, fixed: list[str], composer: Composer) -> list[str]:
    """Return words that add the searched keys that the configuration has not, but takes: with the
    default of the argument that a key is, or else its first value."""
    signs = {entry.key: "++" for entry in space.entries if is_open(entry.key)}
    signs |= {one.key: one.sign for one in map(word, words) if one.sign in ("+", "++")}
    config = composer.config([word(text) for text in fixed])
    added = {}
    for entry in space.entries:
        key, first = entry.key, ends(entry.spec)[0]
        sign = signs.get(key, "")
        if key in space.group_names or (sign != "+" and is_there(config, key)):
            continue
        if sign == "+":
            added[f"+{key}"] = first
        elif sign == "++" or taker(config, key):
            usual = default(config, key)
            added[sign + key] = first if usual is None else _option(entry, usual)
    return overrides_of(added)


def _told(study: StudySettings, settings: Settings) -> list[str]:
    """Return words that say what is searched of the metrics that a loop reports: which way is
    better, as study.direction has it, and that the first one decides, where none was to."""
    names = ["loss", *names_of(settings)]
    searched = [key.removeprefix("val/") for key in study.metrics()]
    ways = dict(zip(searched, study.directions(), strict=False))
    new = [name for name in ways if name.isidentifier() and name not in names]
    told = [f"++{METRICS}.{name}={{direction: {ways[name]}}}" for name in new]
    is_given = any(one.key == METRIC for one in settings.overrides)
    if not is_given and searched[:1] and searched[0] in (*names, *new):
        told.append(f"{METRIC}={searched[0]}")
    return told


def _goals(study: StudySettings, settings: Settings) -> tuple[Goal, ...]:
    learn_metrics(settings)
    known = keys_of(settings, data=load(settings.dataset) is not None)
    keys = study.metrics() or [known[-1]]
    for key in keys:
        if key.startswith("test/"):
            raise Mistake("study.metric", "must not be of the test data", f"'{key}'")
        if key not in known:
            given = f"'{key}'{nearest(key, known)}"
            raise Mistake("study.metric", f"must be {' or '.join(known)}", given)
    directions = study.directions() or [metric(key).direction for key in keys]
    keep = settings.train.keep
    if study.of not in (None, MEAN, keep):
        advice = f"train.keep={study.of} keeps the weights of that evaluation"
        must = f"must be {keep} or mean beside train.keep={keep}"
        raise Mistake("study.of", must, study.of, advice)
    of = MEAN if study.of == MEAN else KEPT
    return tuple(
        Goal(key, direction, of, study.last_k if of == MEAN else 1)
        for key, direction in zip(keys, directions, strict=True)
    )


def _usual(texts: list[str], composer: Composer) -> dict[str, Any]:
    """Return the identity of a configuration that a few words give: its values by key."""
    chosen = [word(text) for text in (*texts, "tracking=off")]
    try:
        base = _base(composer.settings(chosen))
    except Mistake:  # an option of a person's own that needs more words
        return {}
    return {**base, "study": {"seeds": read_study(composer.config(chosen)).seeds}}


def _base(settings: Settings) -> dict[str, Any]:
    """Return what a trial is made of beside the search, as it stands in the study's identity."""
    base = settings.resolved()
    for name in ("tracking", "states", "threads", "device"):
        del base[name]
    return base


def _baseline(configurator: Configurator, settings: Settings) -> dict[str, Any]:
    """Return the searched values as the configuration has them."""
    space = configurator.space
    choices = {group: settings.choices[group] for group in space.group_names}
    values: dict[str, Any] = {}
    resolved = settings.resolved()
    for entry in space.entries:
        if entry.key in space.group_names:
            values[entry.key] = choices[entry.key]
        elif entry.holds(choices) and configurator.applies(choices, entry.key):
            node: Any = resolved
            for part in entry.key.split("."):
                node = node.get(part) if isinstance(node, Mapping) else None
            values[entry.key] = node
    return values


def _combinations(configurator: Configurator) -> tuple[Mapping[str, Any], ...]:
    space = configurator.space
    sizes = [entry.spec.size() or 1 for entry in space.entries]
    if max(sizes) <= MOST_COMBINATIONS:
        found = space.all(configurator.applies, MOST_COMBINATIONS + 1)
        if len(found) <= MOST_COMBINATIONS:
            return tuple(found)
    must = f"must have at most {MOST_COMBINATIONS:,} combinations"
    advice = "search fewer values, or use study/sampler=random"
    raise Mistake("study/sampler=grid", must, "more", advice)
