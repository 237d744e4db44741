"""Names that people bring from PyTorch, Keras, Hugging Face or Optuna's sweeper, with ours."""

import re

KEYS = {
    "learning_rate max_lr base_lr peak_lr init_lr": "lr",
    "epochs max_epochs num_epochs num_train_epochs n_epochs": "train.epochs",
    "max_steps num_steps total_steps num_train_steps": "train.steps",
    "batch_size train_batch_size per_device_train_batch_size": "train.batch_size",
    "gradient_accumulation_steps accumulate_grad_batches": "train.accumulate",
    "num_workers dataloader_num_workers": "dataset.workers",
    "drop_last dataloader_drop_last": "train.drop_last",
    "eval_steps eval_interval": "train.eval_every",
    "random_state random_seed": "seed",
    "T_max": "schedule.decay_steps",
    "eta_min min_lr end_lr": "schedule.floor",
    "milestones": "schedule.boundaries with schedule=multistep",
    "gamma": "schedule.decay_rate with schedule=exponential, schedule.factor with step, multistep",
    "step_size": "schedule.decay_steps with schedule=step",
    "T_0 T_mult": "schedule.cycle_steps and cycle_multiplier with schedule=cosine_restarts",
    "warmup_steps num_warmup_steps": "warmup.steps with warmup=linear",
    "warmup_epochs": "warmup.steps=5ep with warmup=linear",
    "warmup_ratio warmup_proportion": "warmup.fraction with warmup=linear",
    "weight_decay wd": "optimizer.weight_decay",
    "momentum": "optimizer.momentum with optimizer=sgd",
    "max_grad_norm grad_clip clip_norm gradient_clip_val": "clipping.max_norm with "
    "clipping=global_norm",
    "n_trials hydra.sweeper.n_trials": "study.trials",
    "n_jobs hydra.sweeper.n_jobs": "study.workers",
    "study_name hydra.sweeper.study_name": "study.name",
    "storage hydra.sweeper.storage": "study.storage",
    "direction hydra.sweeper.direction": "study.direction",
    "hydra.sweeper.sampler.seed": "study.seed",
    "sampler hydra.sweeper.sampler": "study/sampler=tpe",
    "hydra.sweeper.max_failure_rate": "study.max_failures",
    "hydra.sweeper.search_space hydra.sweeper.params": "'lr=tag(log, interval(1e-4, 1e-1))', or "
    "study.space in a file",
    "tracking_uri mlflow_uri": "tracking.uri",
    "experiment_name": "tracking.experiment",
    "run_name": "tracking.run_name",
}
OPTIONS = {
    "schedule": {
        "CosineAnnealingLR CosineDecay cosine_annealing": "schedule=cosine",
        "CosineAnnealingWarmRestarts CosineDecayRestarts sgdr": "schedule=cosine_restarts",
        "warmup_cosine cosine_with_warmup": "schedule=cosine warmup=linear",
        "StepLR": "schedule=step",
        "MultiStepLR": "schedule=multistep",
        "ExponentialLR ExponentialDecay": "schedule=exponential",
        "PiecewiseConstantDecay piecewise_constant": "schedule=piecewise",
        "PolynomialLR PolynomialDecay poly": "schedule=polynomial",
        "LinearLR": "schedule=linear",
        "ConstantLR none off": "schedule=constant",
        "OneCycleLR onecycle": "schedule=one_cycle",
        "CyclicLR": "schedule=cyclic",
        "ReduceLROnPlateau reduce_on_plateau": "schedule=plateau",
        "LambdaLR": "schedule=function schedule.function=mine.rate",
        "SequentialLR ChainedScheduler": "schedule=join or schedule=product",
    },
    "optimizer": {
        "lion": "optimizer=MODULE.Lion, any class of torch's kind by its path",
        "adagrad adadelta nadam radam": "optimizer=torch.optim.NAME, any class by its path",
    },
    "dataset": {
        "imagenet svhn": "dataset=mine.data, a function of your own",
        "fmnist fashionmnist": "dataset=fashion_mnist",
    },
    "model": {
        "resnet18 resnet50 vit": "model=mine.Net, a class of your own",
        "resnet": "model=resnet9",
        "gpt2 nanogpt decoder transformer": "model=gpt",
        "cnn": "model=keras_cnn or model=lenet",
    },
    "clipping": {"clip_grad_norm norm_clipping": "clipping=global_norm"},
    "tracking": {"wandb none": "tracking=off, or an entry of tracking.trackers of your own"},
    "study/sampler": {"TPESampler bayes bo": "study/sampler=tpe"},
    "study/pruner": {"successive_halving SuccessiveHalvingPruner": "study/pruner=asha"},
}


def key_hint(key: str) -> str:
    """Return what a key that there is not is called here, nothing where nobody knows.

    >>> key_hint("schedule.T_max"), key_hint("foo")
    ('; here it is schedule.decay_steps', '')
    """
    for names in (key, re.sub(r"^(hydra\.sweeper\.params)\..*", r"\1", key), key.split(".")[-1]):
        for theirs, ours in KEYS.items():
            if names.lower() in theirs.lower().split():
                return f"; here it is {ours}"
    return ""


def option_hint(group: str, option: str) -> str:
    """Return what an option that there is not is called here, nothing where nobody knows.

    >>> option_hint("schedule", "StepLR")
    ' (here it is schedule=step)'
    """
    for theirs, ours in OPTIONS.get(group, {}).items():
        if option.lower() in theirs.lower().split():
            return f" (here it is {ours})"
    return ""
