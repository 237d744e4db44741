"""python -m runner: train a model under a learning-rate schedule, or sweep over schedules."""

import os
import sys
from collections.abc import Sequence

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    0 done; 1 a failure; 2 a person's mistake, nothing created; 3 a run stopped because it was
    not finite; 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    from runner.addresses import refuse_passwords
    from runner.config import in_order
    from runner.config.choices import check_choices
    from runner.config.explain import MISTAKES, explain

    try:
        refuse_passwords(words)
        check_choices(words)
        _hydra(in_order(words))
        return 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except MISTAKES as error:
        print(f"error: {explain(error, words)}", file=sys.stderr)
        return 2


def _hydra(words: list[str]) -> None:
    import hydra

    from runner import plugins
    from runner.config import CONF
    from runner.entry import task

    plugins.register()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here as they are
    before, sys.argv = sys.argv, ["runner", *words]
    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(task)()
    finally:
        sys.argv = before


def exit_with(status: int) -> None:
    """End the process with a status; Python itself would turn an interrupt that a C extension has
    seen into the signal's."""
    if status != INTERRUPTED:
        sys.exit(status)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    exit_with(main())
