"""engine verify: is this the file that was meant, and does this version run it?"""

from __future__ import annotations

import argparse

from engine.cli.load import add_load_arguments, load

HELP = "check a model's digest or manifest, signature, format and operators"
EXAMPLES = """\
  engine verify model.onnx                      prints the digest
  engine verify model.onnx --sha256 8f42203a...
  engine verify models/digits/3                 by its model.json: every file that is listed there
  engine verify models/digits/3 --trusted-key public.pem
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_load_arguments(parser)


def execute(arguments: argparse.Namespace) -> int:
    model = load(arguments, threads=1)
    manifest = model.manifest
    if manifest is not None:
        folder, slash, _ = manifest.model.rpartition("/")
        manifest.check_files({manifest.model, *(folder + slash + place for place in model.external_files)})
        signed = f", signed by {manifest.signed_by}" if manifest.signed_by else ""
        print(f"{manifest.path}: {manifest.name} version {manifest.version}, {manifest.digest}{signed}")
        print(f"all {len(manifest.files)} files are as listed")
    print(f"{arguments.model}: {model.digest}" + (" as expected" if arguments.sha256 and manifest is None else ""))
    print(f"well formed; all {sum(model.operators.values())} operators are supported")
    return 0
