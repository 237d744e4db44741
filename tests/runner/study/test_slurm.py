"""Workers of a study as jobs of a real Slurm on loopback: its time limits end no study."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest

from runner.study.queue import attributes
from runner.study.queue.storage import open_storage

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scontrol", "sinfo")
_PATH = f"{os.environ['PATH']}:/usr/sbin"
MISSING = [one for one in PROGRAMS if shutil.which(one, path=_PATH) is None]
pytestmark = [
    pytest.mark.stress,
    pytest.mark.timeout(700),
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)} (slurm-wlm, munge)"),
    pytest.mark.skipif(os.geteuid() != 0, reason="starts Slurm's daemons as root"),
]
CONFIGURATION = """\
ClusterName=loop
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/munge.sock
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,bf_interval=1
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=5
InactiveLimit=0
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=4000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory=4000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=60 State=UP
"""
LINE = (
    "-m hydra/sweeper=optuna model=quadratic dataset=none optimizer=sgd schedule=constant "
    "threads=1 'lr=tag(log, interval(1e-3, 0.5))' study.name=one study.heartbeat_seconds=5 "
    "train.steps=12000 train.eval_every=4000 study.trials=24 study.confirm_seeds=1 "
    "states.every=2000"
)


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens on."""
    kept = [socket.socket() for _ in range(count)]
    for one in kept:
        one.bind(("127.0.0.1", 0))
    found = [one.getsockname()[1] for one in kept]
    for one in kept:
        one.close()
    return found


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: Any) -> Iterator[Callable[..., str]]:
    """A Slurm of two nodes on loopback, without accounting; calls one of its programs."""
    folder = tmp_path / "slurm"
    for name in ("state", "spool/n1", "spool/n2", "log"):
        (folder / name).mkdir(parents=True)
    (folder / "munge").mkdir(mode=0o700)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    host = socket.gethostname()
    conf = folder / "slurm.conf"
    conf.write_text(CONFIGURATION.format(host=host, folder=folder, ports=free_ports(3)))
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    monkeypatch.setenv("SLURM_CONF", str(conf))
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin")

    def call(*words: str) -> str:
        done = subprocess.run(words, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    munge = folder / "munge"
    call(
        *("munged", "--force", f"--key-file={key}", f"--socket={munge}/munge.sock"),
        *(f"--pid-file={munge}/munged.pid", f"--log-file={munge}/munged.log"),
        f"--seed-file={munge}/seed",
    )
    try:
        call("slurmctld", "-f", str(conf))
        for node in ("n1", "n2"):
            call("slurmd", "-f", str(conf), "-N", node)
        until(lambda: call("sinfo", "-h", "-o", "%T %D").split() == ["idle", "2"])
        yield call
    finally:
        files = [*folder.glob("*.pid"), munge / "munged.pid"]
        for pid in [int(file.read_text()) for file in files if file.exists()]:
            process = psutil.Process(pid)
            process.terminate()
            process.wait(20)


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.5)


def listening(folder: Path) -> set[str]:
    """The addresses that this Slurm listens on."""
    pids = {int(file.read_text()) for file in folder.glob("slurm/*.pid")}
    found = [psutil.Process(pid).net_connections("inet") for pid in pids]
    return {one.laddr.ip for all_of in found for one in all_of if one.status == "LISTEN"}


def study() -> optuna.Study:
    return optuna.load_study(study_name="one", storage=open_storage("sqlite:///optuna.db"))


def test_time_limits_end_no_study(slurm, command, store, folder, tmp_path) -> None:
    assert command(f"{LINE} study.workers=0").status == 0
    assert listening(tmp_path) == {"127.0.0.1"}
    worker = [sys.executable, "-m", "runner.worker", "sqlite:///optuna.db", "one"]

    def array(*more: str) -> None:
        line = f"exec {shlex.join(worker)}"
        slurm("sbatch", "--array=0-1", "--output=job-%a-%A.txt", *more, f"--wrap={line}")

    array("--time=2", "--signal=B:USR2@30")  # Slurm may be up to a minute early
    until(lambda: bool(attributes.done(study())), 120)
    until(lambda: not slurm("squeue", "-h"), 200)
    first = [file.read_text() for file in folder.glob("job-*.txt")]
    assert len(first) == 2
    found = study()
    assert attributes.crashed(found.trials) == []
    assert len(attributes.done(found)) < 24, "the limit came too late to be one"
    assert "RUNNING" not in {trial.state.name for trial in found.trials}, first
    told = sum("this worker ends; what it trained is made again" in text for text in first)
    assert told >= 1, first
    array("--time=10")
    until(lambda: not slurm("squeue", "-h"), 300)
    ended = [file.read_text() for file in folder.glob("job-*.txt")]
    assert sum(text.count("\nrepeat ") for text in ended) == 1, ended
    assert len(attributes.done(study())) == 24
    names = Counter(map(store.label, store.runs()))
    assert names["summary"] == 1
    assert attributes.crashed(study().trials) == []
