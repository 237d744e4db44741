"""Whatever a person mistypes: status 2, one line that says what to change, nothing created."""

import importlib.util
import socket
from pathlib import Path

import pytest

from runner.config.options import group_options

SCHEDULES = ", ".join(group_options()["schedule"])
DURATION = (
    "must be steps (an int), epochs ('2ep'), a share of the run ('10%') or samples ('5000samples')"
)
SEARCH = "study=schedule model=mlp"
PIECES = "schedule=piecewise schedule.boundaries"

NAMES = {
    "schedule=cosin": f"schedule must be one of {SCHEDULES}, got 'cosin' (did you mean 'cosine'?)",
    "schedule=": f"schedule must be one of {SCHEDULES}, got ''",
    "schedule=3": f"schedule must be one of {SCHEDULES}, got 3",
    "warmup=null": "warmup must be one of constant, cosine, exponential, linear, none, sqrt, got n",
    "schedul=cosine": "unknown key 'schedul' (did you mean 'schedule'?)",
    "train.epoch=3": "unknown key 'train.epoch' (did you mean 'train.epochs'?)",
    "+train.epoch=3": "unknown key 'train.epoch' (did you mean 'train.epochs'?)",
    "batch_size=32": "unknown key 'batch_size'; here it is train.batch_size",
    "+batch_size=32": "unknown key 'batch_size'; here it is train.batch_size",
    "foo=1": "unknown key 'foo'; python -m runner --help lists the keys",
    "+foo=1": "unknown key 'foo'; python -m runner --help lists the keys",
    "model.foo=1": "unknown key 'model.foo'; model=keras_cnn has model.weights,",
    "+model.foo=1": "model.foo is not an argument of runner.training.models.KerasCNN",
    "~model.foo": "unknown key 'model.foo'",
    "~lr": "lr has no value to take away",
    "~model": "model must have a _target_ and its arguments, got {}",
    "warmup.fraction=0.1": "with warmup=none; it belongs to warmup=constant, cosine, exponential, "
    "linear or sqrt",
    "model.hidden=[64]": "'model.hidden' with model=keras_cnn; it belongs to model=mlp",
    "schedule.decay=0.9": "'schedule.decay' (did you mean 'schedule.decay_rate'?)",
    "experiment=bert_recipe": "experiment is added with a plus: +experiment=bert_recipe",
    "+experiment.foo=1": "experiment must be an option whose first line is '# @package _global_'",
    "experiment=bert_recip": "+experiment=bert_recip, one of bert_recipe, finetune,",
    "+experiment=bert_recip": "got 'bert_recip' (did you mean 'bert_recipe'?)",
    "+experiments=bert_recipe": "'experiments' (did you mean 'experiment'?)",
    "lr": "cannot read 'lr'; write key=value",
    "=3": "cannot read '=3'; write key=value",
    "lr=[0.1": "cannot read 'lr=[0.1'; write key=value, a list as [a,b] without spaces",
    "seed=0,1": "seed has several values, 0,1: add -m to sweep over them",
    "hydra.launcher=joblib": "hydra.launcher is chosen with a slash: hydra/launcher=joblib",
    "--config-dir=nowhere": "--config-dir must be a folder, got 'nowhere'",
    "--dry-run": "unknown flag --dry-run; python -m runner --help shows the command line",
    "@=1": "cannot read '@=1'; write key=value",
    "study=[0%,1]": "study must be one of boundaries, decay_rate, everything, none,",
    "--resolve": "--resolve must stand beside --cfg job, got none",
    "--experimental-rerun x": "--experimental-rerun is not known to the runner; a run's last line",
    "--cfg foo": "--cfg: invalid choice: 'foo'",
    "-i seed=1": "--info: invalid choice: 'seed=1'",
    "-m=1": "--multirun: ignored explicit argument '1'",
    "--cfg job --run": "--run and --cfg exclude each other",
    "hydra.searchpath=[file:///nope]": "hydra.searchpath must list folders that there are, got 'f",
    "'hydra.verbose={a: 1}'": "hydra.verbose must be true, false, or the names of loggers, got {'a",
    f"hydra.searchpath={'x' * 300}": "hydra.searchpath must list folders that there are, got 'xxx",
    "hydra.mode=???": "hydra.mode must be given, got nothing",
    "'hydra.mode=${oc.env:NOPE}'": "hydra.mode: KeyError raised while resolving interpolation: ",
    "'+hydra.launcher.n_jobs=${nope}'": "hydra.launcher.n_jobs: Interpolation key 'nope' not found",
    "-m \"tracking.run_name=choice('o\x1b[31m',x)\"": "tracking.run_name must have values that",
    "'hydra.callbacks=${nope}'": "hydra.callbacks: Interpolation key 'nope' not found",
    "hydra.overrides.task=???": "hydra.overrides.task ",
    "hydra.sweeper=3": "hydra.sweeper must have a _target_, got 3; choose it with a slash, hydra/s",
    "hydra.sweeper.params=3": "hydra.sweeper.params must be keys with values, got 3",
    "-m hydra.launcher._target_=x": "hydra.launcher._target_ must be one of Hydra's plugins, got",
    "--hydra-help seed=1": "--hydra-help must stand alone, got 'seed=1' beside it",
    "hydra.foo=1 --info": "unknown key 'hydra.foo'",
    "~hydra/sweeper": "hydra.sweeper must have a _target_, got None; choose it with a slash, hydra",
    "--config-path=/nope": "--config-path must be a folder that can be read, got '/nope'",
    "~task": "task must be one of its options, with its keys, got None",
    "hydra.run.dir=/proc/x hydra.job.chdir=true": "hydra.run.dir must be a folder that can be made",
}
VALUES = {
    "seed=abc": "seed must be a whole number, got 'abc'",
    "lr=fast": "lr must be a number, got 'fast'",
    "lr='${foo}'": "lr: Interpolation key 'foo' not found",
    "train=5": "train must have keys (train.epochs, train.steps,",
    "train.steps=1.5": "train.steps must be a whole number, got 1.5",
    "tracking.enabled=maybe": "tracking.enabled must be true or false, got 'maybe'",
    "+optimizer.lr=0.1": "optimizer.lr must be left out: the schedule sets the rate",
    "device=cpu:": "device must be one of auto, cpu",
    "optimizer.eps=abc": "optimizer.eps must be a number, got 'abc'",
    "optimizer.betas=[0.9]": "optimizer.betas must be a list of 2, got [0.9]",
    "dataset.train_size=abc": "dataset.train_size must be a whole number, got 'abc'",
    "dataset.train_size=9999": "dataset.train_size must lie in [1, 4050], the training samples",
    "model=mlp model.hidden=[0]": "model.hidden must hold whole numbers >= 1, got [0]",
    "model=mlp model.dropout=1": "model.dropout must lie in [0, 1), got 1",
    "model.weights=gone.safetensors": "model.weights must be a .safetensors file or an MLflow",
    f"model.weights={'0' * 32}": "model.weights must be a run in sqlite:///mlflow.db that has",
    "+experiment=finetune": "since model.weights_except is given, got none",
    "model.weights_except=conv* model.weights=x": "model.weights_except must be a list of name",
    "train.eval_every=0": "train.eval_every must be at least 1 step, got 0",
    "train.eval_every=-1ep": "train.eval_every must not be negative, got '-1ep'",
    "train.eval_every=abc": f"train.eval_every {DURATION}, got 'abc'",
    "train.steps=0": "train.steps must be at least 1, got 0",
    "train.epochs=-1": "train.epochs must be greater than 0, got -1",
    "train.epochs=1 train.steps=10": "train.epochs and train.steps exclude each other, got 1 and",
    "train.batch_size=5000": "train.batch_size must be at most 4050, the training samples that",
    "train.keep=first": "train.keep must be last, best, ema or ema_best, got 'first'",
    "threads=0": "threads must be at least 1, got 0",
    "seed=-1": "seed must lie in [0, 2**32), got -1",
    "lr=nan": "lr must be finite, got nan",
    "lr=inf": "lr must be finite, got inf",
    "lr=-0.1": "lr must be at least 0, got -0.1",
    "precision=bf16": "got 'bf16' (did you mean 'bfloat16'?)",
    "device=gpu": "device must be one of auto, ",
    "clipping=global_norm clipping.max_norm=nan": "clipping.max_norm must be finite, got nan",
    "clipping=norm clipping.max_norm=0": "clipping.max_norm must be a number greater than 0, got",
    "optimizer=sgd optimizer.nesterov=true": "optimizer.nesterov needs momentum greater than 0",
    "optimizer.groups=conv": "optimizer.groups must be a list of {pattern: NAME, lr_scale: NUMBER}",
    "optimizer.groups='[{pattern: convo*}]'": "optimizer.groups[0].pattern must fit a parameter",
    "optimizer.groups='[{patern: conv*}]'": "groups[0].patern is not known (did you mean 'pattern",
    "threads=99999999999": "threads must be at most 1024, got 99999999999",
    f"seed={'1' * 400}": "seed must lie between -2**63 and 2**63",
    f"lr={'x' * 5000}": "lr must be a number, got 'xxx",
    "+model.table='{1.5: 3, a: 2}'": "model.table must have keys that are text, got 1.5; put it",
    f"{SEARCH} study.trials={'1' * 400}": "study.trials must lie between -2**63 and 2**63",
    f"{SEARCH} study/pruner=threshold study.pruner.upper=x": "study.pruner.upper must be a number,",
    "tracking.uri=mlruns": "tracking.uri must be sqlite:///FILE, http://HOST:PORT or a database",
    "tracking.uri=http://127.0.0.1:x": "tracking.uri must be an address like http://host:5000",
    "tracking.uri=http://127.0.0.1:9": "tracking.uri must be a server that answers within 5 s",
}
RATES = {
    "schedule.decay_steps=-5": "schedule.decay_steps must not be negative, got -5",
    "schedule.decay_steps=0ep": "schedule.decay_steps must be greater than 0, got '0ep'",
    "schedule.decay_steps=1.5": f"schedule.decay_steps {DURATION}, got 1.5",
    "schedule.decay_rate=0": "schedule.decay_rate must lie in (0, 1], got 0",
    "schedule.decay_rate=nan": "schedule.decay_rate must be finite, got nan",
    f"{PIECES}=[30%,20%]": "schedule.boundaries must be strictly increasing, got ('30%', '20%')",
    f"{PIECES}=[100,1ep,150]": "must be strictly increasing, got (100, '1ep', 150) = (100, 32, 1",
    "schedule=piecewise schedule.values=[0.1,0.01]": "schedule.values must be one more than "
    "boundaries, got 2 values and 3 boundaries",
    "schedule=piecewise schedule.values=[1,0.1,0.01,1e-3] lr=0.1": "schedule.values must not be "
    "given beside lr, got lr 0.1",
    "warmup=linear warmup.steps=2000": "warmup.steps must be shorter than the run of 160 steps,",
    "warmup=linear warmup.steps=-1": "warmup.steps must not be negative, got -1",
    "warmup=linear warmup.fraction=1.2": "warmup.fraction must lie in [0, 1), got 1.2",
    "warmup=linear warmup.fraction=0.2 warmup.steps=3": "warmup.steps must be null beside fraction",
    "schedule=cosine schedule.floor=0.1": "schedule.floor must lie in [0, lr], got 0.1 with lr",
    "schedule=plateau schedule.monitor=val/los": "schedule.monitor must be val/loss or val/accura",
}
TARGETS = {
    "model._target_=nowhere.Net": "model._target_ must name a class that can be imported, got "
    "'nowhere.Net': No module named 'nowhere'",
    "model._target_=runner.training.models.Nett": "got 'runner.training.models.Nett': "
    "runner.training.models has no",
    "dataset._target_=nowhere.data": "dataset._target_ must name a class that can be imported",
    "clipping._target_=builtins.dict": "clipping._target_ must give a function that clips gradien",
    "model._target_=math.pi": "model._target_ must be callable, got 'math.pi'",
    "dataset=none": "model needs input_shape and classes, which come from a data set, but the",
    "model=quadratic": "model must take input of shape (batch, 1, 28, 28)",
    "model._target_=ill.Narrow": "model must return scores of shape (2, 10) for 2 samples, got (2,",
}
SWEEPS = {
    "-m schedule=cosine,cosin seed=0,1": "job 3 of 4 (cosin seed=0): schedule must be one of",
    "-m seed=0,-1": "job 2 of 2 (seed=-1): seed must lie in [0, 2**32), got -1",
    "-m lr=0.1,abc": "job 2 of 2 (lr=abc): lr must be a number, got 'abc'",
    "-m schedule=exponential,piecewise schedule.decay_rate=0.5": "job 2 of 2 (piecewise): unknown "
    "key 'schedule.decay_rate' with schedule=piecewise; it belongs to schedule=cyclic, "
    "exponential, inverse_time or natural_exponential",
    "-m schedule=cosine,3": f"job 2 of 2 (3): schedule must be one of {SCHEDULES}, got 3",
    "-m train.batch_size=128,9999": "job 2 of 2 (train.batch_size=9999): train.batch_size must be",
    "-m seed=0,1 tracking.uri=http://127.0.0.1:9": "job 1 of 2 (seed=0): tracking.uri must be a",
    "-m lr=interval(0,1)": "lr must list its values in a grid (1,2,3 or range(1, 4)), got inter",
    "-m +experiment=quadratic_decay,quadratic_rates": "experiment must not be swept over where one "
    "of its options is a sweep itself, got quadratic_rates; run it alone, +experiment=quadratic_ra",
    "-m hydra/launcher=joblib hydra.launcher.n_jobs=0 seed=0,1": "n_jobs must be at least 1, or -1",
    "-m seed=0, 1": "cannot read 'seed=0,'; write key=value",
}
PASSWORDS = (
    "tracking.uri=http://user:secret@host",
    "tracking.uri=http://user:sec/secret@host",
    "tracking.uri=postgresql://host/runs?password=secret",
    "tracking.ur=http://user:secret@host",
    "schedule=[ tracking.uri=http://user:secret@host",
    "-m seed=0,1 tracking.uri=http://user:secret@host",
    "http://user:secret@host",
)
CASES = NAMES | VALUES | RATES | TARGETS | SWEEPS


@pytest.fixture
def refused(command, folder: Path):
    """The one line of a refused command, which left nothing behind."""

    def run(line: str) -> str:
        done = command(line)
        assert done.status == 2, done.err
        assert done.out == ""
        assert done.err.startswith("error: ")
        assert done.err.count("\n") == 1
        assert len(done.err) < 1600
        assert list(folder.rglob("*")) == []
        return done.err

    return run


@pytest.mark.parametrize("line", CASES, ids=str)
def test_a_mistake_is_one_line_and_creates_nothing(
    refused, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "ill." in line:
        (tmp_path / "ill.py").write_text(
            "from torch import nn\n\n"
            "class Narrow(nn.Sequential):\n"
            "    def __init__(self):\n"
            "        super().__init__(nn.Flatten(), nn.Linear(784, 3))\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
    assert CASES[line] in refused(line)


@pytest.mark.parametrize("line", PASSWORDS)
def test_a_password_is_refused_without_showing_it(refused, line: str) -> None:
    message = refused(line)
    assert "must hold no password; give it as MLFLOW_TRACKING_USERNAME" in message
    assert "secret" not in message


def test_a_password_in_the_environment_is_not_shown_either(refused, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    message = refused("seed=0")
    assert "got http://user:***@127.0.0.1:9" in message
    assert "secret" not in message


def test_a_server_that_accepts_but_never_answers_is_refused(refused, monkeypatch) -> None:
    monkeypatch.setattr("runner.tracking.mlflow.store.ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        message = refused(f"tracking.uri=http://127.0.0.1:{port}")
    assert "must be a server that answers within 0.3 s" in message
    assert "timed out); start it, or use tracking=off" in message


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torchvision")
def test_mnist_that_cannot_be_downloaded_names_folder_and_files(refused, monkeypatch) -> None:
    from torchvision.datasets import MNIST

    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    message = refused("dataset=mnist dataset.root=digits")
    assert "dataset.root: train-images-idx3-ubyte.gz is not in digits/MNIST/raw" in message
    assert "t10k-labels-idx1-ubyte.gz there, or use dataset=mnist_5k, which needs no" in message


def test_a_damaged_mnist_file_is_named(refused, tmp_path: Path) -> None:
    raw = tmp_path / "digits" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    file = raw / "train-images-idx3-ubyte.gz"
    file.write_bytes(b"half a file")
    message = refused(f"dataset=mnist dataset.root={tmp_path / 'digits'}")
    assert f"dataset.root: {file} is damaged" in message
    assert "delete it, and it is downloaded again" in message


def test_a_real_command_says_the_same(shell, folder) -> None:
    process = shell("-m seed=0,-1 model=linear")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert "job 2 of 2 (seed=-1): seed must lie in" in err
    assert (out, err.count("\n"), list(folder.rglob("*"))) == ("", 1, [])


@pytest.mark.stress
def test_a_real_command_that_diverges_says_step_and_rate(shell, folder) -> None:
    line = "+experiment=quadratic_constant lr=1.2 train.steps=200 tracking=off states=off threads=1"
    process = shell(line)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "DIVERGED: val/loss is inf at step 127, learning rate 1.2" in out
    assert list(folder.rglob("*")) == []


@pytest.mark.parametrize(("launcher", "extra"), [("submitit_slurm", "slurm"), ("ray", "ray")])
def test_a_launcher_that_is_not_installed_says_which_extra_has_it(
    command, folder, launcher, extra
) -> None:
    if importlib.util.find_spec(f"hydra_plugins.hydra_{launcher.split('_')[0]}_launcher"):
        pytest.skip("it is installed")
    done = command(f"-m model=quadratic dataset=none lr=0.1,0.2 hydra/launcher={launcher}")
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        f"error: hydra/launcher must be installed: it is in the extra {extra}, got {launcher}; "
        f"pip install 'schedule-runner[{extra}]', or -e '.[{extra}]' beside the sources\n"
    )
    assert [*folder.iterdir()] == []
