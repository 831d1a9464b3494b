"""A job's folder: what tells it from another job, what of it is done, and how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Sequence
from typing import Any

from engine.errors import InvalidInput
from engine.mapping.durable import UNFINISHED, replacing, sync_folder, write_json
from engine.mapping.source import Source, lines_of
from engine.rows import BatchCaller

FORMAT = "engine.map.v1"
RECORD = "job.json"
FAILURES = "errors.jsonl"


class Job:
    """The folder `out` of one job, new or taken up again. InvalidInput when it is another's.

    chunk: items in a chunk, which is computed by one process and is done or is not; None: as the job began, or `usual`.
    """

    def __init__(self, out: str, source: Source, caller: BatchCaller, chunk: int | None, usual: int) -> None:
        self.out = os.path.abspath(out)
        self._source = source
        self._path = os.path.join(self.out, RECORD)
        os.makedirs(self.out, exist_ok=True)
        told = identity(source, caller)
        self.record = _read(self._path)
        self.resumed = self.record is not None
        if self.record is None:
            _refuse_strangers(self.out)
            self.record = {"format": FORMAT, **told, "chunk": chunk or usual, "work": f".work-{secrets.token_hex(6)}"}
            write_json(self._path, self.record)
        _compare(self.out, self.record, told if chunk is None else {**told, "chunk": chunk})
        self.chunk: int = self.record["chunk"]
        self.work = os.path.join(self.out, self.record["work"])
        if not self.finished:
            os.makedirs(self.work, exist_ok=True)
            sync_folder(self.out)

    @property
    def finished(self) -> bool:
        return bool(self.record and self.record.get("finished"))

    @property
    def failed(self) -> int:
        """Of a finished job."""
        return int(self.record["failed"]) if self.record else 0

    @property
    def chunks(self) -> range:
        return range(-(-self._source.total // self.chunk))

    def bounds(self, number: int) -> tuple[int, int]:
        return number * self.chunk, min(self._source.total, (number + 1) * self.chunk)

    def path(self, number: int) -> str:
        return os.path.join(self.work, f"{number:09d}{self._source.suffix}")

    def missing(self) -> list[int]:
        """Numbers of the chunks that are not done."""
        done = set(os.listdir(self.work))
        return [number for number in self.chunks if os.path.basename(self.path(number)) not in done]

    def finish(self) -> None:
        """Puts the results together. A process that ends here is followed by one that does it again."""
        failures = self._source.assemble([self.path(number) for number in self.chunks], self.out)
        if failures:
            with replacing(os.path.join(self.out, FAILURES)) as file:
                file.write(lines_of(failures))
        self.record = {**(self.record or {}), "finished": True, "failed": len(failures)}
        write_json(self._path, self.record)

    def tidy(self) -> None:
        """Removes what a finished job no longer needs, and what killed processes left half-written."""
        shutil.rmtree(self.work, ignore_errors=True)
        for name in os.listdir(self.out):
            if name.endswith(UNFINISHED):
                os.unlink(os.path.join(self.out, name))


def identity(source: Source, caller: BatchCaller) -> dict[str, Any]:
    """What must be the same when a job goes on: the model, the inputs, and what decides the answers."""
    model = caller.model
    external = sorted((place, size, sha256) for place, (_, size, sha256) in model.external_files.items())
    listing = hashlib.sha256()
    size = 0
    for path in source.files:
        found = os.stat(path)
        size += found.st_size
        listing.update(f"{os.path.abspath(path)}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return {
        "model": model.digest,
        "external_data": hashlib.sha256(repr(external).encode()).hexdigest() if external else None,
        "optimize": model._options["optimize"],
        "outputs": caller.outputs,
        "constants": _constants(caller),
        "batch": caller.size,
        "inputs": {"kind": source.kind, "count": source.total, "files": len(source.files), "bytes": size},
        "input_files": "sha256:" + listing.hexdigest(),
    }


def _constants(caller: BatchCaller) -> str | None:
    if not caller.constants:
        return None
    digest = hashlib.sha256()
    for name, value in sorted(caller.constants.items()):
        digest.update(f"{name}\0{value.dtype}\0{value.shape}\0".encode() + value.tobytes())
    return digest.hexdigest()


def _read(path: str) -> dict[str, Any] | None:
    try:
        with open(path, "rb") as file:
            record = json.load(file)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InvalidInput(f"{path} is damaged: {error}") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InvalidInput(f"{path} is not the record of a job that this version can go on with")
    return record


def _refuse_strangers(out: str) -> None:
    strangers: Sequence[str] = sorted(name for name in os.listdir(out) if not name.endswith(UNFINISHED))
    if strangers:
        raise InvalidInput(f"{out} has no {RECORD} and is not empty ({strangers[0]}): name a folder of its own")


def _compare(out: str, record: dict[str, Any], told: dict[str, Any]) -> None:
    others = [f"{key} was {record.get(key)}, is {value}" for key, value in told.items() if record.get(key) != value]
    if others:
        what = "; ".join(others)
        raise InvalidInput(f"{out} holds another job: {what}. Name another folder, or remove this one to begin again")
