"""Inputs of a call from the command line: files by name, shapes by name, random numbers for the rest."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

import engine

Feeds = dict[str, Any]


class UsageError(Exception):
    """The arguments do not fit the model, or each other."""


def add_feed_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--input", metavar="NAME=FILE.npy", action="append", default=[],
        help="an input's array; FILE.npz alone gives every input that it has an array for",
    )  # fmt: skip
    parser.add_argument(
        "--shape", metavar="NAME=1,3,224,224", action="append", default=[],
        help="the shape of an input of random numbers; without it, open dimensions are 1",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers (default: 0)")


def split_pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals or not name or not value:
        raise UsageError(f"{option} {text!r}: NAME=VALUE is wanted")
    return name, value


def parse_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        try:
            shape = tuple(int(part) for part in value.split(",") if part)
        except ValueError:
            shape = (-1,)
        if not equals or not name or any(d < 0 for d in shape):
            raise UsageError(f"--shape {text!r}: NAME=1,3,224,224 is wanted")
        shapes[name] = shape
    return shapes


def read_inputs(model: engine.Model, texts: Sequence[str]) -> Feeds:
    feeds: Feeds = {}
    for text in texts:
        if text.endswith(".npz") and "=" not in os.path.basename(text):
            with np.load(text, allow_pickle=False) as archive:
                feeds.update({name: archive[name] for name in archive.files if name in model.input_names})
            continue
        name, path = split_pair(text, "--input")
        check_name(model, name, "--input")
        array = np.load(path, allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise UsageError(f"--input {text!r}: a .npz is given without a name, or one .npy for each input")
        feeds[name] = array
    return feeds


def check_name(model: engine.Model, name: str, option: str) -> None:
    if name not in model.input_names:
        raise UsageError(f"{option}: the model has no input {name!r}; its inputs are {', '.join(model.input_names)}")


def random_array(info: engine.TensorInfo, shape: tuple[int, ...] | None, rng: np.random.Generator) -> np.ndarray:
    """Floats from the normal distribution, integers 0 or 1, strings of one letter."""
    if shape is None and info.shape is not None:
        shape = tuple(d if isinstance(d, int) else 1 for d in info.shape)
    if shape is None:
        raise UsageError(f"the shape of input {info.name!r} is open: give it with --shape {info.name}=...")
    if info.dtype == "string":
        return rng.choice(list("abcdefgh"), size=shape).astype(object)
    try:
        dtype = np.dtype(info.dtype)
    except TypeError:
        raise UsageError(f"no random numbers for input {info.name!r} of {info.dtype}: give it with --input") from None
    if dtype.kind in "iub":
        return rng.integers(0, 2, size=shape).astype(dtype)
    return rng.standard_normal(size=shape).astype(dtype)


def collect(model: engine.Model, arguments: argparse.Namespace, *, random: bool) -> Feeds:
    """What --input says, random numbers for what --shape says and, if `random`, for the rest."""
    feeds = read_inputs(model, arguments.input)
    shapes = parse_shapes(arguments.shape)
    for name in shapes:
        check_name(model, name, "--shape")
        if name in feeds:
            raise UsageError(f"input {name!r} is given both by --input and by --shape")
    rng = np.random.default_rng(arguments.seed)
    for info in model.inputs:
        if info.name in feeds or info.dtype.startswith("optional("):
            continue
        if not random and info.name not in shapes:
            raise UsageError(f"input {info.name!r} is missing: --input {info.name}=FILE.npy, or --random")
        feeds[info.name] = random_array(info, shapes.get(info.name), rng)
    return feeds
