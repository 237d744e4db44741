"""Tables are made by one process at a time, wherever the processes run."""

import threading
import time

from runner.databases import making_tables


def test_a_second_process_waits_for_the_first(new_postgres) -> None:
    address, seen = new_postgres(), []

    def second() -> None:
        with making_tables(address, connect_timeout=4):
            seen.append("second")

    thread = threading.Thread(target=second)
    with making_tables(address):
        thread.start()
        time.sleep(0.3)
        seen.append("first")
    thread.join()
    assert seen == ["first", "second"]


def test_other_databases_are_let_be(tmp_path) -> None:
    with making_tables(f"sqlite:///{tmp_path}/none.db"), making_tables("http://127.0.0.1:1"):
        assert list(tmp_path.iterdir()) == []
