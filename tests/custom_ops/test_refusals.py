"""What is no library of operators, or not this version's, is refused before any model sees it."""

import shutil
import sys
import threading

import building
import engine
import pytest


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("other_version", "built for version 7 of the interface; this engine has version 1"),
        ("newer_functions", "built against a newer custom_op.h"),
        ("short_operators", "its EngineOperator has 8 bytes; at least"),
        ("no_entry", "exports no engine_operators"),
        ("null_library", "engine_operators returned null"),
        ("null_run", r"operator test\.null\.Scale: run is null"),
        ("bad_versions", r"operator test\.versions\.Scale: its versions"),
        ("no_operators", "it has no operators"),
        ("own_domain", "the domain 'engine' is the engine's own"),
    ],
)
def test_libraries(probes, name, message):
    before = engine.registered()
    path = building.library(probes, name)
    with pytest.raises(engine.InvalidOperator, match=message) as caught:
        engine.register(path)
    assert str(path) in str(caught.value)
    assert engine.registered() == before


def test_files_that_are_no_library(tmp_path):
    text = tmp_path / "text.so"
    text.write_text("no library")
    with pytest.raises(engine.InvalidOperator, match="no library that this process can load"):
        engine.register(text)
    with pytest.raises(engine.FileNotFound, match="missing.so is missing"):
        engine.register(tmp_path / "missing.so")


def test_other_things():
    with pytest.raises(engine.InvalidOperator, match="the module threading is no extension module"):
        engine.register(threading)
    with pytest.raises(engine.InvalidOperator, match="no path, extension module or callable"):
        engine.register(7)
    with pytest.raises(engine.InvalidOperator, match="are for callables"):
        engine.register("probe.so", name="Scale")
    with pytest.raises(engine.InvalidOperator, match="exports no engine_operators"):
        engine.register(sys.modules["_ctypes"])


def test_twice(probes, probe):
    path = building.library(probes, "probe")
    before = engine.registered()
    assert {operator.full_name for operator in engine.register(str(path))} >= {"test.probe.Scale", "test.probe.Total"}
    assert engine.registered() == before
    with pytest.raises(engine.InvalidOperator, match=rf"test\.probe\.\w+ .*is registered already, by {path}"):
        engine.register(building.library(probes, "same_names"))


def test_a_copy_of_a_library_is_another(probes, probe, tmp_path):
    copy = tmp_path / "copy.so"
    shutil.copy(building.library(probes, "probe"), copy)
    with pytest.raises(engine.InvalidOperator, match="is registered already"):
        engine.register(copy)


def test_on_many_threads(probes):
    path = building.library(probes, "probe")
    failures = []

    def register():
        try:
            engine.register(path)
        except engine.EngineError as error:
            failures.append(error)

    threads = [threading.Thread(target=register) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
