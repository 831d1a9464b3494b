"""Build engine._core and engine._testing into build/dev and make them importable in this environment.

    python tools/build.py [--without-tests]         the second: engine._core alone, what a user of the package needs

A warm build after one changed file takes seconds: ninja, and ccache where it is installed. The package is imported from
src/engine; the two modules lie beside it in build/dev/package/engine (a folder of links), which a .pth file puts on the path.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEST_TARGETS = [
    "_testing",
    "model_stress",
    "allocation_failures",
    "common_packs",
    *(["cache_stress"] if os.name == "posix" else []),
]


def configure(build: pathlib.Path) -> None:
    import pybind11

    command = [
        "cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja",
        f"-DCMAKE_BUILD_TYPE={os.environ.get('BUILD_TYPE', 'Release')}",
        "-DENGINE_TESTING=ON",
        f"-DPython_EXECUTABLE={sys.executable}",
        f"-Dpybind11_DIR={pybind11.get_cmake_dir()}",
        f"-DENGINE_SANITIZE={os.environ.get('SANITIZE', '')}",
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def link_package(build: pathlib.Path) -> pathlib.Path:
    package = build / "package" / "engine"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    for source in (ROOT / "src" / "engine").iterdir():
        if source.name not in ("__pycache__", "CMakeLists.txt", "_testing") and source.suffix != ".so":
            (package / source.name).symlink_to(source)
    (package / "include").symlink_to(build / "src" / "engine" / "include")
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    for module in ("_core", "_testing"):
        built = build / "src" / "engine" / f"{module}{suffix}"
        if built.exists():
            (package / built.name).symlink_to(built)
    return package.parent


def main() -> None:
    build = ROOT / "build" / os.environ.get("BUILD_NAME", "dev")
    configure(build)
    jobs = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count()))
    for_tests = [] if "--without-tests" in sys.argv[1:] else TEST_TARGETS
    subprocess.run(["ninja", "-C", str(build), "-j", jobs, "_core", *for_tests], check=True)
    path = link_package(build)
    site = pathlib.Path(sysconfig.get_path("purelib"))
    if pathlib.Path(sys.prefix).resolve() == ROOT / ".venv":
        (site / "engine-dev.pth").write_text(f"{path}\n")
    print(f"engine is built: PYTHONPATH={path}")


if __name__ == "__main__":
    main()
