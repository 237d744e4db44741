"""Processes that read: what they are asked for, in order; then they are gone."""

import multiprocessing
import os
import re
import time

import numpy as np
import pytest
import torch
from torch.utils.data import get_worker_info

from runner.training.source import Request, Source, Unreadable
from runner.training.workers import Workers


class Slow:
    """Takes longest for the first samples; tells who read them."""

    how = ""

    def __len__(self):
        return 40

    def __getitem__(self, i):
        time.sleep(0.02 if i < 4 else 0)
        if self.how and i == 5 and get_worker_info():
            os._exit(3)
        return torch.tensor([i, os.getpid()]), 0


def request(*indices, part="train"):
    return Request(part, np.array(indices), np.array(indices))


def read(workers, requests):
    return torch.cat([inputs for inputs, _, _ in workers.read(requests)])


@pytest.fixture
def workers():
    made = []

    def make(count, part=None, **parts):
        made.append(Workers(Source({"train": part or Slow(), **parts}), count))
        return made[-1]

    yield make
    for one in made:
        one.close()


def children():
    return {child.pid for child in multiprocessing.active_children()}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_batches_come_in_the_order_in_which_they_are_asked_for(workers, count):
    requests = [request(i, i + 10) for i in (3, 20, 1, 0, 2, 25)]
    found = read(workers(count), requests)[:, 0]
    assert found.tolist() == [3, 13, 20, 30, 1, 11, 0, 10, 2, 12, 25, 35]


def test_the_same_processes_read_all_parts_until_they_are_closed(workers):
    before = children()
    made = workers(2, val=Slow())
    several = [[request(i) for i in range(6)], [request(i, part="val") for i in range(6)]] * 2
    readers = {pid for one in several for pid in read(made, one)[:, 1].tolist()}
    assert readers == children() - before
    assert len(readers) == 2
    made.close()
    assert children() == before
    assert not made.started
    assert len(set(read(made, several[0])[:, 1].tolist()) - readers) == 2


def test_whoever_asks_anew_leaves_what_was_read_ahead(workers):
    made = workers(2)
    ahead = made.read(request(i) for i in range(30))
    assert next(ahead)[0][0, 0] == 0
    assert read(made, [request(39), request(38)])[:, 0].tolist() == [39, 38]


def test_processes_end_while_somebody_reads(workers):
    before, made = children(), workers(2)
    ahead = made.read(request(i) for i in range(30))
    next(ahead)
    made.close()
    assert children() == before


def test_processes_end_with_the_data_set(workers):
    before = children()
    made = Workers(Source({"train": Slow()}), 2)
    read(made, [request(7)])
    assert len(children() - before) == 2
    del made
    assert children() == before


def test_a_worker_that_dies_is_one_line(workers):
    made, part = workers(1), Slow()
    made.source.parts["train"].how = part.how = "dies"
    with pytest.raises(
        Unreadable, match=r"^dataset.workers: a worker that reads the data died: .*"
    ):
        read(made, [request(4), request(5)])
    assert read(workers(0, part), [request(4), request(5)])[:, 0].tolist() == [4, 5]


@pytest.fixture
def spawned():
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method("spawn", force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


def test_data_that_cannot_be_sent_to_a_worker_are_one_line(workers, spawned):
    part = Slow()
    part.change = lambda x: x
    with pytest.raises(Unreadable) as found:
        read(workers(1, part), [request(4)])
    start = (
        r"^dataset.workers: a worker that reads the data cannot be started: Can't pickle .*lambda"
    )
    assert re.match(start, str(found.value))
    assert str(found.value).endswith("; 0 reads them in the training's process")


def test_a_failure_tells_where_it_happened_in_the_worker(workers):
    class Failing(Slow):
        def __getitem__(self, i):
            return {}["x"]

    where = rf"^dataset.train fails at sample 9 with KeyError: 'x' \(.*{os.path.basename(__file__)}"
    with pytest.raises(Unreadable, match=where) as found:
        read(workers(1, Failing()), [request(9)])
    assert 'return {}["x"]' in str(found.value.__cause__)
