"""The onnx package's backend tests: those listed pass, the others are refused with a typed error and never answered wrongly."""

import json
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).parent / "conformance"
LISTED = (FOLDER / "expected_pass.txt").read_text().split()
NOISE = [line for line in (FOLDER / "reference_noise.txt").read_text().splitlines() if not line.startswith("#")]


def run_suite():
    """Verdict and detail of each test, by name."""
    done = subprocess.run([sys.executable, str(FOLDER / "suite.py")], capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr
    return {name: (verdict, detail) for name, verdict, detail in map(json.loads, done.stdout.splitlines())}


def test_the_list_is_sorted():
    assert sorted(set(LISTED)) == LISTED


def test_conformance():
    verdicts = run_suite()
    failing = {name: verdicts.get(name, "no such test") for name in LISTED if verdicts.get(name, ("", ""))[0] != "pass"}
    assert not failing
    bad = {name: v for name, v in verdicts.items() if v[0] not in ("pass", "refused") and name not in NOISE}
    assert not bad
    unlisted = sorted(name for name, (verdict, _) in verdicts.items() if verdict == "pass" and name not in LISTED)
    assert not unlisted, "these pass and are not listed: run python tools/update_conformance.py"
