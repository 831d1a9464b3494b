"""Hot swap, on the model in digits/: versions come and go while callers call; files that are no good stay out.

    python examples/reload.py

Four threads call all the time and compare each answer.
"""

import pathlib
import threading

import numpy as np

import engine

FOLDER = pathlib.Path(__file__).parent / "digits"
FILE = FOLDER / "digits.onnx"
TEST = np.load(FOLDER / "test_set.npz")
IMAGES = TEST["images"].astype(np.float32)


def is_good_enough(model: engine.Model) -> bool:
    """What a new version has to show before it answers anybody."""
    right = model(IMAGES).argmax(axis=1) == TEST["labels"]
    return bool(right.mean() > 0.98)


def with_a_hole(data: bytes) -> bytes:
    """A file that is well-formed and loads, but whose weights are partly zero."""
    start, end = len(data) // 4, len(data) * 3 // 4
    return data[:start] + bytes(end - start) + data[end:]


def main() -> None:
    model = engine.load(FILE)
    data = FILE.read_bytes()
    stop = threading.Event()
    answered: set[int] = set()

    def call() -> None:
        while not stop.is_set():
            scores = model(IMAGES[:8])
            assert (scores.argmax(axis=1) == TEST["labels"][:8]).all()
            answered.add(model.version)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()

    print(f"version {model.version} answers")
    number = model.reload(FILE, sha256=model.digest, checks=is_good_enough)
    print(f"reload: version {number} answers, {model.kept_versions} kept for rollback")

    bad: list[tuple[str, bytes, str | None]] = [
        ("a wrong digest", data, "00" * 32),
        ("half a file", data[: len(data) // 2], None),
        ("a hole in its weights", with_a_hole(data), None),
    ]
    for what, source, sha256 in bad:
        try:
            model.reload(source, sha256=sha256, checks=is_good_enough)
        except engine.EngineError as error:
            print(f"{what}: {type(error).__name__}; version {model.version} still answers, ready: {model.ready}")

    print(f"rollback: version {model.rollback()} answers")
    stop.set()
    for caller in callers:
        caller.join()
    stats = model.stats()
    print(f"{stats['outcomes']['ok']} calls answered, by versions {sorted(answered)}; events {stats['events']}")
    model.close()


if __name__ == "__main__":
    main()
