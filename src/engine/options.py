"""The options of load: their bounds and their plain forms, in which they are kept and travel."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine import cache as packs
from engine.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from engine.signature import Key

Shapes = Mapping[str, Sequence[int]]

LEVELS = ("off", "cheap", "all")
OF_ONE_LOAD = ("sha256", "name", "background")


def checked_options(defaults: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """What a Model is made with. defaults: of load's keywords. InvalidInput for what is out of bounds."""
    given = {key: default for key, default in defaults.items() if key not in OF_ONE_LOAD}
    unknown = sorted(set(options) - set(given))
    if unknown:
        raise TypeError(f"load has no option {unknown[0]!r}")
    given.update(options)
    _check(**given)
    given["trusted_keys"] = raw_keys(given["trusted_keys"])
    given["external_data"] = folders(given["external_data"])
    given["warmup"] = warm_ups(given["warmup"])
    given["cache"] = packs.folder_of(given["cache"])
    given["as_inputs"] = list(given["as_inputs"])
    given["dims"] = dict(given["dims"] or {})
    given["cache_limit"] = min(packs.limit_of(given["cache_limit"]), (1 << 63) - 1)
    given["max_queue"] = min(given["max_queue"], (1 << 31) - 1)
    return given


def _check(
    threads: int | None,
    max_concurrency: int | None,
    memory_limit: int | None,
    cache_limit: int | None,
    max_queue: int,
    keep_versions: int,
    timeout: float | None,
    max_timeout: float | None,
    optimize: str,
    **others: Any,
) -> None:
    _at_least(1, max_concurrency=max_concurrency, memory_limit=memory_limit, cache_limit=cache_limit)
    _at_least(0, max_queue=max_queue, keep_versions=keep_versions, timeout=timeout, max_timeout=max_timeout)
    if threads is not None and not 1 <= threads <= 256:
        raise InvalidInput(f"threads is {threads}; 1 to 256 are allowed")
    if max_concurrency is not None and max_concurrency > 1 << 16:
        raise InvalidInput(f"max_concurrency is {max_concurrency}; at most {1 << 16} are allowed")
    if keep_versions > 32:
        raise InvalidInput(f"keep_versions is {keep_versions}; at most 32 are allowed")
    if optimize not in LEVELS:
        raise InvalidInput(f"optimize is {optimize!r}; one of {', '.join(LEVELS)} is wanted")


def _at_least(least: int, **given: float | None) -> None:
    for name, value in given.items():
        if value is not None and not value >= least:
            raise InvalidInput(f"{name} is {value}; at least {least} is wanted")


def folders(external_data: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[str]:
    if isinstance(external_data, (str, os.PathLike)):
        external_data = [external_data]
    return [os.fspath(folder) for folder in external_data]


def warm_ups(warmup: bool | Iterable[Shapes]) -> bool | list[dict[str, tuple[int, ...]]]:
    if isinstance(warmup, bool):
        return warmup
    if isinstance(warmup, Mapping):
        raise InvalidInput("warmup is a list of dicts from input name to shape, not one dict")
    return [{name: tuple(shape) for name, shape in run.items()} for run in warmup]


def raw_keys(keys: Iterable[Key] | None) -> list[bytes] | None:
    if keys is None:
        return None
    from engine.signature import raw_public_keys

    return raw_public_keys(keys)
