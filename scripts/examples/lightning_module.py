"""A LightningModule, trained by Lightning's Trainer; the Callback makes it a run.

It needs pytorch-lightning and scikit-learn. In this folder, or with it on PYTHONPATH:

    python -m runner loop=lightning_module.train train.steps=500 schedule=cosine lr=0.1
    python -m runner -m loop=lightning_module.train train.steps=500 loop.width=32,64 seed=0,1,2
    python -m runner study=schedule loop=lightning_module.train train.steps=500 study/pruner=median
"""

import logging
import warnings

import pytorch_lightning as pl
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", ".*does not have many workers")


class Follow(pl.Callback):
    """Begins the next step behind each batch, where the Trainer looks whether to stop."""

    def __init__(self, run, validation):
        self.run, self.steps, self.validation = run, run.steps(), validation

    def begin(self, trainer):
        trainer.should_stop = next(self.steps, None) is None
        if not trainer.should_stop:
            self.run.set_rate(trainer.optimizers[0])

    def on_train_start(self, trainer, module):
        self.begin(trainer)

    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        self.run.log(loss=outputs["loss"])
        if self.run.evaluates:
            self.run.report(module.evaluate(self.validation))
        self.begin(trainer)


class Digits(pl.LightningModule):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

    def training_step(self, batch, index):
        return nn.functional.cross_entropy(self.layers(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)

    @torch.no_grad()
    def evaluate(self, part):
        inputs, targets = (one.to(self.device) for one in part[:])
        scores = self.layers(inputs)
        accuracy = (scores.argmax(1) == targets).float().mean()
        return {"loss": nn.functional.cross_entropy(scores, targets), "accuracy": accuracy}


def train(run, width: int = 32, batch_size: int = 64):
    """Train a perceptron on the 1,797 digits of scikit-learn."""
    pixels, labels = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels))
    parts = random_split(data, [0.6, 0.2, 0.2], torch.Generator().manual_seed(0))
    module = Digits(width)
    run.keep(module)
    trainer = pl.Trainer(
        accelerator=run.device.type,
        devices=[run.device.index] if run.device.index else 1,
        max_steps=run.total_steps,
        callbacks=Follow(run, parts[1]),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, DataLoader(parts[0], batch_size, shuffle=True, drop_last=True))
    if run.tests():
        found = module.evaluate(parts[2])
        run.report(test_loss=found["loss"], test_accuracy=found["accuracy"])
