"""The command line: engine run | map | inspect | pack | verify | bench | serve."""

from engine.cli.main import main

__all__ = ["main"]
