"""Content types of files and bytes by magika's public calls."""

import pathlib

from magika import Magika
from reporting import report

ROOT = pathlib.Path(__file__).resolve().parents[3]
FILES = [
    ROOT / name
    for name in (
        "README.md",
        "LICENSE",
        "Makefile",
        "pyproject.toml",
        "src/engine/model.py",
        "csrc/base/status.h",
        "examples/digits/digits.onnx",
    )
]
TEXTS = [
    b'{"a": [1, 2, 3], "b": {"c": null, "d": "text"}}\n' * 8,
    b"name,size,price\nbolt,3,0.25\nnut,4,0.10\n" * 20,
    b"<!DOCTYPE html><html><head><title>t</title></head><body><p>text</p></body></html>\n" * 4,
    b"#!/bin/sh\nset -e\nfor f in *.c; do cc -c $f; done\n",
    bytes(range(256)) * 8,
]
magika = Magika()


def answers():
    results = [*magika.identify_paths(FILES), *[magika.identify_bytes(text) for text in TEXTS]]
    return [(str(result.dl.label), str(result.output.label), result.score) for result in results]


report(answers)
