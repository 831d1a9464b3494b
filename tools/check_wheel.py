"""Install the newest wheel of a folder into an empty environment with NumPy alone, run tests/smoke.py, tell size and import time.

python tools/check_wheel.py dist
"""

import pathlib
import subprocess
import sys
import tempfile
import venv
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LARGEST = 20 << 20
IMPORT_TIME = """
import time
import numpy
start = time.perf_counter()
import engine
print(f"{(time.perf_counter() - start) * 1e3:.1f}")
"""


def newest(folder: pathlib.Path) -> pathlib.Path:
    wheels = sorted(folder.glob("engine-*.whl"), key=lambda path: path.stat().st_mtime)
    if not wheels:
        raise SystemExit(f"no wheel in {folder}")
    return wheels[-1]


def check_contents(wheel: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    strangers = [name for name in names if not name.startswith(("engine/", "engine-"))]
    unwanted = [name for name in names if "_testing" in name or name.endswith((".pyx", ".cpp", ".h", ".txt", ".a"))]
    unwanted = [name for name in unwanted if ".dist-info/" not in name]
    if strangers or unwanted:
        raise SystemExit(f"{wheel.name} holds what it should not: {strangers + unwanted}")
    if wheel.stat().st_size > LARGEST:
        raise SystemExit(f"{wheel.name} has {wheel.stat().st_size} bytes; {LARGEST} are allowed")


def main() -> None:
    wheel = newest(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "dist"))
    check_contents(wheel)
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(pathlib.Path(folder) / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, str(wheel.resolve())], check=True)
        subprocess.run([python, str(ROOT / "tests" / "smoke.py")], check=True, cwd=folder)
        times = [subprocess.check_output([python, "-c", IMPORT_TIME], text=True, cwd=folder) for _ in range(5)]
    print(
        f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB, import takes {min(map(float, times)):.1f} ms beyond NumPy's"
    )


if __name__ == "__main__":
    main()
