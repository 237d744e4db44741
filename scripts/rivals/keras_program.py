"""`model.fit` of Keras on TensorFlow, with all images in memory; nothing is recorded.

Of numpy arrays and tf.data, XLA or not, and several steps an execution, this was the fastest.
"""

import os
from typing import Any

from job import MAX_NORM, TRAINING_IMAGES, Diary, given, images

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import tensorflow as tf
from keras import layers


def network(name: str) -> Any:
    """Return the perceptron or the articles' CNN; the last layer gives scores in float32."""
    first: list[Any] = [layers.Flatten(), layers.Dense(128, activation="relu")]
    if name == "keras_cnn":
        first = [
            layers.Conv2D(32, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(1024),
            layers.Dense(256),
        ]
    return keras.Sequential([layers.Input((28, 28, 1)), *first, layers.Dense(10, dtype="float32")])


class Notes(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes the updates and looks at the test images after each of Keras's epochs."""

    def __init__(self, diary: Diary, inputs: Any, targets: Any) -> None:
        super().__init__()
        self.diary, self.inputs, self.targets = diary, inputs, targets

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.diary.updated()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.optimizer.iterations.numpy()
        scores = self.model.predict(self.inputs, batch_size=250, verbose=0)
        right = (scores.argmax(1) == self.targets).mean()
        self.model.stop_training = self.diary.evaluated(float(right))


def main() -> None:
    """Train once."""
    job = given()
    keras.utils.set_random_seed(job.seed)
    if job.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    train, test = images(job.root, "train"), images(job.root, "t10k")
    inputs, targets = (part[:TRAINING_IMAGES] for part in train)
    data = tf.data.Dataset.from_tensor_slices((inputs[..., None].astype("float32") / 255, targets))
    data = data.shuffle(TRAINING_IMAGES).batch(job.batch, drop_remainder=True).repeat()
    model = network(job.model)
    cosine = keras.optimizers.schedules.CosineDecay(job.lr, job.steps)
    model.compile(
        keras.optimizers.Adam(
            job.lr if job.schedule == "constant" else cosine, global_clipnorm=MAX_NORM
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    diary = Diary(job)
    notes = Notes(diary, test[0][..., None].astype("float32") / 255, test[1])
    model.fit(
        data.prefetch(tf.data.AUTOTUNE),
        epochs=job.steps // job.every,
        steps_per_epoch=job.every,
        callbacks=[notes],
        verbose=0,
    )
    diary.tell()


if __name__ == "__main__":
    main()
