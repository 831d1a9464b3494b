"""The models of a process over HTTP: Open Inference Protocol v2 (extra engine[serve]).

>>> import engine, engine.serve
>>> app = engine.serve.app({"digits": engine.load("digits.onnx")})    # doctest: +SKIP

`engine serve MODEL_OR_REPOSITORY --port 8000` is the same as a program. docs/server.md has both.
"""

from __future__ import annotations

from engine.serve.application import App, app
from engine.serve.library import Library
from engine.serve.options import Options

__all__ = ["App", "Library", "Options", "app"]
