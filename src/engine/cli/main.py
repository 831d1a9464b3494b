"""Reads the arguments, runs one subcommand, turns errors into exit codes: 0 done, 1 the job failed, 2 wrong usage."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import engine
from engine.cli import bench, inspect, map, pack, run, serve, verify
from engine.cli.feeds import UsageError

SUBCOMMANDS = (run, map, inspect, pack, verify, bench, serve)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="engine",
        description="Run, map over files, look into, pack, verify, measure and serve ONNX models on the CPU.",
        epilog="exit codes: 0 done, 1 the job failed, 2 wrong usage. `engine SUBCOMMAND --help` tells more.",
    )
    parser.add_argument("--version", action="version", version=f"engine {engine.__version__} ({engine.isa()})")
    subparsers = parser.add_subparsers(dest="subcommand", metavar="SUBCOMMAND", required=True)
    for module in SUBCOMMANDS:
        sub = subparsers.add_parser(
            module.__name__.rpartition(".")[2],
            help=module.HELP,
            description=module.HELP,
            epilog="examples:\n" + module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error")
        sub.set_defaults(execute=module.execute)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code; SystemExit only from argparse (usage and --help)."""
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.execute(arguments))
    except UsageError as error:
        return _report(error, arguments.debug, 2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (engine.EngineError, OSError, MemoryError, ValueError) as error:
        return _report(error, arguments.debug, 1)
    except KeyboardInterrupt:
        return 130


def _report(error: BaseException, debug: bool, code: int) -> int:
    if debug:
        raise error
    print(f"engine: {type(error).__name__}: {error}", file=sys.stderr)
    return code
