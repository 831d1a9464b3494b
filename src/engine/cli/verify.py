"""engine verify: is this the file that was meant, and does this version run it?"""

from __future__ import annotations

import argparse

from engine.cli.load import add_load_arguments, load

HELP = "check a model's digest, format and operators"
EXAMPLES = """\
  engine verify model.onnx                      prints the digest
  engine verify model.onnx --sha256 8f42203a...
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_load_arguments(parser)


def execute(arguments: argparse.Namespace) -> int:
    model = load(arguments, threads=1)
    print(f"{arguments.model}: {model.digest}" + (" as expected" if arguments.sha256 else ""))
    print(f"well formed; all {sum(model.operators.values())} operators are supported")
    return 0
