"""The pages of the documentation, taken apart: blocks, headings, links."""

import functools
import importlib.util
import pathlib
import re
import textwrap
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "examples/digits/README.md", *DOCS.rglob("*.md")])

FENCE = re.compile(r"^( *)```(\S*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
MARKER = re.compile(r"<!-- (needs|not run): (.*) -->\n *$")
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """line: of its first line of text, from 1. needs: modules without which it cannot run. why_not: "" when it runs."""

    language: str
    text: str
    line: int
    needs: tuple[str, ...]
    why_not: str

    @property
    def missing(self) -> list[str]:
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


def name_of(page: pathlib.Path) -> str:
    return page.relative_to(ROOT).as_posix()


@functools.cache
def blocks(page: pathlib.Path) -> tuple[Block, ...]:
    text = page.read_text()
    found = []
    for match in FENCE.finditer(text):
        marker = MARKER.search(text, 0, match.start())
        kind, said = marker.groups() if marker else ("", "")
        needs = tuple(said.split()) if kind == "needs" else ()
        line = text.count("\n", 0, match.start(3)) + 1
        found.append(Block(match[2], textwrap.dedent(match[3]), line, needs, said if kind == "not run" else ""))
    return tuple(found)


def of_language(language: str) -> list[tuple[pathlib.Path, Block]]:
    return [(page, block) for page in PAGES for block in blocks(page) if block.language == language]


# In the place of a page's headline: prints begin with the number of their line.
PRELUDE = 'import sys; _print = print; print = lambda *a, **k: _print(f"@{sys._getframe(1).f_lineno}", *a, **k)'


def program(page: pathlib.Path) -> str:
    """The Python of a page that can run here, each line where it stands in the page."""
    lines = [PRELUDE] + [""] * page.read_text().count("\n")
    for block in blocks(page):
        if block.language == "python" and not block.why_not and not block.missing:
            text = block.text.splitlines()
            lines[block.line - 1 : block.line - 1 + len(text)] = text
    return "\n".join(lines)


def promised(page: pathlib.Path, line: int) -> str:
    """What the comment after a print says that it prints, up to a colon or dots; "" when it begins with no digit or bracket."""
    comment = page.read_text().splitlines()[line - 1].rpartition("  # ")[2]
    return re.split(r": |\.\.\.", comment)[0] if comment[:1].isdigit() or comment.startswith("(") else ""


def prose(page: pathlib.Path) -> str:
    return FENCE.sub("", page.read_text())


def commands(page: pathlib.Path) -> list[str]:
    """Lines of its shell blocks, and the engine's commands in indented blocks, where words after three blanks explain."""
    fenced = [line for block in blocks(page) if block.language == "sh" for line in block.text.replace("\\\n", " ").splitlines()]
    indented = re.findall(r"^ {4,}((?:python -m )?engine \w+ .+?)(?: {3,}.*)?$", prose(page), re.MULTILINE)
    return [line for line in [*fenced, *indented] if line.partition("#")[0].strip()]


def anchors(page: pathlib.Path) -> set[str]:
    """Of its headings, as they are written in links."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: pathlib.Path) -> list[str]:
    return LINK.findall(prose(page))
