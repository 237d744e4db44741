"""The names that studies of every version have in their storages."""

from runner.study.queue import attributes


def test_the_names_that_are_stored_are_those_of_every_earlier_version() -> None:
    stored = {key: value for key, value in vars(attributes).items() if isinstance(value, str)}
    assert {key: value for key, value in stored.items() if key.isupper()} == {
        "BASELINE": "baseline",
        "CANDIDATE": "candidate",
        "CELL": "cell",
        "CONFIRMS": "confirms",
        "DEFINITION": "definition",
        "EARLIER_CRASHES": "forgiven",
        "FIXED": "fixed",
        "GONE": "its worker is gone",
        "IDENTITY": "identity",
        "INTERRUPTED": "interrupted",
        "KILLS": "kills",
        "LABEL": "label",
        "LEFT_OVER": "left over",
        "LOST": "lost",
        "OUTCOME": "outcome",
        "RETRY_OF": "retry_of",
        "RUNS": "runs",
        "SEED": "seed",
        "STOPPED": "stopped",
        "SUMMARY": "summary",
        "SUSPECTED": "suspected",
        "VALUES": "values",
        "WORKER": "worker",
    }
