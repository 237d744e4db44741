"""TensorBoard: event files, a folder a run; the extra `tensorboard` installs what it needs.

A point that comes twice is drawn twice at the same place; so are those of a killed run that goes on
whose sending the kill has cut off.
"""

import shlex
import shutil
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from runner.errors import Mistake
from runner.results.events import Point
from runner.results.result import Link
from runner.tracking.base import Header, Tracker


class TensorBoard(Tracker):
    """Writes FOLDER/EXPERIMENT/RUN NAME ID; `tensorboard --logdir FOLDER` shows it."""

    def __init__(self, folder: str = "runs") -> None:
        self.address = str(Path(folder).absolute())
        self._writer = cache(self._new_writer)  # one a run

    def check(self) -> None:
        try:
            import tensorboard  # noqa: F401
        except ImportError:
            advice = "pip install 'schedule-runner[tensorboard]'"
            raise Mistake("tracking=tensorboard", "needs its package", advice=advice) from None

    def open(self, header: Header) -> Link:
        run_id = header.token or uuid.uuid4().hex
        folder = Path(self.address) / _plain(header.experiment) / _plain(f"{header.name} {run_id}")
        folder.mkdir(parents=True)
        self.tags(run_id, header.tags)
        return self._link(run_id, header)

    def find(self, token: str, experiment: str = "") -> Sequence[str]:
        return [token for _ in Path(self.address).glob(f"*/* {token}")]

    def reopen(self, run_id: str, header: Header) -> Link | None:
        return self._link(run_id, header) if self.has(run_id) else None

    def recorded(self, run_id: str) -> Mapping[str, int]:
        from tensorboard.backend.event_processing import event_accumulator

        few = dict.fromkeys(event_accumulator.DEFAULT_SIZE_GUIDANCE, 1)  # the last one among them
        found = event_accumulator.EventAccumulator(str(self._folder(run_id)), few).Reload()
        return {key: found.Scalars(key)[-1].step for key in found.Tags()["scalars"]}

    def params(self, run_id: str, params: Mapping[str, str]) -> None:
        self.tags(run_id, {"parameters": "\n".join(f"- {k}: {v}" for k, v in params.items())})

    def points(self, run_id: str, points: Sequence[Point]) -> None:
        for key, value, ms, step in points:
            self._writer(run_id).add_scalar(key, value, step, ms / 1000)

    def tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        for key, value in tags.items():
            self._writer(run_id).add_text(key, value)

    def artifacts(self, run_id: str, folder: Path) -> None:
        shutil.copytree(folder, self._folder(run_id) / "artifacts", dirs_exist_ok=True)

    def has(self, run_id: str) -> bool:
        return any(Path(self.address).glob(f"*/* {run_id}"))

    def fetch(self, run_id: str, names: Sequence[str], folder: Path) -> None:
        for name in names:
            if (file := self._folder(run_id) / "artifacts" / name).exists():
                shutil.copy(file, folder)

    def flush(self, run_id: str) -> None:
        self._writer(run_id).flush()

    def close(self, run_id: str, status: str, end_ms: int) -> None:
        self.tags(run_id, {"status": status})
        self._writer(run_id).close()
        self._writer.cache_clear()

    def remove(self, run_id: str) -> bool:
        shutil.rmtree(self._folder(run_id), ignore_errors=True)
        return True

    def look(self) -> str:
        return f"tensorboard --logdir {shlex.quote(self.address)}"

    def _folder(self, run_id: str) -> Path:
        return next(Path(self.address).glob(f"*/* {run_id}"))

    def _link(self, run_id: str, header: Header) -> Link:
        place, look = _plain(header.experiment), self.look()
        return Link(run_id, place, header.experiment, self.address, look, look)

    def _new_writer(self, run_id: str) -> Any:
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self._folder(run_id)))


def _plain(name: str) -> str:
    """Return a name as one of a folder."""
    return name.replace("/", "-")
