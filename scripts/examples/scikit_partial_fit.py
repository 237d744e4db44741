"""A classifier of scikit-learn, trained by `partial_fit`; each mini-batch is a step of the run.

It needs scikit-learn. In this folder, or with it on PYTHONPATH:

    python -m runner loop=scikit_partial_fit.train train.steps=500 schedule=cosine lr=0.1
    python -m runner -m loop=scikit_partial_fit.train train.steps=500 loop.alpha=0,1e-3 seed=0,1,2
    python -m runner study=schedule loop=scikit_partial_fit.train train.steps=500 study.trials=20

Each sample of a mini-batch makes an update of its own, with the step's rate.
"""

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split


def train(run, alpha: float = 1e-4, batch_size: int = 32):
    """Train on the 1,797 digits of scikit-learn; the model is the file `model.joblib`."""
    pixels, labels = load_digits(return_X_y=True)
    x, rest_x, y, rest_y = train_test_split(pixels / 16, labels, test_size=0.4, random_state=0)
    val_x, test_x, val_y, test_y = train_test_split(rest_x, rest_y, test_size=0.5, random_state=0)
    classes, draws = np.unique(labels), np.random.default_rng(run.seed)
    model = SGDClassifier("log_loss", alpha=alpha, learning_rate="constant", random_state=run.seed)
    for _ in run.steps():
        batch = draws.choice(len(x), batch_size, replace=False)
        model.set_params(eta0=max(run.lr, 1e-300))  # 0 is refused
        model.partial_fit(x[batch], y[batch], classes)
        run.log(loss=evaluate(model, x[batch], y[batch])[0])
        if run.evaluates:
            loss, accuracy = evaluate(model, val_x, val_y)
            run.report(val_loss=loss, val_accuracy=accuracy)
    joblib.dump(model, run.folder / "model.joblib")
    if run.tests():
        loss, accuracy = evaluate(model, test_x, test_y)
        run.report(test_loss=loss, test_accuracy=accuracy)


def evaluate(model, x, y):
    """Return the loss and the accuracy on a part of the data."""
    return log_loss(y, model.predict_proba(x), labels=model.classes_), model.score(x, y)
