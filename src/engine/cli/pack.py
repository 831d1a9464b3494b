"""engine pack: a manifest of a model's files, signed if wanted."""

from __future__ import annotations

import argparse

from engine.packing import pack

HELP = "write model.json: a model's files with their sizes and digests, and a signature"
EXAMPLES = """\
  engine pack models/digits/3 --name digits --version 3                all files of the folder
  engine pack model.onnx --name digits --version 3 --file labels.txt   the model, its external data, labels.txt
  engine pack models/digits/3 --name digits --version 3 --sign key.pem

  A key pair:  openssl genpkey -algorithm ed25519 -out key.pem
               openssl pkey -in key.pem -pubout -out public.pem
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="FOLDER_OR_MODEL", help="a folder with one model, or an ONNX file")
    parser.add_argument("--name", required=True, help="the model's name")
    parser.add_argument("--version", required=True, help="its version; in a repository a number")
    parser.add_argument("--sign", metavar="KEY.pem", help="a private Ed25519 key; writes model.json.sig too")
    parser.add_argument("--file", metavar="FILE", action="append", default=[], help="a further file to list")


def execute(arguments: argparse.Namespace) -> int:
    manifest = pack(
        arguments.source,
        name=arguments.name,
        version=arguments.version,
        sign_with=arguments.sign,
        files=arguments.file,
    )
    for file in manifest.files:
        print(f"{file.sha256}  {file.size:>12,}  {file.path}")
    signed = f", signed by {manifest.signed_by}" if manifest.signed_by else ""
    print(f"{manifest.path}: {manifest.name} version {manifest.version}{signed}, {manifest.digest}")
    return 0
