"""JSON in and out: orjson where it is installed, the standard library otherwise.

NaN and infinities, which JSON cannot say, are null.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

loads: Callable[[bytes], Any]

try:
    import orjson
except ImportError:

    def _loads(text: bytes) -> Any:
        return json.loads(text, parse_constant=_no_number)

    loads = _loads

    def dumps(document: Any) -> bytes:
        return json.dumps(document, default=_plain, separators=(",", ":"), allow_nan=False).encode()
else:
    loads = orjson.loads

    def dumps(document: Any) -> bytes:
        return orjson.dumps(document, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            return [x if finite else None for x, finite in zip(value.tolist(), np.isfinite(value), strict=True)]
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace")
    raise TypeError(f"{type(value).__name__} is not JSON")
