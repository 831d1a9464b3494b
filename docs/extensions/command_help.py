"""A directive for the command line: what `engine SUBCOMMAND --help` prints, from the parser itself.

```{command-help} run
```
"""

import os
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

from engine.cli.main import build_parser

WIDTH = "110"


def help_of(subcommand: str | None) -> str:
    os.environ["COLUMNS"] = WIDTH
    os.environ["NO_COLOR"] = "1"
    parser = build_parser()
    if subcommand is None:
        return parser.format_help()
    (choices,) = (action.choices for action in parser._subparsers._group_actions)
    return choices[subcommand].format_help()


class CommandHelp(Directive):
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        text = help_of(self.arguments[0] if self.arguments else None)
        block = nodes.literal_block(text, text)
        block["language"] = "none"
        return [block]


def setup(app: Any) -> dict[str, bool]:
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
