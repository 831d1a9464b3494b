"""The command line: what each subcommand prints, its exit codes, and that errors come without a traceback."""

import json
import pathlib
import subprocess
import sys

import engine
import numpy as np
import pytest
from engine.cli import main

DIGITS = pathlib.Path(__file__).resolve().parents[2] / "examples" / "digits"
MODEL = str(DIGITS / "digits.onnx")


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.npy"
    np.save(path, np.load(DIGITS / "sample.npy")[np.newaxis])
    return str(path)


def refused(capsys, code, *arguments):
    """The text on standard error; the exit code must be `code` and nothing may be on standard output."""
    assert main(list(arguments)) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert captured.err.startswith("engine: ")
    return captured.err


def test_run_prints(capsys, image):
    assert main(["run", MODEL, "--input", f"image={image}"]) == 0
    out = capsys.readouterr().out
    assert "scores: float32 [1, 10]" in out
    assert "computed in" in out


def test_run_writes_what_the_model_answers(capsys, image, tmp_path):
    out = tmp_path / "out.npz"
    assert main(["run", MODEL, "--input", f"image={image}", "--output", str(out)]) == 0
    with np.load(out) as archive:
        np.testing.assert_array_equal(archive["scores"], engine.load(MODEL)(np.load(image)))


def test_run_takes_an_archive(capsys, image, tmp_path):
    archive = tmp_path / "inputs.npz"
    np.savez(archive, image=np.load(image), other=np.zeros(3))
    assert main(["run", MODEL, "--input", str(archive)]) == 0


def test_run_draws_inputs(capsys):
    assert main(["run", MODEL, "--random"]) == 0
    assert "[1, 10]" in capsys.readouterr().out
    assert main(["run", MODEL, "--shape", "image=3,8,8"]) == 0
    assert "[3, 10]" in capsys.readouterr().out


def test_usage_errors(capsys, image):
    assert "'image' is missing" in refused(capsys, 2, "run", MODEL)
    assert "no input 'y'" in refused(capsys, 2, "run", MODEL, "--input", f"y={image}")
    assert "no input 'y'" in refused(capsys, 2, "run", MODEL, "--shape", "y=1")
    assert "NAME=" in refused(capsys, 2, "run", MODEL, "--input", image)
    assert "NAME=" in refused(capsys, 2, "run", MODEL, "--shape", "image=1,a")
    assert "both" in refused(capsys, 2, "run", MODEL, "--input", f"image={image}", "--shape", "image=1,8,8")
    assert "at least 1" in refused(capsys, 2, "bench", MODEL, "--threads", "0")
    assert "at least 1" in refused(capsys, 2, "inspect", MODEL, "--runs", "0")


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["run", MODEL, "--optimize", "much"]])
def test_argparse_errors(capsys, arguments):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert "usage: engine" in capsys.readouterr().err


def test_failures_of_the_job(capsys, tmp_path):
    assert "FileNotFound" in refused(capsys, 1, "verify", str(tmp_path / "none.onnx"))
    assert "DigestMismatch" in refused(capsys, 1, "verify", MODEL, "--sha256", "0" * 64)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\xff" * 40)
    assert "InvalidModel" in refused(capsys, 1, "inspect", str(broken))
    assert "MemoryLimitExceeded" in refused(capsys, 1, "verify", MODEL, "--memory-limit", "1000")
    assert "InvalidInput" in refused(capsys, 1, "run", MODEL, "--shape", "image=1,7,8")
    assert "DeadlineExceeded" in refused(capsys, 1, "run", MODEL, "--random", "--timeout", "0")
    assert "No such file" in refused(capsys, 1, "run", MODEL, "--input", "image=/none.npy")


def test_debug_shows_the_error(tmp_path):
    with pytest.raises(engine.FileNotFound):
        main(["verify", str(tmp_path / "none.onnx"), "--debug"])


def test_verify(capsys):
    digest = engine.load(MODEL).digest
    assert main(["verify", MODEL, "--sha256", digest]) == 0
    out = capsys.readouterr().out
    assert digest in out
    assert "as expected" in out


def test_inspect(capsys):
    assert main(["inspect", MODEL]) == 0
    out = capsys.readouterr().out
    for text in ("sha256:", "image: float32 [n, 8, 8]", "scores: float32 [n, 10]", "2 Conv", "ai.onnx 17", engine.isa()):
        assert text in out
    assert "plan" not in out.replace("plan 0", "").split("loaded in")[0]


def test_inspect_profile(capsys):
    assert main(["inspect", MODEL, "--profile", "--shape", "image=2,8,8", "--runs", "2"]) == 0
    out = capsys.readouterr().out
    steps = engine.load(MODEL).plan({"image": np.zeros((2, 8, 8), np.float32)})["steps"]
    shares = [float(line.split("us")[1].split("%")[0]) for line in out.splitlines() if " us " in line and "%" in line]
    assert len(shares) > steps
    assert sum(shares[:steps]) == pytest.approx(100, abs=2)
    assert shares[:steps] == sorted(shares[:steps], reverse=True)


def test_bench_json(capsys):
    assert main(["bench", MODEL, "--threads", "1", "--concurrency", "1", "2", "--seconds", "0.1", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    report = json.loads(captured.out)
    assert [row["concurrency"] for row in report["results"]] == [1, 2]
    for row in report["results"]:
        measured = row["engine"]
        assert measured["calls"] >= 10
        assert 0 < measured["min_us"] <= measured["p50_us"] <= measured["p90_us"] <= measured["p99_us"]


def test_bench_table(capsys):
    assert main(["bench", MODEL, "--threads", "1", "--seconds", "0.05"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["threads", "callers", "runtime"]
    assert row.split()[:3] == ["1", "1", "engine"]


def test_as_a_module():
    command = [sys.executable, "-m", "engine"]
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.split()[:2]) == (0, ["engine", engine.__version__])
    done = subprocess.run([*command, "verify", "none.onnx"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
