"""What `python -m runner.worker` does: one worker more for a study, from any machine with the code;
the last one answers."""

import json
import re
import shlex
from dataclasses import fields, replace
from pathlib import Path

import optuna
from optuna.study import Study

from runner.errors import Mistake, nearest
from runner.interrupts import LIMITS, STOPS, Interrupts
from runner.report.say import say, warn
from runner.results.answer import Answer
from runner.results.definition import Definition
from runner.results.result import Status
from runner.study.answer import confirm
from runner.study.answer.conclude import conclude
from runner.study.plan.made_of import check_same
from runner.study.queue import attributes, queue, schema
from runner.study.queue.attributes import DEFINITION
from runner.study.queue.storage import open_storage, told
from runner.study.work.limit import check_fits
from runner.study.work.monitor import Monitor
from runner.study.work.worker import configurator_of, work
from runner.tracking import trackers_of

_ANEW = "note: from its first step, as states=off: a queue's time limit must be longer than a trial"
_FILE = re.compile(r"(?:sqlite:///|journal:(?:///)?)(.+)")


def join(address: str, name: str) -> Answer | None:
    """Work on a study until nothing is left to do, and then answer, unless another has done so.

    address: of its storage. A signal by which queues announce the end of the time is as Ctrl-C:
    the trial is given back behind its step, and counts as nothing.

    Raises Mistake, with nothing created, for a study that is not there, is finished, or is another
    one here: of a newer version, with other code or data, or recorded elsewhere; and where a queue
    gives too little time.
    """
    _check_there(address)
    with told(address):
        study = _study(address, name)
        definition = _definition(study)
        configurator = configurator_of(definition)
        schema.check(study, configurator.space.rename)
        trackers = trackers_of(configurator.settings({}).tracking)
        for tracker in trackers:
            tracker.check()
        check_same(study, configurator, trackers)
        has_states = configurator.settings({}).states.enabled
        is_answered = "said" in study.user_attrs.get(attributes.SUMMARY, {})
        if confirm.is_over(study) and is_answered:
            raise Mistake("NAME", "must be a study with trials left to do", f"'{name}', finished")
        if not confirm.is_over(study):
            check_fits(study, states=has_states)
        for tracker in trackers:
            tracker.prepare(definition.experiment)
        done = len(attributes.done(study))
        say(f"study     {name}: {done} of {definition.trials} trials done; this is a worker of it")
        with Interrupts((*STOPS, *LIMITS)) as interrupts:
            with Monitor(study, trackers, joins=True) as monitor:
                work(study, interrupts, None, None, configurator)
            if interrupts.requested():
                say("\nthis worker ends; what it trained is made again by another one")
                if not has_states:
                    warn(_ANEW)
                return Answer(name, Status.KILLED, definition.goals)
            found = conclude(study, configurator, monitor.confirmation, again=False)
            if found is not None and (queue.has_failed(study) or not monitor.is_confirmed()):
                return replace(found, status=Status.FAILED)
            return found


def _check_there(address: str) -> None:
    """Raise Mistake for a file that is not there, which opening it would make."""
    found = _FILE.fullmatch(address)
    if found is not None and not Path(found[1]).exists():
        raise Mistake("STORAGE", "must be one that there is", f"'{address}'")


def _study(address: str, name: str) -> Study:
    storage = open_storage(address)
    names = [one for one in optuna.get_all_study_names(storage) if not _is_beside(one)]
    if name not in names:
        hint = nearest(name, names) or (f"; there are {', '.join(names[:8])}" if names else "")
        raise Mistake("NAME", f"must be a study of {address}", f"'{name}'{hint}")
    return optuna.load_study(study_name=name, storage=storage)


def _is_beside(name: str) -> bool:
    return name.endswith(confirm.SUFFIX)


def _definition(study: Study) -> Definition:
    found = attributes.definition(study)
    known = {field.name for field in fields(Definition)}
    if newer := sorted(set(json.loads(study.user_attrs[DEFINITION])) - known):
        must = "must be a study of this version of the runner, or of an earlier one"
        raise Mistake("NAME", must, f"'{study.study_name}', which has {', '.join(newer)}")
    return found


def command(address: str, name: str) -> str:
    """Return the command by which a worker joins.

    >>> command("sqlite:///optuna.db", "my study")
    "python -m runner.worker sqlite:///optuna.db 'my study'"
    """
    return shlex.join(["python", "-m", "runner.worker", address, name])
