"""The neon kernels against the scalar ones: on an AArch64 machine, or through its cross compiler and an emulator."""

import platform
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FAMILIES = ["elementwise", "convert", "reduce", "softmax", "norm", "recurrent", "transpose"]
NATIVE = platform.machine() in ("aarch64", "arm64")
COMPILER = shutil.which("c++" if NATIVE else "aarch64-linux-gnu-g++")
EMULATOR = shutil.which("qemu-aarch64-static")
FLAGS = ["-std=c++20", "-O2", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", f"-I{ROOT / 'csrc'}"]


@pytest.mark.skipif(not COMPILER, reason="no compiler for AArch64")
@pytest.mark.skipif(not (NATIVE or EMULATOR), reason="no emulator of AArch64")
def test_neon_kernels(tmp_path):
    def compile_one(source, *flags):
        target = tmp_path / f"{source.parent.name}_{source.stem}.o"
        subprocess.run([COMPILER, *FLAGS, *flags, "-c", source, "-o", target], check=True)
        return target

    tiers = [(family, tier) for family in FAMILIES for tier in ("scalar", "neon")]
    with ThreadPoolExecutor() as pool:
        objects = list(
            pool.map(
                lambda ft: compile_one(ROOT / "csrc/kernels" / ft[0] / f"{ft[1]}.cpp", f"-DENGINE_TIER={ft[1]}"), tiers
            )
        )
    program = tmp_path / "compare"
    link = [] if NATIVE else ["-static"]
    objects.append(compile_one(ROOT / "tests/neon/compare.cpp"))
    subprocess.run([COMPILER, *link, *objects, "-o", program], check=True)
    run = subprocess.run([*([] if NATIVE else [EMULATOR]), program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
