"""A directive for the command line: what `engine --help` prints and, a section each, `engine SUBCOMMAND --help`, from the parser itself.

```{command-help}
```
"""

import os
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

from engine.cli.main import SUBCOMMANDS, build_parser

WIDTH = "110"


def block(text: str) -> nodes.literal_block:
    made = nodes.literal_block(text, text)
    made["language"] = "none"
    return made


def section(name: str, text: str) -> nodes.section:
    made = nodes.section(ids=[f"engine-{name}"], names=[f"engine {name}"])
    made += nodes.title(name, name)
    made += block(text)
    return made


class CommandHelp(Directive):
    def run(self) -> list[nodes.Node]:
        os.environ["COLUMNS"] = WIDTH
        os.environ["NO_COLOR"] = "1"
        parser = build_parser()
        (choices,) = (action.choices for action in parser._subparsers._group_actions)
        names = [module.__name__.rpartition(".")[2] for module in SUBCOMMANDS]
        return [block(parser.format_help()), *(section(name, choices[name].format_help()) for name in names)]


def setup(app: Any) -> dict[str, bool]:
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
