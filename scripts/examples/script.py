"""A script with a loop of its own; the lines with `run` let the runner start it.

In this folder:

    python -m runner train.steps=500 schedule=cosine lr=0.1 -- python script.py --width 64
    python -m runner -m train.steps=500 loop.width=32,64 -- python script.py --width {width}
    python -m runner study=schedule train.steps=500 study.workers=2 -- python script.py

Several processes: call `torch.distributed.init_process_group()` before `attach()`, and start it
behind `-- torchrun --nproc-per-node 2`; each process gets the same rates and the same end.
"""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

from runner.api import attach


def main() -> None:
    """Train a perceptron on the 1,797 digits of scikit-learn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=32)
    args = parser.parse_args()
    run = attach()  # before the model: it seeds
    pixels, labels = load_digits(return_X_y=True)
    inputs, targets = torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels)
    model = nn.Sequential(nn.Linear(64, args.width), nn.ReLU(), nn.Linear(args.width, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    run.keep(model)
    for _ in run.steps():
        batch = torch.randint(1200, (64,))
        run.set_rate(optimizer)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs[batch]), targets[batch])
        loss.backward()
        optimizer.step()
        run.log(loss=loss)
        if run.evaluates:
            scores = model(inputs[1200:])
            loss = nn.functional.cross_entropy(scores, targets[1200:])
            accuracy = (scores.argmax(1) == targets[1200:]).float().mean()
            run.report(val_loss=loss, val_accuracy=accuracy)


if __name__ == "__main__":
    main()
