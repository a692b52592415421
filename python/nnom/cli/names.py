# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""How messages name settings here: as options."""

from __future__ import annotations

from collections.abc import Iterable

from .. import messages
from ..messages import Setting

OPTIONS = {
    Setting.DATA: "--data",
    Setting.CALIBRATION: "--calibration",
    Setting.METHOD: "--method",
    Setting.ACCURACY: "--accuracy",
    Setting.INT16: "--int16",
    Setting.INT4: "--int4",
    Setting.USE_FLOAT: "--float",
    Setting.INT8_IO: "--int8-io",
    Setting.BOARD: "--board",
    Setting.RAM: "--ram",
    Setting.FEED: "--feed",
    Setting.STREAM: "--stream",
    Setting.CAUSAL: "--causal",
    Setting.NO_ORIGINAL: "--no-original",
    Setting.SHAPE: "--shape",
    Setting.KEEP_IO_LAYOUT: "--keep-io-layout",
    Setting.DATA_LAYOUT: "--data-layout",
}


def told(message: str) -> str:
    """A message for who typed the command."""
    return messages.told(message, OPTIONS)


def all_told(lines: Iterable[str]) -> list[str]:
    """Messages for who typed the command."""
    return [told(line) for line in lines]
