"""engine serve: models over HTTP, in the Open Inference Protocol."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import engine
from engine.cli.feeds import UsageError
from engine.cli.load import add_operators_argument, register_operators

if TYPE_CHECKING:
    from engine.serve.library import Library

HELP = "serve a model or a repository over HTTP (Open Inference Protocol v2)"
EXAMPLES = """\
  engine serve model.onnx --port 8000
  engine serve repository/ --host 0.0.0.0 --workers 4 --timeout 0.5
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="MODEL_OR_REPOSITORY",
        help="an ONNX file, a folder with a manifest (model.json), or a folder of folders NAME/VERSION/model.onnx",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port; 0: any that is free (default: 8000)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    parser.add_argument("--name", help="the model's name (default: from the path)")
    parser.add_argument("--sha256", metavar="HEX", help="refuse the file, or the manifest, unless it has this digest")
    parser.add_argument(
        "--trusted-key", metavar="PUBLIC.pem", action="append", help="serve only what such a key has signed"
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="threads that one call may use (default: the CPUs by workers)"
    )
    add_operators_argument(parser)
    parser.add_argument("--max-concurrency", type=int, metavar="N", help="calls of a process that compute at once")
    parser.add_argument(
        "--max-queue", type=int, default=64, metavar="N", help="calls that wait beyond those (default: 64)"
    )
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="deadline of calls that say none")
    parser.add_argument("--max-timeout", type=float, metavar="SECONDS", help="no call gets more")
    parser.add_argument(
        "--max-body", type=int, default=64 << 20, metavar="BYTES", help="of a request (default: 64 MiB)"
    )
    parser.add_argument(
        "--overloaded-status", type=int, choices=(503, 429), default=503, help="for refused calls (default: 503)"
    )
    parser.add_argument(
        "--no-repository-control", action="store_true", help="models cannot be loaded and unloaded over HTTP"
    )
    parser.add_argument(
        "--drain-delay", type=float, default=5.0, metavar="SECONDS", help="from SIGTERM to closing (default: 5)"
    )
    parser.add_argument(
        "--drain-timeout", type=float, default=20.0, metavar="SECONDS", help="for calls in flight (default: 20)"
    )
    parser.add_argument(
        "--metrics-folder", metavar="DIR", help="where several workers count together (default: in /dev/shm)"
    )
    parser.add_argument(
        "--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"), help="default: INFO"
    )
    parser.add_argument("--log-format", default="json", choices=("json", "text"), help="default: json")


def execute(arguments: argparse.Namespace) -> int:
    try:
        from engine.serve import Options
        from engine.serve.leaving import Signals
        from engine.serve.listener import bind
        from engine.serve.server import serve
        from engine.serve.workers import Workers
    except ImportError as error:
        raise UsageError(f"engine serve wants the extra engine[serve]: {error}") from None
    if arguments.workers < 1:
        raise UsageError(f"--workers is {arguments.workers}; at least 1 is wanted")
    if arguments.workers > 1 and not hasattr(os, "fork"):
        raise UsageError("--workers needs a system that can fork")
    register_operators(arguments)
    signals = Signals()
    _configure_logging(arguments)
    folder = _metrics_folder(arguments)
    options = Options(
        max_body=arguments.max_body,
        overloaded_status=arguments.overloaded_status,
        repository_control=not arguments.no_repository_control,
        metrics_folder=folder,
        drain_delay=arguments.drain_delay,
        drain_timeout=arguments.drain_timeout,
    )
    try:
        opener = _opener(arguments, signals)
        if signals.received:
            return 0
        sock = bind(arguments.host, arguments.port)
        if arguments.workers == 1:
            return serve(opener, sock, options, signals)
        return Workers(arguments.workers, opener, sock, options, signals).run()
    finally:
        if folder is not None and arguments.metrics_folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def _configure_logging(arguments: argparse.Namespace) -> None:
    from engine.logs import AtMost, JsonFormatter

    handler = logging.StreamHandler(sys.stderr)
    if arguments.log_format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    handler.addFilter(AtMost(per_second=100))
    for name, level in (("engine", arguments.log_level), ("uvicorn", "WARNING")):
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).propagate = False


def _metrics_folder(arguments: argparse.Namespace) -> str | None:
    """None for one process without a folder of its own: nothing needs to be shared."""
    if arguments.metrics_folder is not None:
        return str(arguments.metrics_folder)
    if arguments.workers == 1:
        return None
    return tempfile.mkdtemp(prefix="engine-metrics-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)


def _opener(arguments: argparse.Namespace, signals: Any) -> Callable[[], Library]:
    """What each worker gets its models from. One file is loaded here when there are several: they share its memory."""
    from engine.manifest import read_manifest
    from engine.serve.library import Shelf
    from engine.source import leads_to_manifest

    options = _load_options(arguments)
    packed = leads_to_manifest(arguments.source)
    if _is_repository(arguments.source):
        return lambda: engine.watch(arguments.source, background=True, **options)
    name = arguments.name or (read_manifest(arguments.source).name if packed else None)

    def load(background: bool) -> engine.Model:
        return engine.load(arguments.source, name=name, sha256=arguments.sha256, background=background, **options)

    if arguments.workers == 1:
        if not os.path.exists(arguments.source):
            raise engine.FileNotFound(f"{arguments.source} is missing")
        model = load(background=True)
        return lambda: Shelf({model.name: model})
    model = load(background=True)
    while model.state == "LOADING" and not signals.received:
        model._wait_loaded(0.2)
    if not signals.received:
        model.wait_ready(0)
    return lambda: Shelf({model.name: model})


def _is_repository(source: str) -> bool:
    """A folder without a manifest of its own."""
    return os.path.isdir(source) and not os.path.exists(os.path.join(source, "model.json"))


def _load_options(arguments: argparse.Namespace) -> dict[str, Any]:
    share = max(1, engine.cpus() // arguments.workers)
    return {
        "threads": arguments.threads or (share if arguments.workers > 1 else None),
        "max_concurrency": arguments.max_concurrency or (share if arguments.workers > 1 else None),
        "max_queue": arguments.max_queue,
        "timeout": arguments.timeout,
        "max_timeout": arguments.max_timeout,
        "trusted_keys": arguments.trusted_key,
    }
