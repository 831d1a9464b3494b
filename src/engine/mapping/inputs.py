"""From the names of input files to what is read from them."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence

from engine.errors import FileNotFound, InvalidInput
from engine.mapping.arrays import Arrays
from engine.mapping.cases import Cases
from engine.mapping.lines import Lines
from engine.mapping.source import Source

KINDS = (".npy", ".npz", ".jsonl")


def open_inputs(texts: Sequence[str], names: Sequence[str]) -> Source:
    """texts: files, folders or patterns, which NAME= before them gives to an input. names: the model's inputs.

    .npy: rows along axis 0; .npz: a case each; .jsonl: a row each line. FileNotFound, InvalidInput.
    """
    given: dict[str, list[str]] = {}
    for text in texts:
        name, pattern = _split(text, names)
        given.setdefault(name, []).extend(_files(pattern))
    kinds = {os.path.splitext(path)[1] for paths in given.values() for path in paths}
    if len(kinds) != 1:
        raise InvalidInput(f"the inputs are {' and '.join(sorted(kinds))} files; one kind is wanted")
    kind = kinds.pop()
    if kind == ".npy":
        return Arrays(_by_input(given, names))
    if list(given) != [""]:
        raise InvalidInput(f"NAME= is for .npy files; {kind} files name their inputs themselves")
    return Cases(given[""]) if kind == ".npz" else Lines(given[""])


def _split(text: str, names: Sequence[str]) -> tuple[str, str]:
    name, equals, rest = text.partition("=")
    return (name, rest) if equals and name in names and not os.path.exists(text) else ("", text)


def _files(pattern: str) -> list[str]:
    if os.path.isdir(pattern):
        found = [os.path.join(pattern, name) for name in os.listdir(pattern) if name.endswith(KINDS)]
    elif os.path.exists(pattern):
        found = [pattern]
    else:
        found = glob.glob(pattern)
    if not found:
        raise FileNotFound(f"{pattern}: no such file, nor a folder or pattern with {', '.join(KINDS)} files")
    strangers = [path for path in found if not path.endswith(KINDS)]
    if strangers:
        raise InvalidInput(f"{strangers[0]}: {', '.join(KINDS)} files are wanted")
    return sorted(found)


def _by_input(given: dict[str, list[str]], names: Sequence[str]) -> dict[str, list[str]]:
    if list(given) == [""] and len(names) == 1:
        return {names[0]: given[""]}
    if "" in given:
        raise InvalidInput(f"{given[''][0]}: the model has inputs {', '.join(names)}; NAME={given[''][0]} is wanted")
    missing = [name for name in names if name not in given]
    if missing:
        raise InvalidInput(f"input {missing[0]!r} is missing: {missing[0]}=FILE.npy")
    return given
