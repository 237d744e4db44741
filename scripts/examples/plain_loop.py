"""A loop with a DataLoader, as people write it; the lines with `run` make it a run.

In this folder, or with it on PYTHONPATH:

    python -m runner loop=plain_loop.train train.steps=500 schedule=cosine warmup=linear lr=0.1
    python -m runner -m loop=plain_loop.train train.steps=500 loop.width=32,64 seed=0,1,2
    python -m runner study=schedule loop=plain_loop.train train.steps=500 study.workers=2
"""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def train(run, width: int = 32, batch_size: int = 64):
    """Train a perceptron on the 1,797 digits of scikit-learn."""
    pixels, labels = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels))
    parts = random_split(data, [0.6, 0.2, 0.2], torch.Generator().manual_seed(0))
    loader = DataLoader(parts[0], batch_size, shuffle=True, drop_last=True)
    model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10)).to(run.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    run.keep(model)
    run.hand_over(optimizer=optimizer)
    for inputs, targets in run.batches(loader):
        run.set_rate(optimizer)
        optimizer.zero_grad()
        scores = model(inputs.to(run.device))
        loss = nn.functional.cross_entropy(scores, targets.to(run.device))
        loss.backward()
        optimizer.step()
        run.log(loss=loss)
        if run.evaluates:
            loss, accuracy = evaluate(model, parts[1], run.device)
            run.report(val_loss=loss, val_accuracy=accuracy)
    if run.tests():
        loss, accuracy = evaluate(model, parts[2], run.device)
        run.report(test_loss=loss, test_accuracy=accuracy)


@torch.no_grad()
def evaluate(model, part, device):
    """Return the loss and the accuracy on a part of the data."""
    inputs, targets = next(iter(DataLoader(part, batch_size=len(part))))
    scores, targets = model(inputs.to(device)), targets.to(device)
    loss = nn.functional.cross_entropy(scores, targets).item()
    return loss, (scores.argmax(1) == targets).float().mean().item()
