"""Workers of a study as tasks of a real HyperQueue: one that dies loses nothing."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.runner.study.engines.joined import STUDY, Found, missing, not_allowed, until

NETWORK = missing("ip") or not_allowed("unshare", "--net", "ip", "link", "set", "lo", "up")
pytestmark = [
    pytest.mark.stress,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        importlib.util.find_spec("hyperqueue") is None, reason="needs the package hyperqueue"
    ),
    pytest.mark.skipif(bool(NETWORK), reason=NETWORK),
]
FOUND = Found("sqlite:///optuna.db")
# its server listens on 0.0.0.0, so it gets a network that is loopback and nothing else
ALONE = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
CLUSTER = """\
import sys
from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

with LocalCluster() as cluster:
    for _ in range(2):
        cluster.start_worker(WorkerConfig(cores=1))
    job = Job()
    for number in range(2):
        job.program(sys.argv[1:], stdout=f"task-{number}.txt", stderr=f"task-{number}.err")
    client = cluster.client()
    submitted = client.submit(job)
    client.wait_for_jobs([submitted], raise_on_error=False)
    print("failed", *sorted(client.get_failed_tasks(submitted)))
"""


def test_tasks_work_on_a_study_and_one_of_them_is_killed(command: Any, store: Any) -> None:
    assert command(f"{STUDY} study.workers=0").status == 0
    worker = [sys.executable, "-m", "runner.worker", "sqlite:///optuna.db", "one"]
    words = [*ALONE, sys.executable, "-c", CLUSTER, *worker]
    pipe = subprocess.PIPE
    queue = subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True)
    try:
        until(lambda: queue.poll() is not None or FOUND.done() > 3, 100)
        assert queue.poll() is None, queue.communicate()
        killed = FOUND.pids()[0]
        os.kill(killed, 9)
        out, err = queue.communicate(timeout=300)
    finally:
        if queue.poll() is None:
            for one in psutil.Process(queue.pid).children(recursive=True):
                one.kill()
        queue.kill()
    assert queue.returncode == 0, err
    assert re.search(r"^failed \d$", out, re.MULTILINE), out  # the task that was killed
    assert sum(file.read_text().count("\nrepeat ") for file in Path().glob("task-*.txt")) == 1
    FOUND.check(store.runs(), store.label)


@pytest.mark.skipif(shutil.which("hq") is None, reason="needs the program hq")
def test_the_line_for_hq_submits_workers(command: Any, store: Any, tmp_path: Path) -> None:
    assert command(f"{STUDY} study.workers=0").status == 0
    line = (
        "export HQ_SERVER_DIR=$PWD/hq; hq server start & sleep 2; hq worker start & sleep 1; "
        f"hq submit --wait --array 1-2 {sys.executable} -m runner.worker sqlite:///optuna.db one; "
        "status=$?; hq server stop; wait; exit $status"
    )
    done = subprocess.run([*ALONE, "sh", "-c", line], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    FOUND.check(store.runs(), store.label)
