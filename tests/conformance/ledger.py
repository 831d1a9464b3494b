"""expected_pass.txt: the names of the tests that pass, sorted, one a line. It only grows."""

import pathlib

PATH = pathlib.Path(__file__).parent / "expected_pass.txt"


def read():
    return PATH.read_text().split()


def write(names):
    PATH.write_text("".join(f"{name}\n" for name in sorted(names)))
