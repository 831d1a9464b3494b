"""custom_op.h stands alone, in C99 and in C++; custom_op.pxd says the same."""

import pathlib
import re
import shutil
import subprocess

import engine
import pytest

HEADER = pathlib.Path(engine.get_include()) / "engine" / "custom_op.h"
STRICT = ["-Wall", "-Wextra", "-pedantic", "-Wshadow", "-Werror", "-fsyntax-only"]
CASES = [("cc", "c", "c99"), ("cc", "c", "c11"), ("c++", "c++", "c++11"), ("c++", "c++", "c++20")]


@pytest.mark.parametrize(("compiler", "language", "standard"), CASES)
def test_compiles_alone(compiler, language, standard, tmp_path):
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}")
    source = tmp_path / "alone"
    source.write_text('#include "engine/custom_op.h"\n#include "engine/custom_op.h"\n')
    command = [compiler, f"-std={standard}", *STRICT, f"-I{engine.get_include()}", "-x", language, str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def names(pattern, text):
    return set(re.findall(pattern, text))


def test_declarations_for_cython():
    header = HEADER.read_text()
    pxd = (pathlib.Path(engine.__file__).parent / "custom_op.pxd").read_text()
    values = r"\b(ENGINE_[A-Z0-9_]+)\b"
    in_header = names(values, header) - {"ENGINE_CUSTOM_OP_H", "ENGINE_EXPORT", "ENGINE_LIBRARY_SIZES"}
    assert names(values, pxd) == in_header
    assert names(r"\b(engine_\w+)\(", pxd) == names(r"static inline [^(]*?\b(engine_\w+)\(", header)
    for struct in ("EngineTensor", "EngineRun", "EngineOperator", "EngineLibrary"):
        assert fields(header, rf"struct {struct} \{{(.*?)\}} {struct};") == fields(
            pxd, rf"ctypedef struct {struct}:\n(.*?)\n\n"
        )


def fields(text, pattern):
    body = re.sub(r"/\*.*?\*/", "", re.search(pattern, text, re.DOTALL).group(1), flags=re.DOTALL)
    found = []
    for line in re.split(r";|\n(?! *\()", body):
        pointer = re.search(r"\(\*(\w+)\)", line)
        declared = [pointer.group(1)] if pointer else re.findall(r"\*?(\w+)\s*(?=,|$)", line.strip())
        found += declared
    return found
