"""Public names of the package that no page of the reference has, for the end of its first page: none can be forgotten."""

import pathlib
import re
from typing import Any

import engine

PAGE = "api/model"
TITLE = "## Further names"


def missing(folder: pathlib.Path) -> list[str]:
    text = "".join(page.read_text() for page in folder.glob("*.md"))
    return [name for name in engine.__all__ if not re.search(rf"engine\.{name}\b", text)]


def directive(name: str) -> str:
    thing = getattr(engine, name)
    if isinstance(thing, type):
        return (
            f".. autoexception:: engine.{name}\n   :show-inheritance:"
            if issubclass(thing, Exception)
            else f".. autoclass:: engine.{name}"
        )
    return f".. autofunction:: engine.{name}" if callable(thing) else f".. py:data:: engine.{name}"


def append(app: Any, page: str, source: list[str]) -> None:
    names = missing(pathlib.Path(app.srcdir) / "api") if page == PAGE else []
    if names:
        blocks = "\n\n".join(map(directive, names))
        source[0] += f"\n{TITLE}\n\n```{{eval-rst}}\n{blocks}\n```\n"


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", append)
    return {"parallel_read_safe": True}
