# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The options of each command, and what the exit codes mean (CODES)."""

from __future__ import annotations

import argparse

from .. import __version__
from ..calibrate import METHODS
from ..core import OPTIMIZE, targets
from ..layouts import DATA_LAYOUTS
from ..projects import kinds

_RAW = argparse.RawDescriptionHelpFormatter
_MODEL = "a .keras, .h5, .onnx or .tflite file"
CODES = """exit codes:
  0  done
  1  the model, the data or the request is at fault, or a board's bytes differ; the text says what to do
  2  wrong usage
  3  a compiler, emulator or package is missing or failed; of validate: the original was not compared"""
_DATA = "x.npy, x.csv, x.npz, or x.npz:KEY; first axis: samples"


def parser() -> argparse.ArgumentParser:
    """All commands."""
    text = "Trained neural networks to C for microcontrollers."
    top = argparse.ArgumentParser(prog="nnom", description=text, formatter_class=_RAW)
    example = "nnom convert model.keras --calibration x.npy --labels y.npy --name har -o out/"
    top.epilog = f"example:\n  {example}\n\n{CODES}"
    top.add_argument("--version", action="version", version=f"nnom {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for add in (
        _convert,
        _evaluate,
        _run,
        _bench,
        _inspect,
        _plan_command,
        _report,
        _search,
        _validate,
        _boards,
        _library,
    ):
        add(commands)
    return top


def _command(commands: argparse._SubParsersAction, name: str, text: str, example: str) -> argparse.ArgumentParser:
    p = commands.add_parser(name, help=text, description=text, epilog=f"example:\n  {example}", formatter_class=_RAW)
    p.add_argument("--json", action="store_true", help="one JSON document on standard output")
    text = "results in short: no tables, explanations and progress bars; warnings stay"
    p.add_argument("-q", "--quiet", action="store_true", help=text)
    return p


def _model(p: argparse.ArgumentParser) -> None:
    p.add_argument("model", metavar="MODEL", help=_MODEL)
    p.add_argument(
        "--int8-io", action="store_true", help="cut float and uint8 ends off a quantised .tflite or .onnx model"
    )
    text = "of an .onnx model: the shape of an input with open axes (NAME=1x3x96x96; an open batch is 1); repeatable"
    p.add_argument("--shape", action="append", metavar="NAME=SHAPE", help=text)
    text = "of an .onnx model: inputs and outputs have their axes in the file's order (default: channels last)"
    p.add_argument("--keep-io-layout", action="store_true", help=text)


def _calibration(p: argparse.ArgumentParser) -> None:
    text = "how data lies whose shape fits both the file's order of axes and the model's"
    p.add_argument("--data-layout", choices=DATA_LAYOUTS, help=text)
    text = f"typical samples, to quantise a float model: {_DATA}; once per input"
    p.add_argument("--calibration", action="append", metavar="X", help=text)
    text = "how ranges are found (default: the best of all)"
    p.add_argument("--method", choices=("auto", *METHODS), default="auto", help=text)
    text = (
        "compute this layer of a float model with activations of 16 bits: a name, with wildcards, or 'all'; repeatable"
    )
    p.add_argument("--int16", action="append", metavar="LAYER", help=text)
    text = "store this layer's weights in 4 bits: a name, with wildcards, or 'all'; repeatable"
    p.add_argument("--int4", action="append", metavar="LAYER", help=text)


def _sequence(p: argparse.ArgumentParser) -> None:
    text = "samples follow one another: what a model keeps goes on from one to the next (default: each begins anew)"
    p.add_argument("--sequence", action="store_true", help=text)


def _plan(p: argparse.ArgumentParser, short: bool = False) -> None:
    text = "memory: rolling rows where that costs little (auto), never (whole), at any cost (smallest)"
    p.add_argument("--plan", choices=("auto", "whole", "smallest"), default="auto", help=text)
    p.add_argument("--whole", action="store_const", const="whole", dest="plan", help="the same as --plan whole")
    p.add_argument("--ram", metavar="SIZE", help="all RAM of the model (16384, 16k, 16kB): the fastest plan that fits")
    p.add_argument("--arena", type=int, default=0, metavar="BYTES", help="the same without the model's state")
    text = "kernels for what the core has: the same bytes in less time (default: plain, or what --board has)"
    p.add_argument("--target", choices=tuple(targets()), help=text)
    text = "weights may grow by a tenth for speed (default), as much as pays (speed), or keep a byte each (size)"
    names = ("--opt", "--optimize") if short else ("--optimize",)
    p.add_argument(*names, dest="optimize", choices=tuple(OPTIMIZE), default="default", help=text)
    p.add_argument("--feed", action="store_true", help="the input comes row by row (nnom_feed), not all at once")


def _convert(commands: argparse._SubParsersAction) -> None:
    example = "nnom convert model.keras --calibration x.npy --labels y.npy --name har -o out/"
    example += "\n  nnom convert model.keras --calibration x.npy --labels y.npy --stream 8 --causal -o out/"
    example += "\n  nnom convert model.keras --calibration x.npy --name har --for arduino -o har/"
    p = _command(commands, "convert", "Convert a model to model.c and model.h.", example)
    _model(p)
    _calibration(p)
    _sequence(p)
    p.add_argument("--labels", metavar="Y", help="class numbers of the calibration samples: accuracy is reported")
    p.add_argument("--name", help="prefix of the C symbols (default: from the file's name)")
    p.add_argument("-o", "--out", default="out", metavar="DIR", help="folder for model.c and model.h (default: out)")
    text = "write a complete project instead: the model in files of its name, the C that it links, a main, what "
    text += "builds it; a second model joins the first in the same folder"
    p.add_argument("--for", dest="project", choices=tuple(kinds()), help=text)
    text = "print what each lossless pass saved in MACs, weight bytes and activation bytes"
    p.add_argument("--report-shrink", action="store_true", help=text)
    text = "run on a signal without end: takes HOP rows (of time) a step, computes what is new, gives what the model "
    text += "gives for the newest window, byte for byte: that is tried on the calibration samples, or on noise"
    p.add_argument("--stream", type=int, metavar="HOP", help=text)
    text = (
        "with --stream: where the model pads in time, rows of the signal stand in place of zeros; recurrent layers go "
    )
    text += "on from hop to hop; what that changes is told"
    p.add_argument("--causal", action="store_true", help=text)
    _plan(p)


def _evaluate(commands: argparse._SubParsersAction) -> None:
    example = "nnom evaluate model.keras --data test_x.npy --labels test_y.npy --calibration x.npy"
    example += "\n  nnom evaluate regressor.keras --data test_x.npy --targets test_y.npy --calibration x.npy"
    example += "\n  nnom evaluate autoencoder.keras --data test_x.npy --reconstruct --calibration x.npy"
    text = "On test data, on this computer: accuracy, top-k, confusion, AUC; or MAE and RMSE of real values."
    p = _command(commands, "evaluate", text, example)
    _model(p)
    p.add_argument("--data", action="append", required=True, metavar="X", help=f"test samples: {_DATA}; once per input")
    text = "class numbers: accuracy, of two classes AUC; with --reconstruct 0 normal, 1 not: AUC of the error"
    p.add_argument("--labels", metavar="Y", help=text)
    p.add_argument("--targets", metavar="Y", help="real values that the output should have: MAE and RMSE (regressors)")
    text = "the output should be the input again: MAE and RMSE (autoencoders)"
    p.add_argument("--reconstruct", action="store_true", help=text)
    p.add_argument("--output", default="0", metavar="K", help="position or name of the output (default: the first)")
    _calibration(p)
    _sequence(p)
    p.add_argument("--float", action="store_true", dest="use_float", help="run a float model as it is")
    p.add_argument("--top-k", type=int, default=3, metavar="K", help="ranks to count (default: 3)")


def _run(commands: argparse._SubParsersAction) -> None:
    example = "nnom run model.tflite --input lcg:305419896 --board cortex-m4"
    p = _command(commands, "run", "Run a model, on this computer or an emulated board: outputs, hashes, cost.", example)
    p.description = f"{p.description}" + (
        "\n\nlcg:SEED fills the first input with (int8)(x >> 24), x = x * 1664525 + 1013904223 (uint32) from x = SEED;"
        "\nother inputs are 0. A float input gets the int8 value times the scale of the QUANTIZE that reads it, else"
        "\ntimes 1/128. Data from files are real values; int8 data for an int8 file's int8 input are stored values."
    )
    _model(p)
    p.add_argument("--input", action="append", metavar="X", help=f"{_DATA}; or lcg:SEED (default: lcg:305419896)")
    _calibration(p)
    _sequence(p)
    text = "run a float model as it is (without --calibration: always)"
    p.add_argument("--float", action="store_true", dest="use_float", help=text)
    p.add_argument("--board", help="run on this emulated board too: see nnom boards")
    levels = ("-O0", "-Og", "-O1", "-O2", "-O3", "-Os")
    p.add_argument("--opt", choices=levels, default="-O2", help="of the board's compiler (default: -O2)")
    _plan(p)


def _bench(commands: argparse._SubParsersAction) -> None:
    example = "nnom bench model.tflite --board cortex-m4 --opt speed --mhz 80 --wait-states 4"
    text = "What a model costs on an emulated board: instructions, their mix, estimated cycles, stack, RAM, flash."
    p = _command(commands, "bench", text, example)
    p.description = f"{p.description}" + (
        "\n\nInstructions are counted, in all and per layer. Their mix, taken from every executed instruction: MAC"
        "\n(each multiplication), load, store, unpack (widen, narrow, gather bytes), ALU, branch. Cycles are an"
        "\nestimate after the rules that are printed. RAM is arena and state, the stack comes on top; flash is what"
        "\nthe model adds to a program."
    )
    _model(p)
    p.add_argument("--board", required=True, help="the emulated board: see nnom boards")
    p.add_argument("--input", action="append", metavar="X", help=f"{_DATA}; or lcg:SEED (default: lcg:305419896)")
    _calibration(p)
    _sequence(p)
    text = "run a float model as it is (without --calibration: always)"
    p.add_argument("--float", action="store_true", dest="use_float", help=text)
    p.add_argument("--mhz", type=float, metavar="F", help="the core's clock: milliseconds are estimated, too")
    text = "cycles that flash makes the core wait (default: 0); needs --mhz"
    p.add_argument("--wait-states", type=int, default=0, metavar="N", help=text)
    _plan(p, short=True)


def _inspect(commands: argparse._SubParsersAction) -> None:
    text = "Layers, costs, and what is not supported. Needs no data."
    p = _command(commands, "inspect", text, "nnom inspect model.tflite --json")
    _model(p)


def _plan_command(commands: argparse._SubParsersAction) -> None:
    text = "RAM layer by layer, and the curve of RAM against instructions. Needs no data."
    p = _command(commands, "plan", text, "nnom plan model.tflite --ram 16k --feed")
    _planned(p)


def _report(commands: argparse._SubParsersAction) -> None:
    text = "A page of HTML: the arena over time as a picture, layers, totals, the curve of RAM against instructions."
    p = _command(commands, "report", text, "nnom report model.tflite --feed -o report.html")
    _planned(p)
    p.add_argument("-o", "--out", default="report.html", metavar="FILE", help="the page (default: report.html)")


def _planned(p: argparse.ArgumentParser) -> None:
    _model(p)
    _calibration(p)
    text = "plan a float model with made-up ranges: an estimate (the default without --calibration)"
    p.add_argument("--random", action="store_true", help=text)
    _plan(p)


def _search(commands: argparse._SubParsersAction) -> None:
    text = (
        "Try configurations of a float model: the cheapest that loses no more accuracy than allowed, in the RAM given."
    )
    example = "nnom search model.keras --calibration x.npy --labels y.npy --accuracy 0.5 --ram 16k"
    p = _command(commands, "search", text, example)
    p.description = f"{p.description}" + (
        "\n\nFirst the methods that find ranges; if none is good enough each layer alone in 16 bits, then the best of"
        "\nthese together; with --weights layers in 4 bits. Results are kept: a search that was stopped goes on."
    )
    _model(p)
    text = f"typical samples, to quantise: {_DATA}; once per input"
    p.add_argument("--calibration", action="append", required=True, metavar="X", help=text)
    text = "how data lies whose shape fits both the file's order of axes and the model's"
    p.add_argument("--data-layout", choices=DATA_LAYOUTS, help=text)
    p.add_argument("--data", action="append", metavar="X", help="samples that judge (default: those of --calibration)")
    text = "class numbers of the samples that judge (default: the float model's own classes)"
    p.add_argument("--labels", metavar="Y", help=text)
    text = "points of accuracy (per cent) that may be lost against float (default: 1)"
    p.add_argument("--accuracy", type=float, default=1.0, metavar="POINTS", help=text)
    p.add_argument(
        "--sqnr", type=float, metavar="DB", help="instead: SQNR of the first output at least, for regressors"
    )
    p.add_argument("--weights", metavar="SIZE", help="flash of the weights at most (16384, 16k): layers in 4 bits")
    p.add_argument("--jobs", type=int, metavar="N", help="processes (default: as many as there are cores)")
    text = "a scheduler of Dask, whose workers do it (tcp://HOST:PORT); they must see the search's folder"
    p.add_argument("--dask", metavar="ADDRESS", help=text)
    p.add_argument(
        "--optuna", type=int, metavar="TRIALS", help="so many trials of Optuna's sampler, not layer by layer"
    )
    p.add_argument("--folder", metavar="DIR", help="where results are kept (default: in the cache of the user)")
    _plan(p)


def _validate(commands: argparse._SubParsersAction) -> None:
    example = "nnom validate model.tflite --data x.npy --board cortex-m4"
    text = "Compare original runtime, this computer and an emulated board side by side."
    p = _command(commands, "validate", text, example)
    _model(p)
    p.add_argument("--data", action="append", required=True, metavar="X", help=f"samples: {_DATA}; once per input")
    _calibration(p)
    p.add_argument("--float", action="store_true", dest="use_float", help="compare a float model as it is")
    p.add_argument("--board", help="run on this emulated board too")
    p.add_argument("--samples", type=int, default=32, metavar="N", help="at most so many samples (default: 32)")
    text = "compare without the original runtime, which reads the file by itself: for files that nobody vouches for"
    p.add_argument("--no-original", action="store_false", dest="original", help=text)


def _boards(commands: argparse._SubParsersAction) -> None:
    _command(commands, "boards", "List the emulated boards.", "nnom boards")


def _library(commands: argparse._SubParsersAction) -> None:
    text = "Where the C library is that a converted model needs: its folders include, port and src."
    p = _command(commands, "library", text, "nnom library -o nnom/")
    p.add_argument("-o", "--out", metavar="DIR", help="copy the three folders into this one")


def joined(arguments: list[str]) -> list[str]:
    """Lets `--opt -O2` through, which argparse takes for two options."""
    result: list[str] = []
    for a in arguments:
        if result and result[-1] == "--opt":
            result[-1] = f"--opt={a}"
        else:
            result.append(a)
    return result
