"""engine map on the command line: what it prints, its exit codes, its bar."""

import os
import pathlib
import sys

import numpy as np
import pytest
from engine.cli import main
from jobs import MODEL, rows, saved


@pytest.fixture
def images(tmp_path):
    return saved(tmp_path, "x.npy", rows(100))


def test_summary(capsys, images, tmp_path):
    command = ["map", MODEL, images, "--out", str(tmp_path / "out"), "--workers", "2", "--batch", "8"]
    assert main(command) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.startswith(f"{tmp_path}/out: 100 rows, 0 failed, ")
    assert np.load(tmp_path / "out" / "scores.npy").shape == (100, 10)
    assert main(command) == 0
    assert "100 rows, 100 of them before, 0 failed" in capsys.readouterr().out


def test_failures_are_told_by_the_exit_code(capsys, images, tmp_path):
    command = ["map", MODEL, f"image={images}", "--out", str(tmp_path / "out"), "--timeout", "0"]
    for _ in range(2):
        assert main(command) == 1
        assert "100 failed" in capsys.readouterr().out
    assert (tmp_path / "out" / "errors.jsonl").read_text().count("DeadlineExceeded") == 100


def test_usage(capsys, images, tmp_path):
    out = ["--out", str(tmp_path / "out")]
    for more, code, said in [
        (["--workers", "0"], 2, "at least 1"),
        (["--constant", "image"], 2, "NAME=VALUE"),
        (["--constant", "y=x.npy"], 2, "no input 'y'"),
        (["--output", "y"], 1, "no output 'y'"),
    ]:
        assert main(["map", MODEL, images, *out, *more]) == code
        assert said in capsys.readouterr().err
    assert main(["map", MODEL, "none.npy", *out]) == 1
    assert "FileNotFound" in capsys.readouterr().err
    assert main(["map", MODEL, images, *out]) == 0
    assert main(["map", MODEL, images, *out, "--batch", "5"]) == 1
    assert "holds another job: batch was 32, is 5" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["map", "--help"])
    assert "goes on where it was" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="wants a terminal")
def test_the_bar(images, tmp_path):
    import subprocess

    from subprocesses import PACKAGES

    ours, theirs = os.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "engine", "map", MODEL, images, "--out", str(tmp_path / "out"), "--chunk", "20"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(PACKAGES)}, stderr=theirs, stdout=subprocess.PIPE, timeout=60, check=False,
    )  # fmt: skip
    os.close(theirs)
    said = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert done.returncode == 0, said
    assert "map [" in said
    assert "100/100" in said
    assert "a second" in said
    assert pathlib.Path(tmp_path / "out" / "scores.npy").exists()
