"""python -m engine.compat.onnxruntime PROGRAM ARGS: runs a program whose ``import onnxruntime`` is the engine."""

from __future__ import annotations

import io
import os
import runpy
import sys
import zipfile
from types import ModuleType

from engine.compat.onnxruntime.alias import serve

USAGE = """usage: python -m engine.compat.onnxruntime PROGRAM [ARGS ...]
       python -m engine.compat.onnxruntime -m MODULE [ARGS ...]

Runs a Python program as it is; where it imports onnxruntime it gets the engine. docs/onnxruntime.md tells the differences."""


def run_program(path: str) -> None:
    """As ``python path`` does: it becomes __main__."""
    if os.path.isdir(path) or zipfile.is_zipfile(path):
        runpy.run_path(path, run_name="__main__")
        return
    try:
        with io.open_code(os.path.abspath(path)) as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
    except OSError as error:
        raise SystemExit(f"can't open file {path!r}: {error}") from None
    program = ModuleType("__main__")
    program.__file__ = path
    program.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = program
    exec(code, program.__dict__)  # noqa: S102 - the program


def main(arguments: list[str]) -> None:
    if not arguments or arguments[0] in ("-h", "--help") or arguments == ["-m"]:
        print(USAGE)
        raise SystemExit(0 if arguments and arguments[0] != "-m" else 2)
    is_module = arguments[0] == "-m"
    sys.argv = arguments[1:] if is_module else arguments
    if not is_module and not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(os.path.realpath(sys.argv[0]))
    serve()
    if is_module:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        run_program(sys.argv[0])


if __name__ == "__main__":
    main(sys.argv[1:])
