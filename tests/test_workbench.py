# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What every importer shares: refusals are collected, each thing once, and reported together; limits."""

from __future__ import annotations

import pytest
from nnom.errors import ModelError, UnsupportedError
from nnom.graph import Graph
from nnom.importers.limits import MAX_ALL_MADE, MAX_MADE, Memory, Room
from nnom.importers.workbench import Refusals, Refused, Thing, fused_clamp


def report(refusals: Refusals, *after: str) -> list[str]:
    with pytest.raises(UnsupportedError) as error:
        refusals.stop_if_refused(*after)
    return str(error.value).splitlines()


def test_refusals_are_one_line_for_each_kind_and_reason() -> None:
    refusals = Refusals(Graph(source="m.toy"), "thing is refused", "things are refused")
    refusals.stop_if_refused()
    for number in (3, 5, 8):
        refusals.refuse(Thing("operator ADD", number, f"-> 't{number}'"), Refused("too wide", "split it"))
    refusals.refuse(Thing("operator ADD", 9), Refused(""))  # something else has said it
    assert Thing("operator ADD", 9) not in refusals and len(refusals) == 3
    assert report(refusals, "after that: it ends") == [
        "m.toy: 3 things are refused:",
        "  operator 3 ADD -> 't3': too wide; split it (and 2 more like it: operators 5, 8)",
        "  after that: it ends",
    ]


def test_a_thing_counts_once() -> None:
    refusals = Refusals(Graph(source="m.toy"), "thing is refused", "things are refused")
    thing = Thing("layer 'one of many' (Conv3D)")
    for reason in ("first", "then"):
        refusals.refuse(thing, Refused(reason))
    assert thing in refusals
    assert report(refusals) == ["m.toy: 1 thing is refused:", "  layer 'one of many' (Conv3D): then"]


def test_no_more_are_looked_for_than_are_told() -> None:
    refusals = Refusals(Graph(source="m.toy"), "thing", "things", most=2)
    refusals.refuse(Thing("layer a"), "why")
    with pytest.raises(UnsupportedError, match="m.toy: at least 2 things:"):
        refusals.refuse(Thing("layer b"), "why")


def test_only_clamps_are_fused() -> None:
    assert [fused_clamp(kind) for kind in ("relu", "relu6", "tanh", "none")] == ["relu", "relu6", "none", "none"]


def test_room_and_memory_end() -> None:
    room = Room("m.toy")
    with pytest.raises(ModelError, match=r"m.toy: thing 'a' .*\(4096, 4097\); expected at most 16777216 elements"):
        room.take("thing 'a'", (4096, 4097))
    room = Room("m.toy")
    for _ in range(MAX_ALL_MADE // MAX_MADE):
        room.take("thing 'a'", (MAX_MADE,))
    with pytest.raises(ModelError, match=f"at most {MAX_ALL_MADE} in all tensors together"):
        room.take("thing 'b'", (1,))
    memory = Memory("m.toy", 100)
    memory.take(8 * 100)
    assert memory.elements == 2**13
    memory.take(2**16)
    assert memory.elements == 0
    with pytest.raises(ModelError, match="m.toy: its constants need over 66337 bytes, the file has 100"):
        memory.take(1)
