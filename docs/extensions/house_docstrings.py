"""Docstrings as this code base writes them, for autodoc: plain text in paragraphs, where lines after the first paragraph like

    name, other: what they are,
        which may go on indented

are a list of parameters or fields, and names of public classes and of pages become links.
"""

import re
from itertools import chain
from typing import Any

import engine

ENTRY = re.compile(r"^([a-z_]\w*(?:, [a-z_]\w*)*): (.*)$")
QUOTED = re.compile(r"`{1,2}([^`]+)`{1,2}")
SPECIAL = re.compile(r"([\\*|_])")
NAMES = "|".join(
    sorted((name for name in engine.__all__ if isinstance(getattr(engine, name), type)), key=len, reverse=True)
)
NEXT_ENTRY = re.compile(r"(?<=\.) (?=[a-z_]\w*(?:, [a-z_]\w*)*: )")
PAGE = re.compile(r"docs/([\w-]+)\.md")
NAME = re.compile(rf"(?<![\w.\\`])(?:engine\.)?({NAMES})(\.\w+)?(?![\w`\"])")


def escaped(text: str) -> str:
    """Plain text as reStructuredText, with links to what has a place in the reference."""
    parts = QUOTED.split(text)
    return "".join(f"``{part}``" if i % 2 else _linked(part) for i, part in enumerate(parts))


def _linked(text: str) -> str:
    out, end = [], 0
    for found in NAME.finditer(text):
        if found[2] and not hasattr(getattr(engine, found[1]), found[2][1:]):
            continue
        out += [
            SPECIAL.sub(r"\\\1", text[end : found.start()]),
            f":py:obj:`{found[0]} <engine.{found[1]}{found[2] or ''}>`",
        ]
        end = found.end()
    rest = SPECIAL.sub(r"\\\1", text[end:])
    return PAGE.sub(r":doc:`/\1`", "".join([*out, rest]))


def paragraph(lines: list[str], is_first: bool) -> list[str]:
    """A paragraph of a docstring as lines of reStructuredText."""
    if lines[0].startswith(">>>"):
        return [*lines, ""]
    if is_first or not ENTRY.match(lines[0]):
        return [*(escaped(line.strip()) for line in lines), ""]
    out: list[str] = []
    for line in chain.from_iterable(map(NEXT_ENTRY.split, lines)):
        found = ENTRY.match(line)
        if found:
            out += [", ".join(f"``{name}``" for name in found[1].split(", ")), f"    {escaped(found[2])}"]
        else:
            out.append(f"    {escaped(line.strip())}")
    return [*out, ""]


def convert(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    lines[:] = [line for i, each in enumerate(paragraphs) if each for line in paragraph(each, is_first=i == 0)]


def setup(app: Any) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", convert)
    return {"parallel_read_safe": True}
