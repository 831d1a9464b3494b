"""What the documentation shows is true: samples run, commands parse, links lead somewhere, names are there."""

import configparser
import contextlib
import io
import json
import re
import shlex
import subprocess
import sys
import urllib.parse

import engine
import pages
import pytest
from engine.cli.main import SUBCOMMANDS, build_parser
from pages import DOCS, PAGES, ROOT, name_of

# Blocks that are marked as not run, by page. Each has its reason in the page. None is to be added.
NOT_RUN = {"docs/custom-operators.md": 2, "docs/distributed.md": 3, "docs/server.md": 1}
OTHER_COMMANDS = {"curl", "openssl"}
WITH_SAMPLES = sorted({page for page, _ in pages.of_language("python")})


@pytest.mark.parametrize("page", WITH_SAMPLES, ids=name_of)
def test_the_samples_of_a_page_run(page, tmp_path):
    """In order, as one program; figures in comments after a print are what it prints."""
    file = tmp_path / f"{page.stem}.py"
    file.write_text(pages.program(page))
    done = subprocess.run([sys.executable, str(file)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for line, printed in re.findall(r"^@(\d+) (.*)$", done.stdout, re.MULTILINE):
        assert printed.startswith(pages.promised(page, int(line))), f"{name_of(page)}:{line}: {printed}"
    skipped = {str(block.line): block.missing for block in pages.blocks(page) if block.missing}
    if skipped:
        pytest.skip(f"{name_of(page)}: not run for want of a package: {skipped}; the rest passed")


def test_no_more_samples_are_left_out():
    left_out = [name_of(page) for page, block in pages.of_language("python") if block.why_not]
    assert {name: left_out.count(name) for name in left_out} == NOT_RUN


def parses(arguments):
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
            build_parser().parse_args(arguments)
    except SystemExit as end:
        return end.code == 0 or told.getvalue()
    return True


def check_command(words):
    if words[0] == "engine":
        assert parses(words[1:]) is True, parses(words[1:])
    elif words[:3] == ["python", "-m", "engine"]:
        assert parses(words[3:]) is True, parses(words[3:])
    elif words[:3] == ["python", "-m", "engine.compat.onnxruntime"]:
        assert len(words) > 3
    elif words[0] == "python":
        assert (ROOT / words[1]).exists(), words
    elif words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(words[1:]) - {word for word in words if "=" in word} <= set(targets), words
    elif words[:2] == ["pip", "install"]:
        for extra in re.findall(r"engine\[(\w+)\]", " ".join(words)):
            assert re.search(rf"^{extra} = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE), extra
    else:
        assert words[0] in OTHER_COMMANDS, words


@pytest.mark.parametrize("page", [page for page in PAGES if pages.commands(page)], ids=name_of)
def test_commands_parse(page):
    for command in pages.commands(page):
        check_command(shlex.split(command, comments=True))


@pytest.mark.parametrize("module", SUBCOMMANDS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_examples_of_the_command_line_parse(module):
    commands = re.findall(r"^ +engine (.+?)(?: {2,}.*)?$", module.EXAMPLES, re.MULTILINE)
    assert commands
    for command in commands:
        assert parses(shlex.split(command)) is True, command


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links(page):
    """Those within the tree, with their headings, lead somewhere; of others only the form is looked at."""
    for link in pages.links(page):
        parts = urllib.parse.urlsplit(link)
        if parts.scheme:
            assert parts.scheme in ("https", "http"), link
            assert re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.netloc), link
            continue
        target = (page.parent / parts.path).resolve() if parts.path else page
        assert target.exists(), link
        if parts.fragment:
            assert parts.fragment in pages.anchors(target), link


def test_settings_are_well_formed():
    for _, block in pages.of_language("json"):
        json.loads(block.text)
    for _, block in pages.of_language("ini"):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str
        unit.read_string(block.text)
        command = shlex.split(unit["Service"]["ExecStart"])
        assert parses(command[1:]) is True, parses(command[1:])


def test_manifests_are_well_formed():
    yaml = pytest.importorskip("yaml")
    deployments = []
    for _, block in pages.of_language("yaml"):
        deployments += [said for said in yaml.safe_load_all(block.text) if said.get("kind") == "Deployment"]
    (deployment,) = deployments
    spec = deployment["spec"]["template"]["spec"]
    arguments = spec["containers"][0]["command"][1:]
    assert parses(arguments) is True, parses(arguments)
    told = build_parser().parse_args(arguments)
    assert spec["terminationGracePeriodSeconds"] >= told.drain_delay + told.drain_timeout + 3


def test_every_alert_is_explained():
    alerts = re.findall(r"^ +- alert: (\w+)$", (DOCS / "prometheus-alerts.yaml").read_text(), re.MULTILINE)
    assert alerts
    assert re.findall(r"^\| `(Engine\w+)` \|", (DOCS / "operations.md").read_text(), re.MULTILINE) == alerts


def test_the_version_has_one_place():
    done = subprocess.run(
        [sys.executable, "tools/check_version.py"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout.strip()) == (0, engine.__version__), done.stderr
    done = subprocess.run(
        [sys.executable, "tools/check_version.py", "v0.0.0"], cwd=ROOT, capture_output=True, timeout=60
    )
    assert done.returncode == 1
