"""A folder of csrc/ includes only itself and those before it in the order of layers; kernels see neither sched nor tensor."""

import pathlib
import re

import pytest

CSRC = pathlib.Path(__file__).resolve().parent.parent / "csrc"
BELOW = {
    "base": [],
    "tensor": ["base"],
    "sched": ["base", "tensor"],
    "kernels": ["base"],
    "graph": ["base", "tensor", "sched", "kernels"],
}
BELOW["ops"] = [*BELOW["graph"], "graph"]
BELOW["onnx"] = BELOW["passes"] = [*BELOW["ops"], "ops"]
BELOW["plan"] = [*BELOW["onnx"], "onnx", "passes"]
BELOW["service"] = [*BELOW["plan"], "plan"]
BELOW["api"] = [*BELOW["service"], "service"]
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def sources(folder):
    return [path for path in (CSRC / folder).rglob("*") if path.suffix in (".h", ".cpp", ".inc", ".inl")]


def test_every_folder_has_its_place():
    assert {path.name for path in CSRC.iterdir() if path.is_dir()} <= set(BELOW)


@pytest.mark.parametrize("folder", BELOW)
def test_includes(folder):
    allowed = {folder, *BELOW[folder]}
    bad = []
    for path in sources(folder):
        for target in INCLUDE.findall(path.read_text()):
            layer = target.partition("/")[0]
            named_from_csrc = "/" in target and layer in BELOW
            if not named_from_csrc and not (path.parent / target).exists() and not (CSRC / target).exists():
                bad.append(f"{path.relative_to(CSRC)} includes {target}, which is not there")
            elif named_from_csrc and layer not in allowed:
                bad.append(f"{path.relative_to(CSRC)} includes {target}")
    assert not bad, "\n".join(bad)


def test_files_stay_short():
    long = [f"{path.relative_to(CSRC)}: {n}" for path in CSRC.rglob("*.cpp") if (n := path.read_text().count("\n")) > 500]
    assert not long
