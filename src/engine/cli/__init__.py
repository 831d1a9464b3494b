"""The command line: engine run | inspect | pack | verify | bench."""

from engine.cli.main import main

__all__ = ["main"]
