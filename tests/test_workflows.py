"""The workflows call what is there, ask for no secrets, and build wheels for what the metadata promises."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_what_they_call_is_there(workflow):
    text = workflow.read_text()
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for matrix in re.findall(r"sanitizer: \[(.*)\]", text):
        assert set(matrix.split(", ")) <= set(targets)
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= set(targets)
    for path in re.findall(r"(?:tools|tests|\.ci)/[\w./-]*\w", text):
        assert (ROOT / path).exists(), path
    assert "secrets." not in text


def test_they_are_well_formed():
    yaml = pytest.importorskip("yaml")
    for workflow in WORKFLOWS:
        said = yaml.safe_load(workflow.read_text())
        assert said["permissions"] == {"contents": "read"}
        for job in said["jobs"].values():
            assert set(job.get("needs", [])) <= set(said["jobs"])


def test_nothing_is_published_before_everything_has_passed():
    yaml = pytest.importorskip("yaml")
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "wheels.yml").read_text())["jobs"]
    assert set(jobs["publish"]["needs"]) == set(jobs) - {"publish"}
    assert jobs["publish"]["permissions"] == {"id-token": "write"}


def test_each_python_that_is_promised_has_a_wheel():
    text = (ROOT / "pyproject.toml").read_text()
    promised = re.findall(r"Python :: 3\.(\d+)", text)
    assert promised
    assert re.search(r'^build = "(.*)"$', text, re.MULTILINE)[1].split() == [f"cp3{minor}-*" for minor in promised]
    assert f'requires-python = ">=3.{promised[0]}"' in text
