# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Keyword spotting from samples to classes on emulated boards: a WAV file is heard, features and network counted apart.

python bench/keywords.py [--clips 12] [--boards cortex-m4,cortex-m55] [--write docs/keywords.md]: needs the models and
clips of shared. Accuracy is that of all clips on this computer, where the same C runs; the board's bytes are compared.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import wave
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from mlperf import SHARED
from nnom import boards
from nnom.audio import FixedFeatures, FloatFeatures
from nnom.conversion import STATE_BYTES, Plan, load, prepare
from nnom.core import CoreModel
from nnom.run_library import library_archive, library_sources, link_flags

DATA = SHARED.parent / "data"
MICRO = FixedFeatures(dtype="int8", multiplier=256, divisor=666, zero_point=-128)
MFCC = FloatFeatures(lower=20, upper=4000, power=1, cepstra=10, dtype="int8", scale=0.5847029089927673, zero_point=83)
BLOCK_BYTES = 320  # of samples, as firmware/listener.c takes them


@dataclass(frozen=True)
class Listener:
    """A network and its front end. peak: whether it was trained on clips scaled by their peak."""

    name: str
    file: str
    features: FixedFeatures | FloatFeatures
    labels: str
    peak: bool
    feed: bool


LISTENERS = (
    Listener("DS-CNN, MFCC (MLPerf Tiny)", "kws/kws_dscnn_int8.tflite", MFCC, "y", True, True),
    Listener("micro_kws_m, micro frontend", "small/micro_kws_m_int8.tflite", MICRO, "y10", False, False),
    Listener("micro_speech, micro frontend", "small/micro_speech_int8.tflite", MICRO, "y4", False, False),
)


@dataclass(frozen=True)
class Figures:
    """Of one listener on one board. RAM and flash in bytes; instructions a second of sound, and of one answer."""

    features: float
    network: float
    ram: int
    parts: tuple[int, int, int, int]
    flash: int


def loudest(x: np.ndarray) -> np.ndarray:
    """Clips [n, samples] with their largest sample at full scale."""
    peaks = np.maximum(x.max(1, keepdims=True), 1)
    return np.clip(np.round(x * (32767.0 / peaks)), -32768, 32767).astype(np.int16)


def clips(listener: Listener) -> tuple[np.ndarray, np.ndarray]:
    """(samples [n, 16000], labels [n]) of the clips whose words the network knows."""
    with np.load(DATA / "speech_commands_wav.npz") as sound, np.load(DATA / "microfrontend_features.npz") as other:
        x, y = sound["X"], sound["y"]
        if listener.labels != "y":
            y = other[listener.labels][sound["index_in_mlperf_kws01"]]
    return (loudest(x) if listener.peak else x), y.astype(int)


def model(listener: Listener, target: str) -> CoreModel:
    graph = prepare(load(str(SHARED / listener.file), True), None).graph
    return Plan(feed=listener.feed, target=target).compile(graph)


def answers(core: CoreModel, rows: np.ndarray) -> np.ndarray:
    """Outputs [n, classes] of rows [n, rows, columns]."""
    return core.run_many([rows.reshape(len(rows), *core.inputs[0].shape)])[0].reshape(len(rows), -1)


def accuracy(listener: Listener) -> tuple[float, int]:
    """(share of right answers, clips)."""
    x, y = clips(listener)
    out = answers(model(listener, "plain"), listener.features(x))
    return float(np.mean(out.argmax(1) == y)), len(y)


def write_wav(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples.astype("<i2").tobytes())


def listen(listener: Listener, board: boards.Board, count: int, folder: Path) -> Figures:
    """Hears the first clips of each class on a board; ends the program if its bytes differ from this computer's."""
    x, _ = clips(listener)
    x = x[:: max(1, len(x) // count)][:count]
    core = model(listener, board.target)
    source, header = core.freeze("net")
    (folder / "model.c").write_text(source)
    (folder / "model.h").write_text(header)
    listener.features.write_c(folder, "ears")
    write_wav(folder / "sound.wav", x.reshape(-1))
    sources = [folder / "model.c", folder / "ears.c", boards.firmware_dir() / "listener.c"]
    includes = [folder, *library_sources()[1]]
    elf = boards.build(board, sources, includes, {}, folder / "build", "-O2", link_flags(library_archive(board, "-O2")))
    result = boards.run(board, elf, folder, timeout=600)
    values = {key: int(n) for key, n in re.findall(r"^([a-z ]+) (\d+)$", result.stdout, re.MULTILINE)}
    rows = listener.features(x)
    same = (folder / "rows.bin").read_bytes() == rows.tobytes()
    same &= (folder / "output.bin").read_bytes() == answers(core, rows).tobytes()
    if result.exit_code != 0 or values["clips"] != len(x) or not same:
        sys.exit(f"{board.name}, {listener.name}: not the bytes of this computer\n{result.stdout}")
    parts = (listener.features.stream_bytes, core.totals.arena_bytes + STATE_BYTES, BLOCK_BYTES, values["stack"])
    text = boards.size(board, elf).text
    seconds = values["samples"] / 16000
    return Figures(
        values["instructions features"] / seconds, values["instructions network"] / len(x), sum(parts), parts, text
    )


def row(listener: Listener, board: str, f: Figures) -> str:
    front, net, block, stack = f.parts
    return (
        f"| {listener.name} | {board} | {f.features / 1e6:.2f} M | {f.network / 1e6:.2f} M | "
        f"{f.ram:,} B | {front:,} + {net:,} + {block} + {stack:,} | {f.flash / 1024:.0f} KB |"
    )


def document(rows: list[str], found: list[str]) -> str:
    """docs/keywords.md."""
    lines = "\n".join(rows)
    accuracies = "\n".join(found)
    return f"""# Keywords from samples

Made by `python bench/keywords.py --write docs/keywords.md`. Real one-second clips of Speech Commands come from a WAV
file in blocks of 10 ms, as from a microphone, into `nnom_audio_push()`; each row goes into the network, fed by rows
where it can be. Rows and answers are compared with those of this computer: the same bytes. Instructions are executed
ones under emulation, not cycles; the program is compiled with -O2, kernels of the board's target.

| network, features | board | features, a second | network, an answer | RAM | of it front, net, block, stack | flash |
|---|---|---|---|---|---|---|
{lines}

RAM is all that listening needs: the stream's memory, the arena with the instance, a block of samples, and the stack
at its deepest. Flash is the program's: weights, tables, code, start-up code and what the emulation needs.

| network | right answers | |
|---|---|---|
{accuracies}

The features are those that the networks were trained with: MLPerf Tiny's MFCC of clips scaled by their peak, the micro
frontend of TensorFlow Lite Micro. Both are computed by the C of the device.
"""


def main() -> int:
    """Returns 3 where the shared folder is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--boards", default="cortex-m4,cortex-m55")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    if not (DATA / "speech_commands_wav.npz").is_file():
        print(f"clips and models are needed in {SHARED.parent}; NNOM_SHARED names the folder", file=sys.stderr)
        return 3
    rows, found = [], []
    for listener in LISTENERS:
        for heard in (listener, replace(listener, peak=False)) if listener.peak else (listener,):
            share, count = accuracy(heard)
            how = "scaled by their peak" if heard.peak else "as they were recorded"
            found.append(f"| {listener.name} | {share:.1%} | of {count} clips, {how} |")
            print(found[-1], flush=True)
        for name in options.boards.split(","):
            with tempfile.TemporaryDirectory() as folder:
                figures = listen(listener, boards.boards()[name], options.clips, Path(folder))
            rows.append(row(listener, name, figures))
            print(rows[-1], flush=True)
    if options.write:
        options.write.write_text(document(rows, found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
