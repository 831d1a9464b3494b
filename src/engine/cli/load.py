"""The arguments that say which model to load and how; shared by the subcommands."""

from __future__ import annotations

import argparse

import engine


def add_load_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="an ONNX file, or a folder with a manifest (model.json)")
    parser.add_argument("--sha256", metavar="HEX", help="refuse the file, or the manifest, unless it has this digest")
    parser.add_argument(
        "--trusted-key", metavar="PUBLIC.pem", action="append", help="refuse manifests that no such key has signed"
    )
    parser.add_argument(
        "--external-data", metavar="DIR", action="append", default=[], help="a further folder for external data"
    )
    parser.add_argument("--memory-limit", metavar="BYTES", type=int, help="for weights and all that calls need")
    parser.add_argument(
        "--optimize", choices=("off", "cheap", "all"), default="all", help="level of the rewrites (default: all)"
    )
    parser.add_argument("--allow-random", action="store_true", help="accept operators that draw random numbers")
    add_operators_argument(parser)


def add_operators_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--operators", metavar="LIBRARY", action="append", default=[], help="a library of operators to register first"
    )


def register_operators(arguments: argparse.Namespace) -> None:
    for library in arguments.operators:
        engine.register(library)


def load(arguments: argparse.Namespace, threads: int | None = None, *, hash_files: bool = False) -> engine.Model:
    register_operators(arguments)
    return engine.load(
        arguments.model,
        sha256=arguments.sha256,
        trusted_keys=arguments.trusted_key,
        external_data=arguments.external_data,
        threads=threads,
        memory_limit=arguments.memory_limit,
        optimize=arguments.optimize,
        allow_random=arguments.allow_random,
        hash_files=hash_files,
    )
