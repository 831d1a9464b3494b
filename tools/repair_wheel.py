"""Bring a wheel into a folder of finished ones: on Linux under the lowest manylinux or musllinux tag that fits it.

python tools/repair_wheel.py build/wheel dist
"""

import pathlib
import shutil
import subprocess
import sys


def main() -> None:
    built, finished = map(pathlib.Path, sys.argv[1:])
    (wheel,) = built.glob("engine-*.whl")
    finished.mkdir(exist_ok=True)
    if sys.platform == "linux":
        subprocess.run([sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", finished, wheel], check=True)
    else:
        shutil.copy2(wheel, finished)


if __name__ == "__main__":
    main()
