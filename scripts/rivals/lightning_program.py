"""Lightning's Trainer with its MLFlowLogger and LearningRateMonitor, all recorded each step."""

import logging
import os
import warnings
from typing import Any

import pytorch_lightning as pl
import torch
from job import MAX_NORM, Diary, Job, given
from pytorch_lightning.callbacks import LearningRateMonitor
from pytorch_lightning.loggers import MLFlowLogger
from torch import nn
from usual_loop import TRACKING, loaders, network, right


class Network(pl.LightningModule):
    """A network of the benchmark."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.model, self.job = network(job.model), job

    def training_step(self, batch: Any, index: int) -> Any:
        loss = nn.functional.cross_entropy(self.model(batch[0]), batch[1])
        self.log("train/loss", loss)
        return loss

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        norms = [p.grad.norm() for p in self.model.parameters() if p.grad is not None]
        self.log("grad_norm", torch.stack(norms).norm())

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=self.job.lr)
        schedulers = torch.optim.lr_scheduler
        scheduler: Any = schedulers.ConstantLR(optimizer, factor=1.0)
        if self.job.schedule == "cosine":
            scheduler = schedulers.CosineAnnealingLR(optimizer, T_max=self.job.steps)
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]


class Notes(pl.Callback):
    """Notes the updates."""

    def __init__(self, diary: Diary) -> None:
        self.diary = diary

    def on_train_batch_end(self, *_: Any) -> None:
        self.diary.updated()


def main() -> None:
    """Train once, with a look at the test images behind the last step alone."""
    job = given()
    diary = Diary(job)
    pl.seed_everything(job.seed, verbose=False)
    train, test = loaders(job)
    model = Network(job)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=-1,
        max_steps=job.steps,
        logger=MLFlowLogger(tracking_uri=TRACKING),
        callbacks=[LearningRateMonitor(logging_interval="step"), Notes(diary)],
        gradient_clip_val=MAX_NORM,
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, train)
    diary.evaluated(right(model.model, test))
    diary.tell()


if __name__ == "__main__":
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    main()
