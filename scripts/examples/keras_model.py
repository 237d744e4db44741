"""A model of Keras 3 on PyTorch, trained by `fit`; the Callback makes it a run.

It needs keras and scikit-learn. In this folder, or with it on PYTHONPATH:

    python -m runner loop=keras_model.train train.steps=500 schedule=cosine lr=0.01
    python -m runner -m loop=keras_model.train train.steps=500 loop.width=32,64 seed=0,1,2
    python -m runner study=schedule loop=keras_model.train train.steps=500 study/pruner=median
"""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class Follow(keras.callbacks.Callback):
    """Begins the next step behind each batch, where `fit` looks whether to stop."""

    def __init__(self, run, validation):
        super().__init__()
        self.run, self.steps, self.validation = run, run.steps(), validation

    def begin(self):
        self.model.stop_training = next(self.steps, None) is None
        if not self.model.stop_training:
            self.model.optimizer.learning_rate = self.run.lr

    def on_train_begin(self, logs=None):
        self.begin()

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()  # else the loss is the mean of the epoch so far

    def on_train_batch_end(self, batch, logs=None):
        self.run.log(loss=logs["loss"])
        if self.run.evaluates:
            self.run.report(self.model.evaluate(*self.validation, verbose=0, return_dict=True))
        self.begin()


def build(width, dropout):
    layers = [
        keras.layers.Input((64,)),
        keras.layers.Dense(width, activation="relu"),
        keras.layers.Dropout(dropout),
        keras.layers.Dense(10, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train(run, width: int = 32, dropout: float = 0.1, batch_size: int = 64):
    """Train a perceptron on the 1,797 digits of scikit-learn."""
    pixels, labels = load_digits(return_X_y=True)
    x, rest_x, y, rest_y = train_test_split(pixels / 16, labels, test_size=0.4, random_state=0)
    val_x, test_x, val_y, test_y = train_test_split(rest_x, rest_y, test_size=0.5, random_state=0)
    keras.utils.clear_session()
    with keras.device(str(run.device)):
        model = build(width, dropout)
        run.keep(model)
        follow = Follow(run, (val_x, val_y))
        model.fit(x, y, batch_size, epochs=run.total_steps, verbose=0, callbacks=[follow])
        if run.tests():
            found = model.evaluate(test_x, test_y, verbose=0, return_dict=True)
            run.report(test_loss=found["loss"], test_accuracy=found["accuracy"])
        model.save(run.folder / "model.keras")
