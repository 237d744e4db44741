"""What made trials good, and how early it showed."""

import math
import warnings
from collections import Counter
from collections.abc import Callable, Sequence

import optuna
from optuna.study import Study, StudyDirection

from runner.results.definition import Definition
from runner.results.rows import Row, ranked
from runner.study.queue.attributes import rows

_FEWEST = 5  # trials that a correlation is made of
_ENOUGH = 10  # trials that an importance is made of, and those that have a key
_BEST = 5  # trials that importance explains at least
_END = 100  # percent
_MOST = 10  # rungs
_TOP = 0.1  # the share of the trials that importance explains


def rung_correlations(rows: Sequence[Row]) -> dict[int, tuple[float, int]]:
    """Return of each rung Spearman's rank correlation with the final value, and of how many trials.

    They are those that were trained to the end. A rung of fewer than 5 is left out, as is the end
    of the run; of many rungs, about ten are judged.

    >>> ends = [0.1, 0.2, 0.3, 0.4, 0.5]
    >>> trials = [Row(i, "COMPLETE", objective=(x,), rungs={50: -x}) for i, x in enumerate(ends)]
    >>> {rung: (round(rank, 3), n) for rung, (rank, n) in rung_correlations(trials).items()}
    {50: (-1.0, 5)}
    """
    from scipy.stats import spearmanr  # type: ignore[import-untyped]

    counted = [row for row in rows if row.counts and row.copy_of is None]
    found = {}
    rungs = sorted({rung for row in counted for rung in row.rungs if rung < _END})
    for rung in rungs[:: math.ceil(len(rungs) / _MOST) or 1]:
        pairs = [(row.rungs[rung], row.objective[0]) for row in counted if rung in row.rungs]
        pairs = [pair for pair in pairs if math.isfinite(pair[0])]
        if len(pairs) < _FEWEST:
            continue
        then, final = zip(*pairs, strict=True)
        constant = len(set(then)) == 1 or len(set(final)) == 1
        rank = math.nan if constant else float(spearmanr(then, final).statistic)
        found[rung] = (rank, len(pairs))
    return found


def importance(
    study: Study, definition: Definition, rename: Callable[[str], str]
) -> dict[str, float]:
    """Return how much each key decides whether a trial is among the best by the first goal.

    Shares that sum to 1, the largest first, of the trials that count (PED-ANOVA, which also
    judges keys that exist in some trials only: https://arxiv.org/abs/2601.20800). A key of fewer
    than 10 trials is left out. Empty where it cannot be told: a single key, equal values.

    Arguments:
        rename: inner parameter -> the key it belongs to.
    """
    # takes 2 s, as it loads sklearn
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    trials = {trial.number: trial for trial in study.get_trials(deepcopy=False)}
    found = ranked(rows(list(trials.values()), definition), definition)
    counted = [row for row in found if row.inner]
    having = Counter(key for row in counted for key in {rename(inner) for inner in row.inner})
    keys = {key for key, count in having.items() if count >= _ENOUGH}
    if len(keys) < 2 or len({row.objective[0] for row in counted}) == 1:
        return {}
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            direction = StudyDirection[definition.goals[0].direction.upper()]
            copy = optuna.create_study(direction=direction)
            for row in counted:
                copy.add_trial(
                    optuna.trial.create_trial(
                        value=row.objective[0],
                        params=dict(row.inner),
                        distributions=trials[row.number].distributions,
                    )
                )
            top = max(_TOP, min(0.5, _BEST / len(counted)))
            parts = get_param_importances(
                copy, evaluator=PedAnovaImportanceEvaluator(target_quantile=top), normalize=False
            )
    except (ValueError, RuntimeError):
        return {}
    finally:
        optuna.logging.set_verbosity(verbosity)
    sums = dict.fromkeys(sorted(keys), 0.0)
    for inner, part in parts.items():
        if rename(inner) in keys:
            sums[rename(inner)] += float(part)
    total = sum(sums.values())
    if not (math.isfinite(total) and total > 0):
        return {}
    return {key: sums[key] / total for key in sorted(sums, key=lambda key: -sums[key])}
