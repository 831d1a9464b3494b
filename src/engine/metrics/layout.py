"""How counters lie in memory: a page of one worker process, and in it blocks of 64-bit words.

A page is a file: a header (JSON, padded with zeros), then blocks. A block is a label (JSON, padded), gauges, and counters. The
counters of a model's version are the core's (csrc/service/metrics.h): its events, then cells that threads share out.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import _core

Words = npt.NDArray[np.uint64]

MAGIC = "engine metrics 1"
PAGE_SUFFIX = ".metrics"
LOCK_SUFFIX = ".lock"
HEADER_BYTES = 4096
LABEL_BYTES = 448
GAUGES = ("running", "queued", "max_concurrency", "max_queue", "ready", "memory_used", "memory_peak", "threads")
GAUGE_BYTES = 64
WORD = 8


def header(blocks: int) -> dict[str, Any]:
    return {
        "magic": MAGIC,
        "blocks": blocks,
        "block_bytes": _core.BLOCK_BYTES,
        "cells": _core.BLOCK_CELLS,
        "events": list(_core.COUNTERS),
        "outcomes": list(_core.OUTCOMES),
        "measures": list(_core.MEASURES),
        "buckets": len(_core.BUCKET_BOUNDS),
        "gauges": list(GAUGES),
    }


def stride(head: dict[str, Any]) -> int:
    """Bytes from one block to the next."""
    size: int = LABEL_BYTES + GAUGE_BYTES + head["block_bytes"]
    return -(-size // 4096) * 4096


def page_bytes(head: dict[str, Any]) -> int:
    blocks: int = head["blocks"]
    return HEADER_BYTES + blocks * stride(head)


def padded(value: dict[str, Any], size: int) -> bytes:
    text = json.dumps(value, ensure_ascii=False).encode()
    if len(text) >= size:
        raise ValueError(f"{len(text)} bytes of labels; less than {size} are allowed")
    return text.ljust(size, b"\0")


def label_of(name: str) -> str:
    """The name of a model, fit for a label: of 96 characters at most, all printable."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:96])


def unpadded(raw: bytes) -> dict[str, Any] | None:
    """None where nothing was written."""
    text = raw.rstrip(b"\0")
    if not text:
        return None
    value: dict[str, Any] = json.loads(text)
    return value


def model_counts(head: dict[str, Any], words: Words) -> dict[str, Any]:
    """The counters of one block: started, in_flight, outcomes, events, and for each measure its sum (nanoseconds) and buckets."""
    outcomes, measures, buckets = head["outcomes"], head["measures"], head["buckets"]
    event_words = -(-len(head["events"]) // 8) * 8
    cells = words[event_words:].reshape(head["cells"], -1)
    first = 1 + len(outcomes)
    ended = cells[:, 1:first].sum(
        axis=0
    )  # before what was started, so that no call is seen to end that was not seen to start
    started = int(cells[:, 0].sum())
    histograms = cells[:, first : first + len(measures) * (1 + buckets)].sum(axis=0).reshape(len(measures), 1 + buckets)
    return {
        "started": started,
        "in_flight": max(0, started - int(ended.sum())),
        "outcomes": dict(zip(outcomes, ended.tolist(), strict=True)),
        "events": dict(zip(head["events"], words[: len(head["events"])].tolist(), strict=True)),
        "nanoseconds": {name: (int(row[0]), row[1:]) for name, row in zip(measures, histograms, strict=True)},
    }
