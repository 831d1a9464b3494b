"""What every wheel must be: what is in it, how large, and that it works in an empty environment with NumPy alone.

python tools/check_wheel.py dist                the newest wheel: contents, auditwheel, smoke test, size and import time
python tools/check_wheel.py --contents dist     every wheel: contents and size, nothing is installed
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import venv
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LARGEST = 8 << 20
AIM_MB, AIM_MS = 5, 30
SOURCES = (".pyx", ".pxd", ".pxi", ".cpp", ".h", ".txt", ".a")
# What users build operators of their own with.
HEADERS = ("engine/include/", "engine/custom_op.")
BROUGHT_BY_VENV = {"pip", "setuptools"}
IMPORT_TIME = """
import time
import numpy
start = time.perf_counter()
import engine
print(f"{(time.perf_counter() - start) * 1e3:.1f}")
"""


def wheels(folder: pathlib.Path) -> list[pathlib.Path]:
    """The oldest first."""
    found = sorted(folder.glob("engine-*.whl"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise SystemExit(f"no wheel in {folder}")
    return found


def check_contents(wheel: pathlib.Path) -> None:
    """The package and its metadata: no sources, no test module, and no library that auditwheel or another tool put in."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    strangers = [name for name in names if not name.startswith("engine/") and ".dist-info/" not in name]
    inside = [name for name in names if name.startswith("engine/") and not name.startswith(HEADERS)]
    unwanted = [name for name in inside if "_testing" in name or name.endswith(SOURCES)]
    missing = {
        "engine/py.typed",
        "engine/_core.pyi",
        "engine/custom_op.pxd",
        "engine/include/engine/custom_op.h",
    } - set(names)
    if strangers or unwanted or missing:
        raise SystemExit(f"{wheel.name}: {strangers + unwanted} should not be there, {sorted(missing)} should")
    if wheel.stat().st_size > LARGEST:
        raise SystemExit(f"{wheel.name} has {wheel.stat().st_size} bytes; {LARGEST} are allowed")


def check_tag(wheel: pathlib.Path) -> str:
    """What auditwheel says of it: a wheel for Linux needs nothing but the system libraries of its tag."""
    if sys.platform != "linux":
        return "auditwheel is for Linux"
    if "-linux_" in wheel.name:
        raise SystemExit(f"{wheel.name} has no manylinux or musllinux tag: auditwheel repair")
    command = [sys.executable, "-m", "auditwheel", "show", str(wheel)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    told = " ".join(shown.stdout.split())
    tag = wheel.stem.rpartition("-")[2]
    if shown.returncode or not any(f'"{each}"' in told for each in tag.split(".")):
        raise SystemExit(f"{wheel.name}: {told} {shown.stderr}")
    return f"auditwheel: {tag}"


def check_installed(wheel: pathlib.Path) -> float:
    """Milliseconds that importing it takes when NumPy is there already."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(pathlib.Path(folder) / ("Scripts" if os.name == "nt" else "bin") / "python")

        def told(*arguments: str) -> str:
            return subprocess.check_output([python, *arguments], text=True, cwd=folder, env=clean)

        print(told("-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel.resolve())), end="")
        listed = told("-m", "pip", "list", "--format=freeze", "--disable-pip-version-check")
        packages = {line.partition("==")[0] for line in listed.split()} - BROUGHT_BY_VENV
        if {name.partition("@")[0].strip() for name in packages} != {"engine", "numpy"}:
            raise SystemExit(f"{wheel.name} brought {sorted(packages)}; NumPy alone is wanted")
        print(told(str(ROOT / "tests" / "smoke.py")), end="")
        return min(float(told("-c", IMPORT_TIME)) for _ in range(5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, nargs="?", default=pathlib.Path("dist"))
    parser.add_argument("--contents", action="store_true")
    arguments = parser.parse_args()
    if arguments.contents:
        for wheel in wheels(arguments.folder):
            check_contents(wheel)
            print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB")
        return
    wheel = wheels(arguments.folder)[-1]
    check_contents(wheel)
    tag = check_tag(wheel)
    milliseconds = check_installed(wheel)
    size = wheel.stat().st_size / 1e6
    print(f"{wheel.name}\n  {tag}; nothing but NumPy is installed with it; the smoke test passes")
    print(
        f"  {size:.2f} MB (aim: below {AIM_MB}); import takes {milliseconds:.1f} ms beyond NumPy's (aim: below {AIM_MS})"
    )


if __name__ == "__main__":
    main()
