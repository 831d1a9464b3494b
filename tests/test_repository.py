"""A watched folder: which versions answer, under every policy, whatever arrives, goes, or is broken."""

import os
import shutil
import threading
import types

import engine
import numpy as np
import pytest
from artefacts import answer, edit, flip, kinds, packed, put, states
from servicing import constant_model, counting_model, wait_until

POLL = 0.02


@pytest.fixture
def root(tmp_path):
    return tmp_path


@pytest.fixture
def watch(root):
    """engine.watch of the folder, closed at the end."""
    made = []

    def start(**options):
        options = {"poll": None, "settle": 0.0, "threads": 1, "max_concurrency": 2, "warmup": False, **options}
        made.append(engine.watch(root, **options))
        return made[-1]

    yield start
    for repository in made:
        repository.close()


# -- latest


@pytest.mark.parametrize("manifest", [True, False])
def test_the_newest_version_answers(root, watch, manifest):
    for number in (2, 10, 9):
        put(root, number, manifest=manifest)
    repository = watch()
    model = repository.model("m")
    assert (answer(model), model.version, model.ready, model.name) == (10.0, 10, True, "m")
    assert states(repository) == {("m", 2): "UNAVAILABLE", ("m", 9): "UNAVAILABLE", ("m", 10): "READY"}
    assert [row[:2] for row in repository.models()] == [("m", 10)]
    assert kinds(repository, "loaded") == [("loaded", 10)]


def test_a_newer_version_arrives_and_goes(root, watch):
    put(root, 1)
    repository = watch(poll=POLL)
    model = repository.model("m")
    assert answer(model) == 1.0
    put(root, 2)
    wait_until(lambda: model.version == 2)
    assert answer(model) == 2.0
    shutil.rmtree(root / "m" / "2")
    wait_until(lambda: model.version == 1)
    assert answer(model) == 1.0
    put(root, 2, 2.5)
    wait_until(lambda: model.version == 2)
    assert answer(model) == 2.5
    put(root, 1, 0.5, name="other")
    wait_until(lambda: "other" in repository.names())
    wait_until(lambda: repository.model("other").ready)
    assert answer(repository.model("other")) == 0.5


def test_an_older_version_that_arrives_changes_nothing(root, watch):
    put(root, 5)
    repository = watch()
    put(root, 4)
    repository.refresh()
    assert repository.model("m").version == 5
    assert kinds(repository, "loaded") == [("loaded", 5)]


def test_a_swap_loses_no_call(root, watch):
    put(root, 1)
    repository = watch(poll=POLL, max_queue=64)
    model = repository.model("m")
    stop, seen, errors = threading.Event(), set(), []

    def call():
        while not stop.is_set():
            try:
                seen.add(answer(model))
            except engine.EngineError as error:
                errors.append(error)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for number in (2, 3, 4):
        put(root, number)
        wait_until(lambda number=number: model.version == number and number in seen)
    stop.set()
    for caller in callers:
        caller.join()
    assert not errors
    assert seen == {1.0, 2.0, 3.0, 4.0}


@pytest.mark.parametrize("part", ["model.onnx", "w.bin", "model.json", "not a model", "unsupported"])
def test_a_broken_version_leaves_the_one_before(root, watch, part):
    put(root, 1)
    repository = watch()
    place = put(root, 2, manifest=part not in ("not a model", "unsupported"))
    if part == "not a model":
        (place / "model.onnx").write_bytes(b"no model")
    elif part == "unsupported":
        (place / "model.onnx").write_bytes(counting_model().replace(b"Identity", b"Nonesuch"))
    elif part == "model.json":
        edit(place / part, lambda said: said.update(version="3"))
    else:
        flip(place / part)
    repository.refresh()
    model = repository.model("m")
    assert (answer(model), model.version, repository.ready) == (1.0, 1, True)
    assert kinds(repository, "failed") == [("failed", 2)]
    row = {row.version: row for row in repository.index()}[2]
    assert row.state == "UNAVAILABLE"
    assert row.reason
    for _ in range(3):
        repository.refresh()
    assert len(kinds(repository, "failed")) == 1  # the same files fail in the same way
    shutil.rmtree(place)
    put(root, 2)
    repository.refresh()
    assert answer(model) == 2.0


def test_a_broken_version_at_the_start_falls_back(root, watch):
    put(root, 1)
    flip(put(root, 2) / "w.bin")
    repository = watch()
    assert repository.model("m").version == 1
    assert repository.ready
    assert kinds(repository, "failed", "loaded") == [("failed", 2), ("loaded", 1)]


def test_a_repaired_version_is_tried_again(root, watch):
    put(root, 1)
    repository = watch()
    place = put(root, 2)
    flip(place / "w.bin")
    repository.refresh()
    assert repository.model("m").version == 1
    flip(place / "w.bin")
    repository.refresh()
    assert repository.model("m").version == 2


def test_errors_that_may_pass_are_tried_again_later(root, watch, monkeypatch):
    put(root, 1)
    repository = watch()
    put(root, 2)
    tries = []

    def check(model):
        tries.append(model)
        if len(tries) < 3:
            raise OSError("the disk is elsewhere")

    repository._settings.checks = {"m": check}
    clock = [1000.0]
    monkeypatch.setattr("engine.repository.loader.time", types.SimpleNamespace(monotonic=lambda: clock[0]))
    for seconds, expected in ((0, 1), (0.5, 1), (0.6, 2), (1.5, 2), (0.6, 3), (100, 3)):
        clock[0] += seconds
        repository.refresh()
        assert len(tries) == expected, (seconds, expected)
    assert repository.model("m").version == 2


def test_checks(root, watch):
    put(root, 1)
    put(root, 2)
    ones = {"x": np.ones((8, 64), np.float32)}
    repository = watch(checks={"m": [(ones, {"y": np.full((8, 64), 1.0, np.float32)})]})
    assert repository.model("m").version == 1
    assert "CheckFailed" in {row.version: row for row in repository.index()}[2].reason


def test_another_signature(root, watch):
    put(root, 1)
    place = root / "m" / "2"
    place.mkdir()
    (place / "model.onnx").write_bytes(counting_model())
    repository = watch()
    assert repository.model("m").version == 2
    shutil.rmtree(place)
    repository.refresh()
    assert repository.model("m").version == 2  # another signature: refused
    assert kinds(repository, "failed") == [("failed", 1)]
    assert "inputs" in {row.version: row for row in repository.index()}[1].reason
    repository.close()
    repository = watch(allow_signature_change=True)
    assert repository.model("m").version == 1
    place.mkdir()
    (place / "model.onnx").write_bytes(counting_model())
    repository.refresh()
    model = repository.model("m")
    assert (model.version, model.input_names) == (2, ("n", "x"))


def test_the_folder_goes_and_comes_back(root, watch):
    """What cannot be seen for a while goes on answering; what is taken away does not."""
    put(root, 1)
    repository = watch()
    model = repository.model("m")
    os.rename(root / "m" / "1", root / ".away")
    repository.refresh()
    assert answer(model) == 1.0
    assert repository.index()[0].reason == "its folder is gone"
    os.rename(root / ".away", root / "m" / "1")
    repository.refresh()
    assert repository.index()[0].reason == ""
    shutil.rmtree(root / "m")
    repository.refresh()
    with pytest.raises(engine.UnknownModel):
        repository.model("m")
    with pytest.raises(engine.NotReady, match="its folder is gone"):
        model.run({})
    put(root, 2)
    repository.refresh()
    assert answer(model) == 2.0


def test_a_root_that_cannot_be_read_changes_nothing(tmp_path):
    root = tmp_path / "root"
    put(root, 1)
    with engine.watch(root, poll=None, threads=1) as repository:
        os.rename(root, tmp_path / "away")
        repository.refresh()
        repository.refresh()
        assert answer(repository.model("m")) == 1.0
        assert kinds(repository, "unreadable") == [("unreadable", 0)]


# -- all, and some


def test_all(root, watch):
    put(root, 1)
    put(root, 2)
    repository = watch(policy="all")
    assert [answer(repository.model("m", number)) for number in (None, 1, 2, "1")] == [2.0, 1.0, 2.0, 1.0]
    put(root, 3)
    shutil.rmtree(root / "m" / "1")
    one = repository.model("m", 1)
    repository.refresh()
    assert answer(repository.model("m")) == 3.0
    wait_until(lambda: kinds(repository, "retired") == [("retired", 1)])
    with pytest.raises(engine.NotReady, match="version 1 is not served"):
        answer(one)
    with pytest.raises(engine.UnknownModel, match="no version 1"):
        repository.model("m", 1)
    assert answer(repository.model("m", 2)) == 2.0


def test_all_falls_back_to_what_is_left(root, watch):
    put(root, 1)
    put(root, 2)
    repository = watch(policy="all")
    shutil.rmtree(root / "m" / "2")
    repository.refresh()
    assert answer(repository.model("m")) == 1.0
    shutil.rmtree(root / "m" / "1")
    repository.refresh()
    assert answer(repository.model("m")) == 1.0


def test_some(root, watch):
    for number in (1, 2, 3):
        put(root, number)
    repository = watch(policy=[1, 2, 7])
    assert states(repository) == {("m", 1): "READY", ("m", 2): "READY", ("m", 3): "UNAVAILABLE", ("m", 7): "UNAVAILABLE"}
    reasons = {row.version: row.reason for row in repository.index()}
    assert reasons[3] == "the policy does not want it"
    assert reasons[7] == "there is no such folder"
    assert answer(repository.model("m")) == 2.0
    with pytest.raises(engine.NotReady, match="the policy does not want it"):
        answer(repository.model("m", 3))
    put(root, 7)
    repository.refresh()
    assert answer(repository.model("m")) == 7.0


def test_a_policy_for_each_model(root, watch):
    for name in ("a", "b", "c"):
        put(root, 1, name=name)
        put(root, 2, name=name)
    repository = watch(policy={"a": "all", "b": [1], "*": "latest"})
    assert [row[:2] for row in repository.models()] == [("a", 1), ("a", 2), ("b", 1), ("c", 2)]


def test_a_version_of_its_own_under_latest(root, watch):
    put(root, 1)
    repository = watch()
    one = repository.model("m", 1)
    assert answer(one) == 1.0
    put(root, 2)
    repository.refresh()
    with pytest.raises(engine.NotReady, match=r"version 1 is not served: version 2 is served"):
        answer(one)


@pytest.mark.parametrize("policy", ["newest", [0], ["x"], [True], [1.5], {"*": "newest"}])
def test_policies_that_are_none(root, policy):
    with pytest.raises(engine.InvalidInput):
        engine.watch(root, policy=policy)


# -- labels


def test_labels(root, watch):
    for number in (1, 2, 3):
        put(root, number)
    repository = watch(labels={"stable": 1, "canary": 2})
    assert [answer(repository.model("m", label=label)) for label in ("stable", "canary", None)] == [1.0, 2.0, 3.0]
    with pytest.raises(engine.UnknownModel, match="'other'"):
        repository.model("m", label="other")
    with pytest.raises(engine.InvalidInput, match="not both"):
        repository.model("m", 1, "stable")


def test_labels_from_a_file(root, watch):
    put(root, 1)
    put(root, 2)
    path = root / "m" / "labels.json"
    path.write_text('{"stable": 1}')
    repository = watch()
    stable = repository.model("m", label="stable")
    assert answer(stable) == 1.0
    path.write_text('{"stable": 2}')
    repository.refresh()
    assert answer(stable) == 2.0
    wait_until(lambda: ("retired", 1) in kinds(repository))
    path.write_text('{"stab')
    repository.refresh()
    assert answer(stable) == 2.0
    assert kinds(repository, "unreadable") == [("unreadable", 0)]
    assert kinds(repository, "labelled") == [("labelled", 1), ("labelled", 2)]
    path.unlink()
    repository.refresh()
    with pytest.raises(engine.NotReady, match="label 'stable' is not served"):
        answer(stable)


def test_a_label_moves_only_to_what_answers(root, watch):
    put(root, 1)
    repository = watch(policy=())
    path = root / "m" / "labels.json"
    path.write_text('{"stable": 1}')
    repository.refresh()
    stable = repository.model("m", label="stable")
    flip(put(root, 2) / "w.bin")
    path.write_text('{"stable": 2}')
    repository.refresh()
    assert answer(stable) == 1.0
    flip(root / "m" / "2" / "w.bin")
    repository.refresh()
    assert answer(stable) == 2.0
    path.write_text('{"stable": 3}')
    repository.refresh()
    assert answer(stable) == 2.0


def test_labels_for_one_model(root, watch):
    for name in ("a", "b"):
        put(root, 1, name=name)
        put(root, 2, name=name)
    repository = watch(labels={"a": {"stable": 1}})
    assert answer(repository.model("a", label="stable")) == 1.0
    with pytest.raises(engine.UnknownModel):
        repository.model("b", label="stable")


# -- what lies there


def test_what_is_no_version(root, watch):
    put(root, 1)
    for name in ("0", "01", "-1", "1.5", "x", ".2", "٣"):
        (root / "m" / name).mkdir()
    (root / "m" / "3").write_text("a file")
    (root / "README.md").write_text("x")
    (root / "docs").mkdir()
    (root / ".git" / "1").mkdir(parents=True)
    repository = watch()
    assert states(repository) == {("m", 1): "READY"}


def test_numbers_that_are_too_large(root, watch):
    put(root, 1)
    place = root / "m" / "20261125120000"
    os.rename(put(root, 2, manifest=False), place)
    repository = watch()
    assert repository.model("m").version == 1
    assert "2147483647" in {row.version: row for row in repository.index()}[20261125120000].reason


def test_links_to_versions(root, watch, tmp_path):
    """As orchestrators mount configuration."""
    real = packed(tmp_path / ".data" / "m1", 1.0)
    (root / "m").mkdir()
    (root / "m" / "1").symlink_to(real)
    assert answer(watch().model("m")) == 1.0


def test_another_versions_manifest(root, watch):
    """Whoever renames an old version, signed or not, does not make it a new one."""
    put(root, 2)
    shutil.copytree(root / "m" / "2", root / "m" / "3")
    repository = watch()
    assert repository.model("m").version == 2
    assert "is the manifest of 'm' version '2'" in {row.version: row for row in repository.index()}[3].reason


def test_without_a_manifest_when_one_is_wanted(root, watch):
    put(root, 1)
    place = put(root, 2, manifest=False)
    repository = watch(require_manifest=True)
    assert repository.model("m").version == 1
    assert "there is no model.json" in {row.version: row for row in repository.index()}[2].reason
    engine.pack(place, name="m", version=2)
    repository.refresh()
    assert repository.model("m").version == 2


def test_signed(root, watch):
    from cryptography.hazmat.primitives.asymmetric import ed25519

    key, other = (ed25519.Ed25519PrivateKey.generate() for _ in range(2))
    put(root, 1, sign_with=key)
    put(root, 2, sign_with=other)
    unsigned = put(root, 3)
    put(root, 4, manifest=False)
    repository = watch(trusted_keys=[key.public_key()])
    assert repository.model("m").version == 1
    reasons = {row.version: row.reason for row in repository.index()}
    assert "UntrustedKey" in reasons[2]
    assert "there is no model.json.sig" in reasons[3]
    assert "there is no model.json" in reasons[4]
    engine.pack(unsigned, name="m", version=3, sign_with=key)
    repository.refresh()
    assert repository.model("m").version == 3


def test_no_folder(tmp_path):
    with pytest.raises(engine.FileNotFound):
        engine.watch(tmp_path / "none")


@pytest.mark.parametrize("options", [{"poll": 0}, {"threads": 0}, {"labels": {"a": 0}}, {"labels": {"a": {"b": "x"}}}])
def test_arguments(root, options):
    with pytest.raises(engine.InvalidInput):
        engine.watch(root, **options)
    with pytest.raises(TypeError):
        engine.watch(root, thread=1)


def test_small_models_from_bytes_without_external_data(root, watch):
    (root / "m" / "1").mkdir(parents=True)
    (root / "m" / "1" / "model.onnx").write_bytes(constant_model(3.0))
    assert answer(watch().model("m")) == 3.0
