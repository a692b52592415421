# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Random TensorFlow Lite models and what LiteRT's reference kernels make of them: expected values by someone else.

writer.py      .tflite files from a few calls
cases.py       random models of one operator, random graphs of several
reference.py   runs a model in LiteRT (needs ai-edge-litert)
ir_numpy.py    runs a float graph of nnom in numpy, to check importers without the C core
"""
