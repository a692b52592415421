# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Train a little residual and densely connected network on 8 x 8 digits; prints the accuracy on the 360 test digits.

It is small on purpose and touches what larger networks are made of: shortcuts (Add), feature reuse (Concatenate),
batch normalisation, stride 2, a depthwise convolution and global average pooling.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from data import CLASSES, SIDE, load

os.environ.setdefault("KERAS_BACKEND", "jax")

BATCH = 64
SEED = 2019


def conv_norm(x, filters: int, kernel: int, name: str, strides: int = 1):
    """Return convolution without bias + batch normalisation of tensor x [H, W, C]: [H/strides, W/strides, filters]."""
    from keras import layers

    x = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(name=f"{name}_norm")(x)


def residual_block(x, name: str):
    """Return relu(x + f(x)) with f of two 3 x 3 convolutions; the shape [H, W, C] stays."""
    from keras import layers

    filters = x.shape[-1]
    y = layers.ReLU(name=f"{name}_relu1")(conv_norm(x, filters, 3, f"{name}_1"))
    y = conv_norm(y, filters, 3, f"{name}_2")
    return layers.ReLU(name=f"{name}_relu2")(layers.Add(name=f"{name}_add")([x, y]))


def dense_block(x, growth: int, count: int, name: str):
    """Return x [H, W, C] with `count` times `growth` new channels appended, each made from all before it."""
    from keras import layers

    for number in range(1, count + 1):
        y = layers.ReLU(name=f"{name}_relu{number}")(conv_norm(x, growth, 3, f"{name}_{number}"))
        x = layers.Concatenate(name=f"{name}_concat{number}")([x, y])
    return x


def down_block(x, filters: int, name: str):
    """Return a residual block of half the height and width: depthwise stride 2 + pointwise, shortcut 1 x 1 stride 2."""
    from keras import layers

    y = layers.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    y = layers.ReLU(name=f"{name}_relu1")(layers.BatchNormalization(name=f"{name}_norm")(y))
    y = conv_norm(y, filters, 1, f"{name}_pointwise")
    shortcut = conv_norm(x, filters, 1, f"{name}_shortcut", strides=2)
    return layers.ReLU(name=f"{name}_relu2")(layers.Add(name=f"{name}_add")([shortcut, y]))


def build():
    """Return the untrained keras.Model: [8, 8, 1] to 10 probabilities."""
    from keras import Input, Model, layers

    digit = Input((SIDE, SIDE, 1), name="digit")
    x = layers.ReLU(name="stem_relu")(conv_norm(digit, 16, 3, "stem"))
    x = residual_block(x, "res1")
    x = dense_block(x, growth=8, count=2, name="dense")  # 32 channels
    x = down_block(x, 32, "down")  # [4, 4, 32]
    x = residual_block(x, "res2")
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dense(len(CLASSES), name="scores")(x)
    return Model(digit, layers.Softmax(name="softmax")(x), name="digits_resnet")


def augment(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Return digits x [N, 8, 8, 1], each moved by -1..1 pixel, with another contrast and a little noise."""
    count = len(x)
    padded = np.pad(x[..., 0], ((0, 0), (1, 1), (1, 1)))
    row = np.arange(SIDE)[None, :, None] + rng.integers(0, 3, (count, 1, 1))
    col = np.arange(SIDE)[None, None, :] + rng.integers(0, 3, (count, 1, 1))
    moved = padded[np.arange(count)[:, None, None], row, col]
    moved = moved * rng.uniform(0.8, 1.0, (count, 1, 1)) + rng.normal(scale=0.05, size=moved.shape)
    return np.clip(moved, 0.0, 1.0)[..., None].astype(np.float32)


def batches(x: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for ever: augmented x [BATCH, 8, 8, 1] and y one-hot [BATCH, 10], epoch after epoch."""
    rng = np.random.default_rng(SEED)
    targets = np.eye(len(CLASSES), dtype=np.float32)
    while True:
        order = rng.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            yield augment(rng, x[chosen]), targets[y[chosen]]


def fit(x: np.ndarray, y: np.ndarray, epochs: int):
    """Train on x [N, 8, 8, 1], y [N]; return an uncompiled keras.Model (saved without the optimizer's state)."""
    import keras

    keras.utils.set_random_seed(SEED)
    model = build()
    steps = len(x) // BATCH
    rate = keras.optimizers.schedules.CosineDecay(4e-3, epochs * steps)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.05)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.01), loss)
    model.fit(batches(x, y), epochs=epochs, steps_per_epoch=steps, shuffle=False, verbose=0)
    final = build()
    final.set_weights(model.get_weights())
    return final


def main() -> None:
    """Train, evaluate, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60, help="passes over the 1,437 digits (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("model.keras"), help="file to write")
    options = parser.parse_args()

    x_train, y_train, x_test, y_test = load()
    model = fit(x_train, y_train, options.epochs)
    model.save(options.out)
    right = np.argmax(model.predict(x_test, batch_size=120, verbose=0), axis=1) == y_test
    print(f"{options.out}: {model.count_params()} parameters, {options.out.stat().st_size} bytes")
    print(f"test accuracy {right.mean():.4f} ({right.sum()} of {len(right)})")


if __name__ == "__main__":
    main()
