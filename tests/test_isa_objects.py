"""Objects compiled for an instruction set share no code with the rest: the linker may keep any copy of a weak symbol, and
one that was compiled with an instruction set's flags is an illegal instruction on older CPUs."""

import pathlib
import shutil
import subprocess

import pytest

from engine import _testing

BUILD = pathlib.Path(_testing.__file__).resolve().parents[2]
KERNELS = pathlib.Path(__file__).resolve().parent.parent / "csrc" / "kernels"
BASELINE = {"scalar", "neon"}


def tier_objects():
    folders = BUILD.glob("CMakeFiles/engine_kernels_*.dir")
    return {folder.stem.removeprefix("engine_kernels_"): sorted(folder.rglob("*.o")) for folder in folders}


def weak_symbols(path):
    text = subprocess.run(["nm", "-C", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in text.splitlines() if line.strip()]
    return [row[2] for row in rows if len(row) == 3 and row[1] in "WVwvu"]


@pytest.mark.skipif(shutil.which("nm") is None, reason="needs nm")
@pytest.mark.parametrize("tier", [isa for isa in _testing.supported_isas() if isa not in BASELINE])
def test_weak_symbols_stay_in_the_tier(tier):
    if not list(KERNELS.glob(f"*/{tier}.cpp")):
        pytest.skip(f"no kernel family has a file for {tier}")
    objects = tier_objects().get(tier)
    assert objects, f"no objects of {tier} under {BUILD}"
    inside = f"engine::{tier}::"
    bad = [f"{path.parent.name}/{path.name}: {name}" for path in objects for name in weak_symbols(path) if inside not in name]
    assert not bad, "\n".join(bad)
