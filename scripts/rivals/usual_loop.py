"""The loop that people write in PyTorch: torchvision, DataLoader, `mlflow.log_metric` every step.

`network`, `loaders` and `right` are the Lightning program's, too.
"""

import os
from typing import Any

import torch
from job import MAX_NORM, TRAINING_IMAGES, Diary, Job, given
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

TRACKING = "sqlite:///mlflow.db"


def network(name: str) -> nn.Module:
    """Return the perceptron or the articles' CNN."""
    if name == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding="same"),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding="same"),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(3136, 1024),
        nn.Linear(1024, 256),
        nn.Linear(256, 10),
    )


def loaders(job: Job) -> tuple[Any, Any]:
    """Return the shuffled training images and the test images."""
    parts = [
        datasets.MNIST(job.root, train=train, transform=transforms.ToTensor())
        for train in (True, False)
    ]
    train = Subset(parts[0], range(TRAINING_IMAGES))
    return DataLoader(train, batch_size=job.batch, shuffle=True), DataLoader(parts[1], 250)


@torch.no_grad()
def right(model: nn.Module, loader: Any) -> float:
    """Return the share of a loader's images that a model tells."""
    model.eval()
    found = [(model(inputs).argmax(1) == targets).float() for inputs, targets in loader]
    model.train()
    return torch.cat(found).mean().item()


def main() -> None:
    """Train once."""
    import mlflow

    job = given()
    diary = Diary(job)
    torch.manual_seed(job.seed)
    train, test = loaders(job)
    model = network(job.model)
    optimizer = torch.optim.Adam(model.parameters(), lr=job.lr)
    scheduler: Any = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    if job.schedule == "cosine":
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=job.steps)
    mlflow.set_tracking_uri(TRACKING)
    step, done = 0, False
    with mlflow.start_run():
        while not done:
            for inputs, targets in train:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(inputs), targets)
                loss.backward()
                norm = nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
                optimizer.step()
                mlflow.log_metric("lr", scheduler.get_last_lr()[0], step=step)
                mlflow.log_metric("train/loss", loss.item(), step=step)
                mlflow.log_metric("grad_norm", norm.item(), step=step)
                scheduler.step()
                diary.updated()
                step += 1
                if step % job.every == 0:
                    accuracy = right(model, test)
                    mlflow.log_metric("test/accuracy", accuracy, step=step)
                    done = diary.evaluated(accuracy) or step == job.steps
                    if done:
                        break
    diary.tell()


if __name__ == "__main__":
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    main()
