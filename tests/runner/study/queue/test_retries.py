"""A storage that went away is asked again, and what it says otherwise is passed on."""

import optuna
import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import InMemoryStorage

from runner.study.queue import retries


class Away(InMemoryStorage):
    """A storage that fails so many times."""

    def __init__(self, failures: int, error: type[Exception] = StorageInternalError) -> None:
        super().__init__()
        self.failures, self.error = failures, error

    def get_n_trials(self, *given, **named) -> int:
        self.failures -= 1
        if self.failures >= 0:
            raise self.error("the database is away")
        return super().get_n_trials(*given, **named)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses."""
    monkeypatch.setattr(retries, "_PAUSE_SECONDS", 0.0)


def trials(storage: InMemoryStorage) -> int:
    study = optuna.create_study(storage=retries.patient(storage))
    return retries.patient(storage).get_n_trials(storage.get_study_id_from_name(study.study_name))


def test_an_access_is_tried_until_it_succeeds() -> None:
    storage = Away(5)
    assert trials(storage) == 0
    assert storage.failures == -1


def test_a_storage_that_stays_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(StorageInternalError, match="the database is away"):
        trials(Away(10**9))


def test_any_other_error_is_not_tried_again() -> None:
    storage = Away(2, KeyError)
    with pytest.raises(KeyError, match="the database is away"):
        trials(storage)
    assert storage.failures == 1
