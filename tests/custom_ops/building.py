"""Building libraries of operators with setuptools, as their authors do."""

import fcntl
import os
import pathlib
import subprocess
import sys

import engine

PROBE = pathlib.Path(__file__).resolve().parent / "probe.c"

# Library name -> macros of probe.c.
PROBES = {
    "probe": {},
    "same_names": {},
    "other_version": {"PROBE_SIZES": "7u, sizeof(EngineLibrary), sizeof(EngineOperator), sizeof(EngineApi)"},
    "newer_functions": {
        "PROBE_SIZES": "ENGINE_ABI_VERSION, sizeof(EngineLibrary), sizeof(EngineOperator), 2 * sizeof(EngineApi)"
    },
    "short_operators": {"PROBE_SIZES": "ENGINE_ABI_VERSION, sizeof(EngineLibrary), 8, sizeof(EngineApi)"},
    "no_entry": {"PROBE_ENTRY": "something_else"},
    "null_library": {"PROBE_ANSWER": "NULL"},
    "null_run": {"PROBE_DOMAIN": '"test.null"', "PROBE_RUN": "NULL"},
    "bad_versions": {"PROBE_DOMAIN": '"test.versions"', "PROBE_SINCE": "0"},
    "no_operators": {"PROBE_COUNT": "0"},
    "own_domain": {"PROBE_DOMAIN": '"engine"'},
}

SETUP = """
import engine
from setuptools import Extension, setup

setup(name="probes", py_modules=[], ext_modules=[
    Extension(name, [{source!r}], include_dirs=[engine.get_include()], define_macros=list(macros.items()))
    for name, macros in {probes!r}.items()
])
"""


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def environment(*folders):
    """With this build of the engine on the path, and `folders`."""
    own = pathlib.Path(engine.__file__).parent.parent
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [*folders, own]))}


def once(tmp_path_factory, name, build):
    """The folder that build(folder) fills, once for all processes of a test run."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if os.environ.get("PYTEST_XDIST_WORKER") else root
    folder = root / name
    with open(root / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            folder.mkdir(exist_ok=True)
            build(folder)
            (folder / "done").touch()
    return folder


def build_probes(folder):
    (folder / "setup.py").write_text(SETUP.format(source=PROBE.name, probes=PROBES))
    (folder / PROBE.name).write_text(PROBE.read_text())
    run(sys.executable, "setup.py", "--quiet", "build_ext", "--build-lib", "lib", cwd=folder)


def library(folder, name):
    (found,) = (folder / "lib").glob(f"{name}.*")
    return found
