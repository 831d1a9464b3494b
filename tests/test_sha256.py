"""SHA-256: the standard's vectors, and every path against hashlib."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from engine import _testing

PATHS = _testing.sha256_paths()

VECTORS = [
    (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ),
    (
        b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
    ),
    (b"a" * 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
]


def test_the_portable_path_is_always_there():
    assert PATHS[0] == "portable"


@pytest.mark.parametrize("path", range(len(PATHS)), ids=PATHS)
@pytest.mark.parametrize(("data", "digest"), VECTORS, ids=["empty", "abc", "448 bits", "896 bits", "million a"])
def test_vectors(path, data, digest):
    assert _testing.sha256([data], path) == digest


@pytest.mark.parametrize("path", range(len(PATHS)), ids=PATHS)
def test_every_length_in_every_cut(path):
    data = np.random.default_rng(0).bytes(400)
    for size in range(300):
        assert _testing.sha256([data[:size]], path) == hashlib.sha256(data[:size]).hexdigest()
    for first in range(0, 140, 7):
        for second in range(first, 280, 31):
            parts = [data[:first], data[first:second], b"", data[second:]]
            assert _testing.sha256(parts, path) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("path", range(len(PATHS)), ids=PATHS)
def test_long_unaligned_input(path):
    data = np.random.default_rng(1).bytes(1 << 20)
    for offset in (0, 1, 3):
        assert _testing.sha256([data[offset:]], path) == hashlib.sha256(data[offset:]).hexdigest()


def test_digests_as_callers_write_them():
    plain = hashlib.sha256(b"x").hexdigest()
    for text in (plain, plain.upper(), "sha256:" + plain, "SHA256:" + plain.upper()):
        assert _testing.parse_sha256(text) == plain
    for text in ("", "sha256:", plain[:-1], plain + "0", "sha1:" + plain, plain[:-1] + "g", " " + plain):
        with pytest.raises(_testing.ReadError, match="DigestMismatch"):
            _testing.parse_sha256(text)
