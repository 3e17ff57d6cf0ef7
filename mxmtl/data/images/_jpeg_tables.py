"""The segments of a JPEG file without which it does not decode (ITU-T T.81, annex B and C)."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Dict, FrozenSet, Set, Tuple

PROGRESSIVE = 0xC2
MAX_BLOCKS = 10  # of an interleaved scan's unit (T.81, B.2.3)


class Irregular(Exception):  # noqa: N818 (no error: only decoding will tell)
    """The file is not what the standard describes."""


@dataclass
class State:
    """What the segments have said so far."""

    width: int = 0
    height: int = 0
    progressive: bool = False
    components: Dict[int, Tuple[int, int, int]] = field(default_factory=dict)
    quantization: Set[int] = field(default_factory=set)
    huffman: Set[int] = field(default_factory=set)  # 0-3 for DC, 16-19 for AC
    orientation: int = 1
    scans: int = 0
    scan_start: int = 2
    odd: bool = False


def read_frame(segment: bytes, marker: int, state: State) -> None:
    """Read size and components; 8 bits, one or three components, whole sampling ratios."""
    if state.components or len(segment) < 6 or len(segment) != 6 + 3 * segment[5]:
        raise Irregular
    state.height = int.from_bytes(segment[1:3], "big")
    state.width = int.from_bytes(segment[3:5], "big")
    state.progressive = marker == PROGRESSIVE
    for at in range(6, len(segment), 3):
        number, sampling, table = segment[at : at + 3]
        state.components[number] = (sampling >> 4, sampling & 15, table)
    state.odd = len(state.components) != segment[5] or segment[5] not in (1, 3)
    state.odd |= segment[0] != 8 or not state.width or not state.height
    for axis in (0, 1):
        factors = [component[axis] for component in state.components.values()]
        state.odd |= not all(1 <= one <= 4 and max(factors) % one == 0 for one in factors)


@functools.lru_cache(maxsize=256)  # most files of a set share their tables
def huffman_tables(segment: bytes) -> FrozenSet[int]:
    """Check the Huffman tables of a segment; return their numbers, AC ones plus 16."""
    numbers, at = set(), 0
    while at < len(segment):
        number, counts = segment[at], segment[at + 1 : at + 17]
        total = sum(counts)
        symbols = segment[at + 17 : at + 17 + total]
        if number & 0xEC or len(counts) < 16 or total > 256 or len(symbols) < total:
            raise Irregular
        if number < 16 and any(symbol > 15 for symbol in symbols):
            raise Irregular
        free = 1  # codes of the present length that no shorter code has taken
        for count in counts:
            free = 2 * free - count
            # The code of all ones is kept free (T.81, annex C), and so is one at the end.
            if free < 1:
                raise Irregular
        numbers.add(number)
        at += 17 + total
    return frozenset(numbers)


def read_huffman(segment: bytes, marker: int, state: State) -> None:
    """Note which Huffman tables there are."""
    state.huffman |= huffman_tables(segment)


@functools.lru_cache(maxsize=256)
def quantization_tables(segment: bytes) -> FrozenSet[int]:
    """Check the quantization tables of a segment; return their numbers."""
    numbers, at = set(), 0
    while at < len(segment):
        wide, number = segment[at] >> 4, segment[at] & 15
        at += 65 + 64 * wide
        if wide > 1 or number > 3 or at > len(segment):
            raise Irregular
        numbers.add(number)
    return frozenset(numbers)


def read_quantization(segment: bytes, marker: int, state: State) -> None:
    """Note which quantization tables there are."""
    state.quantization |= quantization_tables(segment)


def read_scan(segment: bytes, marker: int, state: State) -> None:
    """Check that a scan's components and tables exist."""
    if not segment or len(segment) != 4 + 2 * segment[0] or not 1 <= segment[0] <= 4:
        raise Irregular
    start, end, high, low = segment[-3], segment[-2], segment[-1] >> 4, segment[-1] & 15
    if state.progressive:
        whole = (start == 0 and end == 0) or (segment[0] == 1 and 0 < start <= end <= 63)
        if not whole or low > 13 or (high and low != high - 1):
            raise Irregular
    seen, blocks = set(), 0
    for at in range(1, len(segment) - 3, 2):
        component = state.components.get(segment[at])
        if component is None or segment[at] in seen or component[2] not in state.quantization:
            raise Irregular
        seen.add(segment[at])
        blocks += component[0] * component[1]
        dc, ac = segment[at + 1] >> 4, 16 + (segment[at + 1] & 15)
        needed = {dc, ac} if not state.progressive else {ac} if start else set() if high else {dc}
        if not needed <= state.huffman:
            raise Irregular
    if len(seen) > 1 and blocks > MAX_BLOCKS:
        raise Irregular
    state.scans += 1
