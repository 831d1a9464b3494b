"""Build a wheel from the newest source distribution of a folder without a network, and run the smoke test with it.

    python tools/check_sdist.py dist

The build requirements are those of the Python that runs this. Nothing can be fetched: pip has no index and no cache, and where the
system allows it (unshare -n) the build has no network at all.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

# Below the tree, so that the compiler's cache knows the files again.
UNPACKED = pathlib.Path(__file__).resolve().parent.parent / "build" / "sdist"
LARGEST = 5 << 20
WANTED = ("CMakeLists.txt", "LICENSE", "Makefile", "PKG-INFO", "csrc/api/engine.h", "pyproject.toml", "tests/smoke.py")
UNWANTED = (".ci/", "build/", "dist/")


def newest(folder: pathlib.Path) -> pathlib.Path:
    found = sorted(folder.glob("engine-*.tar.gz"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise SystemExit(f"no source distribution in {folder}")
    return found[-1]


def check_contents(sdist: pathlib.Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    missing = [name for name in WANTED if name not in names]
    strangers = sorted(name for name in names if name.startswith(UNWANTED) or name.endswith((".so", ".o", ".a")))
    if missing or strangers:
        raise SystemExit(f"{sdist.name}: {missing} are missing, {strangers} should not be there")
    if sdist.stat().st_size > LARGEST:
        raise SystemExit(f"{sdist.name} has {sdist.stat().st_size} bytes; {LARGEST} are allowed")


def without_network() -> list[str]:
    command = ["unshare", "-n"]
    if (
        shutil.which("unshare")
        and subprocess.run([*command, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    ):
        return command
    return []


def build(sources: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-cache-dir"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    path = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
    command = [*without_network(), *pip, "wheel", "--quiet", *offline, "--wheel-dir", str(folder), str(sources)]
    subprocess.run(command, check=True, env={**os.environ, "PATH": path})
    return next(folder.glob("engine-*.whl"))


def main() -> None:
    sdist = newest(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "dist"))
    check_contents(sdist)
    shutil.rmtree(UNPACKED, ignore_errors=True)
    shutil.unpack_archive(sdist, UNPACKED)
    sources = UNPACKED / sdist.name.removesuffix(".tar.gz")
    wheel = build(sources, UNPACKED)
    installed = UNPACKED / "installed"
    shutil.unpack_archive(wheel, installed, "zip")
    smoke = [sys.executable, str(sources / "tests" / "smoke.py")]
    subprocess.run(smoke, check=True, cwd=UNPACKED, env={**os.environ, "PYTHONPATH": str(installed)})
    how = "no network at all" if without_network() else "no index"
    print(f"{sdist.name}: {sdist.stat().st_size / 1e6:.2f} MB; builds with {how}, and the smoke test passes")


if __name__ == "__main__":
    main()
