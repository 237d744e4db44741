"""A Slurm of two nodes on loopback, with and without what remembers ended jobs."""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil

from tests.runner.study.engines.joined import free_ports, until

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel", "sinfo")
ACCOUNTING = ("slurmdbd", "sacct", "sacctmgr", "mariadbd", "mariadb-install-db")
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
ACCOUNTED = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={ports[3]}
AccountingStoragePass={folder}/munge/munge.sock
"""
DATABASE = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge/munge.sock
CommunicationParameters=NoInAddrAny
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={ports[3]}
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
PidFile={folder}/slurmdbd.pid
LogFile={folder}/log/slurmdbd.log
"""


class Slurm:
    """A Slurm of two nodes on loopback, one core each."""

    def __init__(self, folder: Path, *, accounting: bool) -> None:
        self.folder = folder
        self._accounting = accounting
        self._database: subprocess.Popen[bytes] | None = None

    def __call__(self, *words: str) -> str:
        """Call one of its programs; return what it prints."""
        done = subprocess.run(words, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def array(self, *more: str) -> str:
        """Let two workers join; return the job's id."""
        worker = f"exec {sys.executable} -m runner.worker sqlite:///optuna.db one"
        words = ("--parsable", "--array=0-1", "--output=job-%A-%a.txt", *more)
        return self("sbatch", *words, f"--wrap={worker}").strip()

    def is_empty(self) -> bool:
        return not self("squeue", "-h")

    def start(self) -> None:
        folder, munge = self.folder, self.folder / "munge"
        for name in ("state", "spool/n1", "spool/n2", "log", "sql"):
            (folder / name).mkdir(parents=True)
        munge.mkdir(mode=0o700)
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o600)
        given = {"host": socket.gethostname(), "folder": folder, "ports": free_ports(4)}
        conf = CONFIGURATION + (ACCOUNTED if self._accounting else "")
        (folder / "slurm.conf").write_text(conf.format(**given))
        (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        self._daemon(
            *("munged", "--force", f"--key-file={munge}/key", f"--socket={munge}/munge.sock"),
            *(f"--pid-file={munge}/munged.pid", f"--log-file={munge}/munged.log"),
            f"--seed-file={munge}/seed",
        )
        if self._accounting:
            (folder / "slurmdbd.conf").write_text(DATABASE.format(**given))
            (folder / "slurmdbd.conf").chmod(0o600)
            self._start_accounting()
        self._daemon("slurmctld")
        for node in ("n1", "n2"):
            self._daemon("slurmd", "-N", node)
        until(lambda: self("sinfo", "-h", "-o", "%T %D").split() == ["idle", "2"])

    def _daemon(self, *words: str) -> None:
        """Start what goes on in the background: it may keep no pipe of ours open."""
        nowhere = subprocess.DEVNULL
        subprocess.run(words, stdout=nowhere, stderr=nowhere, timeout=30, check=True)

    def _start_accounting(self) -> None:
        folder = self.folder
        data = ("--no-defaults", f"--datadir={folder}/sql", "--user=root")
        self("mariadb-install-db", *data, "--auth-root-authentication-method=normal")
        with open(folder / "log" / "sql.log", "w") as log:
            own = (f"--socket={folder}/sql.sock", f"--pid-file={folder}/sql.pid")
            words = ["mariadbd", *data, *own, "--skip-networking"]
            self._database = subprocess.Popen(words, stderr=log)
        until((folder / "sql.sock").exists)
        self._daemon("slurmdbd")
        ask = ("sacctmgr", "-i", "add", "cluster", "loop")
        until(lambda: subprocess.run(ask, capture_output=True, timeout=30).returncode == 0)

    def end(self) -> None:
        """End its jobs, of a test that failed, and then its daemons."""
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self("scancel", "--user=root")
            until(self.is_empty, 20)
        for name in ("slurmd-n1", "slurmd-n2", "slurmctld", "slurmdbd", "munge/munged"):
            file = self.folder / f"{name}.pid"
            with contextlib.suppress(psutil.Error, FileNotFoundError):
                process = psutil.Process(int(file.read_text()))
                process.terminate()
                process.wait(30)
        if self._database is not None:
            self._database.terminate()
            self._database.wait(30)
