"""The neon kernels against the scalar ones: on an AArch64 machine, or through its cross compiler and an emulator."""

import platform
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KERNELS = ROOT / "csrc/kernels"
FAMILIES = ["elementwise", "convert", "reduce", "softmax", "norm", "recurrent", "transpose"]
NATIVE = platform.machine() in ("aarch64", "arm64")
COMPILER = shutil.which("c++" if NATIVE else "aarch64-linux-gnu-g++")
EMULATOR = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
FLAGS = ["-std=c++20", "-O2", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", f"-I{ROOT / 'csrc'}"]

pytestmark = [
    pytest.mark.skipif(not COMPILER, reason="no compiler for AArch64"),
    pytest.mark.skipif(not (NATIVE or EMULATOR), reason="no emulator of AArch64"),
]


def run(folder, sources):
    """Compiles sources, of which the kernels' are for the tier that they are named after, links them and runs the program."""

    def compile_one(source):
        target = folder / f"{source.parent.name}_{source.stem}.o"
        tier = [f"-DENGINE_TIER={source.stem}"] if source.stem in ("scalar", "neon") else []
        subprocess.run([COMPILER, *FLAGS, *tier, "-c", source, "-o", target], check=True)
        return target

    with ThreadPoolExecutor() as pool:
        objects = list(pool.map(compile_one, sources))
    program = folder / "compare"
    subprocess.run([COMPILER, *([] if NATIVE else ["-static"]), *objects, "-o", program], check=True)
    return subprocess.run([*([] if NATIVE else [EMULATOR]), program], capture_output=True, text=True, check=False)


def test_neon_kernels(tmp_path):
    tiers = [KERNELS / family / f"{tier}.cpp" for family in FAMILIES for tier in ("scalar", "neon")]
    done = run(tmp_path, [*tiers, ROOT / "tests/neon/compare.cpp"])
    assert done.returncode == 0, done.stdout


def test_panels_of_trees(tmp_path):
    parts = [KERNELS / "tree" / f"{name}.cpp" for name in ("neon", "forest", "pack", "pack_panel")]
    done = run(tmp_path, [*parts, ROOT / "csrc/base/status.cpp", ROOT / "tests/neon/trees.cpp"])
    assert done.returncode == 0, done.stdout
