"""A repository's handles, its life from the first look to closing, what it tells, and what watching costs."""

import asyncio
import copy
import logging
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import engine
import pytest
from artefacts import answer, flip, kinds, ones, packed, put, states
from servicing import ENDLESS, Call, busy, counting_model, feeds, wait_for_stats, wait_until
from subprocesses import python

OPTIONS = {"poll": None, "settle": 0.0, "threads": 1, "max_concurrency": 1, "warmup": False, "refuse_late": False}


@pytest.fixture
def repository(tmp_path):
    put(tmp_path, 1)
    with engine.watch(tmp_path, **OPTIONS) as repository:
        yield repository


def put_counting(root, number, step=1.0, name="m"):
    place = root / name / str(number)
    place.mkdir(parents=True)
    (place / "model.onnx").write_bytes(counting_model(step))
    return place


# -- handles


def test_a_handle_is_called_as_a_model_is(repository):
    model = repository.model("m")
    x = ones()["x"]
    assert model(x)[0, 0] == 1.0
    assert model.run({"x": x}, outputs=["y"], timeout=10.0, request_id="r", priority="high")["y"][0, 0] == 1.0
    assert model.submit({"x": x}, timeout=10.0).result()["y"][0, 0] == 1.0
    assert asyncio.run(model.run_async({"x": x}, timeout=10.0))["y"][0, 0] == 1.0
    assert [info.name for info in model.inputs + model.outputs] == ["x", "y"]
    assert (model.input_names, model.output_names) == (("x",), ("y",))
    assert (model.state, model.ready, model.reason) == ("READY", True, "")
    assert model.digest == model.current.digest
    assert model.manifest.version == "1"
    assert model.stats()["version"] == 1
    assert model.stats()["outcomes"]["ok"] == 4
    assert model.plan({"x": x})["steps"] > 0
    assert model.profile({"x": x})[0]["y"][0, 0] == 1.0
    assert model.memory["constants"] > 0
    assert model.threads == 1
    assert "'m'" in repr(model)
    with pytest.raises(TypeError):
        pickle.dumps(model)
    with pytest.raises(TypeError):
        model.submit({"x": x}, nonsense=1)
    with pytest.raises(engine.InvalidInput):
        model.run({"z": x})
    assert pickle.loads(pickle.dumps(model.current)) is model.current


def test_errors_name_the_repositorys_version(tmp_path):
    put_counting(tmp_path, 7)
    with engine.watch(tmp_path, **OPTIONS) as repository:
        model = repository.model("m")
        put_counting(tmp_path, 9)
        repository.refresh()
        assert model.version == 9

        def run():
            return model.run(feeds(ENDLESS), timeout=0.02)

        def submit():
            return model.submit(feeds(ENDLESS), timeout=0.02).result()

        def run_async():
            return asyncio.run(model.run_async(feeds(ENDLESS), timeout=0.02))

        for call in (run, submit, run_async):
            with pytest.raises(engine.DeadlineExceeded) as caught:
                call()
            assert caught.value.version == 9


def test_a_version_that_is_swapped_away_during_a_call(tmp_path):
    """Who asked for one version is told rather than answered by another."""
    put_counting(tmp_path, 1)
    with engine.watch(tmp_path, **{**OPTIONS, "max_concurrency": 2}) as repository, ThreadPoolExecutor(1) as pool:
        one = repository.model("m", 1)
        assert one.submit(feeds(3)).result()["y"][0] == 3.0
        cancelled, token = one.submit(feeds(ENDLESS)), engine.CancelToken()
        wait_for_stats(one.current, running=1)
        assert cancelled.cancel()
        wait_for_stats(repository.model("m").current, running=0)
        calls = [one.submit(feeds(ENDLESS), cancel=token), one.submit(feeds(3))]
        assert calls[1].result()["y"][0] == 3.0
        put_counting(tmp_path, 2)
        swapping = pool.submit(repository.refresh)
        wait_until(lambda: repository.model("m").version == 2)
        with pytest.raises(engine.NotReady, match="version 1 is not served"):
            one.submit(feeds(3))
        assert repository.model("m", 2).run(feeds(3))["y"][0] == 3.0
        assert {row.version: row.state for row in repository.index()} == {1: "UNAVAILABLE", 2: "READY"}
        token.cancel()
        with pytest.raises(engine.Cancelled) as caught:
            calls[0].result()
        assert caught.value.version == 1
        swapping.result()


def test_calls_in_flight_end_on_their_version(tmp_path):
    put_counting(tmp_path, 1, step=1.0)
    with engine.watch(tmp_path, **{**OPTIONS, "max_concurrency": 2}) as repository:
        model = repository.model("m")
        token = engine.CancelToken()
        call = Call(model, feeds(ENDLESS), cancel=token)
        wait_for_stats(model.current, running=1)
        put_counting(tmp_path, 2, step=2.0)
        swapping = threading.Thread(target=repository.refresh)
        swapping.start()
        wait_until(lambda: model.current.version == 2)
        assert model.run(feeds(3))["y"][0] == 6.0
        token.cancel()
        assert isinstance(call.ended().error, engine.Cancelled)
        assert call.error.version == 1
        swapping.join()


def test_a_version_that_is_retired_lets_calls_end(tmp_path):
    put_counting(tmp_path, 1)
    put_counting(tmp_path, 2)
    with engine.watch(tmp_path, policy=[1, 2], **OPTIONS) as repository:
        one = repository.model("m", 1).current
        with busy(one):
            os.rename(tmp_path / "m" / "1", tmp_path / ".away")
            repository.refresh()
            assert states(repository)["m", 1] == "UNLOADING"
            assert one.stats()["running"] == 1
        wait_until(lambda: ("retired", 1) in kinds(repository))
        assert one.state == "CLOSED"
        assert repository.model("m").run(feeds(3))["y"][0] == 3.0


# -- load and unload


def test_unload_and_load(repository):
    model = repository.model("m")
    report = repository.unload("m")
    assert (report.finished, report.cancelled) == (0, 0)
    assert [tuple(row) for row in repository.index()] == [("m", 1, "UNAVAILABLE", "it was unloaded")]
    assert repository.models() == []
    assert repository.ready  # as it was wanted
    with pytest.raises(engine.NotReady, match="it was unloaded"):
        answer(model)
    repository.refresh()
    assert not model.ready
    assert repository.load("m") == 1
    assert (answer(model), model.ready) == (1.0, True)
    for change in (repository.load, repository.unload):
        with pytest.raises(engine.UnknownModel):
            change("other")


def test_unload_lets_calls_end(tmp_path):
    put_counting(tmp_path, 1)
    with engine.watch(tmp_path, **OPTIONS) as repository, ThreadPoolExecutor(1) as pool:
        model, live = repository.model("m"), repository.model("m").current
        with busy(live):
            unloading = pool.submit(repository.unload, "m")
            wait_until(lambda: live.state == "DRAINING")
            with pytest.raises(engine.NotReady, match="it was unloaded"):
                model.run(feeds(1))
            assert live.stats()["running"] == 1
        assert unloading.result().finished == 1
        assert live.state == "CLOSED"


def test_unload_stops_calls_that_take_too_long(tmp_path):
    put_counting(tmp_path, 1)
    with engine.watch(tmp_path, **OPTIONS) as repository:
        call = Call(repository.model("m"), feeds(ENDLESS))
        wait_for_stats(repository.model("m").current, running=1)
        assert repository.unload("m", timeout=0.01).cancelled == 1
        assert isinstance(call.ended().error, engine.Cancelled)
        assert repository.load("m") == 1


def test_load_finds_what_has_just_come(repository, tmp_path):
    put(tmp_path, 3, name="new", manifest=False)
    assert repository.load("new") == 3


def test_load_waits_until_what_has_no_manifest_is_settled(tmp_path):
    put(tmp_path, 1, name="first")
    with engine.watch(tmp_path, **{**OPTIONS, "settle": 0.05}) as repository:
        put(tmp_path, 3, name="new", manifest=False)
        assert repository.load("new") == 3


def test_load_raises_what_went_wrong(repository, tmp_path):
    flip(put(tmp_path, 1, name="bad") / "w.bin")
    repository.refresh()
    with pytest.raises(engine.DigestMismatch):
        repository.load("bad")
    (put(tmp_path, 1, name="part") / "w.bin").unlink()
    with pytest.raises(engine.NotReady, match=r"w\.bin"):
        repository.load("part")


# -- ready


def test_ready_is_about_what_was_there_at_the_start(tmp_path):
    put(tmp_path, 1)
    bad = put(tmp_path, 1, name="bad")
    flip(bad / "w.bin")
    with engine.watch(tmp_path, **OPTIONS) as repository:
        assert not repository.ready
        with pytest.raises(engine.NotReady, match="'bad' is not ready.*DigestMismatch"):
            repository.wait_ready(0.01)
        handle = repository.model("bad")
        assert (handle.ready, handle.state) == (False, "FAILED")
        with pytest.raises(engine.NotReady, match="SHA-256"):
            answer(handle)
        flip(bad / "w.bin")
        repository.refresh()
        assert repository.ready
        repository.wait_ready()
        handle.wait_ready()
        flip(put(tmp_path, 1, name="later") / "w.bin")
        repository.refresh()
        assert repository.ready


def test_in_the_background(tmp_path):
    put(tmp_path, 1)
    allowed = threading.Event()
    checks = {"m": lambda model: allowed.wait()}
    with engine.watch(tmp_path, background=True, checks=checks, **OPTIONS) as repository:
        assert not repository.ready
        wait_until(lambda: states(repository) == {("m", 1): "LOADING"})
        handle = repository.model("m")
        assert handle.state == "LOADING"
        with pytest.raises(engine.NotReady):
            answer(handle)
        with pytest.raises(engine.NotReady):
            handle.wait_ready(0.01)
        allowed.set()
        repository.wait_ready(60)
        assert answer(handle) == 1.0


def test_without_a_manifest_the_start_waits_once(tmp_path):
    put(tmp_path, 1, manifest=False)
    began = time.monotonic()
    with engine.watch(tmp_path, **{**OPTIONS, "settle": 0.2}) as repository:
        assert repository.ready
        assert 0.2 <= time.monotonic() - began < 10


# -- the end


def test_drain(tmp_path):
    put_counting(tmp_path, 4)
    with engine.watch(tmp_path, **{**OPTIONS, "poll": 0.02}) as repository:
        model = repository.model("m")
        call = Call(model, feeds(ENDLESS))
        wait_for_stats(model.current, running=1)
        reports = repository.drain(0.05)
        assert reports["m/4"].cancelled == 1
        assert isinstance(call.ended().error, engine.Cancelled)
        assert not repository.ready
        with pytest.raises(engine.Draining):
            model.run(feeds(1))
        put_counting(tmp_path, 5)
        repository.refresh()
        assert model.version == 4
        with pytest.raises(engine.NotReady):
            repository.load("m")


def test_close(tmp_path):
    put(tmp_path, 1)
    repository = engine.watch(tmp_path, **{**OPTIONS, "poll": 0.02})
    model, live = repository.model("m"), repository.model("m").current
    thread = repository._thread
    repository.close()
    repository.close()
    assert not thread.is_alive()
    assert live.state == "CLOSED"
    assert not repository.ready
    with pytest.raises(engine.NotReady, match="the repository is closed"):
        answer(model)


def test_closing_stops_what_is_being_loaded(tmp_path):
    put(tmp_path, 1)
    loading = threading.Event()

    def check(model):
        loading.set()
        time.sleep(0.05)

    repository = engine.watch(tmp_path, background=True, checks={"m": check}, **OPTIONS)
    loading.wait()
    repository.close()
    assert repository.models() == []
    assert kinds(repository) == []
    assert [model for model in engine.model.open_models() if model.name == "m" and model.state != "CLOSED"] == []


def test_a_repository_that_nobody_holds_stops_watching(tmp_path):
    put(tmp_path, 1)
    repository = engine.watch(tmp_path, **{**OPTIONS, "poll": 0.01})
    thread = repository._thread
    del repository
    thread.join(10)
    assert not thread.is_alive()


FORK = """
import os, pathlib, sys, time
import engine
from artefacts import answer, put
root = pathlib.Path(sys.argv[1])
put(root, 1)
repository = engine.watch(root, poll=0.01, threads=1, warmup=False)
model = repository.model("m")
assert answer(model) == 1.0
child = os.fork()
if child == 0:
    assert answer(model) == 1.0
    (root / "forked").write_text("")
    end = time.monotonic() + 60
    while answer(model) != 2.0:
        assert time.monotonic() < end
    repository.close()
    os._exit(0)
while not (root / "forked").exists():
    time.sleep(0.001)
put(root, 2)
assert os.waitpid(child, 0)[1] == 0
repository.model("m").wait_ready()
repository.refresh()
assert answer(model) == 2.0
print("both")
"""


def test_a_forked_child_watches_too(tmp_path):
    assert python(FORK, str(tmp_path)) == "both\n"


# -- what is told


def test_events_and_logs(tmp_path, caplog):
    seen = []
    put(tmp_path, 1)
    caplog.set_level(logging.DEBUG, "engine.repository")
    with engine.watch(tmp_path, on_event=seen.append, **OPTIONS) as repository:
        flip(put(tmp_path, 2) / "w.bin")
        repository.refresh()
        assert seen == repository.events()
        loaded, failed = seen
        assert (loaded.kind, loaded.name, loaded.version) == ("loaded", "m", 1)
        assert loaded.digest == repository.model("m").digest
        assert loaded.seconds > 0
        assert isinstance(failed.error, engine.DigestMismatch)
        assert "tried again when its files change" in failed.reason
    records = [record for record in caplog.records if record.name == "engine.repository"]
    assert [(r.levelname, r.event, r.model, r.version) for r in records] == [
        ("INFO", "loaded", "m", 1),
        ("WARNING", "failed", "m", 2),
    ]
    assert "m" in records[0].getMessage()
    assert not logging.getLogger().handlers or logging.getLogger("engine.repository").handlers == []


def test_a_callback_that_raises_does_no_harm(tmp_path, caplog):
    put(tmp_path, 1)

    def on_event(event):
        raise ValueError("mine")

    with engine.watch(tmp_path, on_event=on_event, **OPTIONS) as repository:
        assert answer(repository.model("m")) == 1.0
    assert "on_event raised" in caplog.text


# -- what watching costs


def test_polls_that_find_nothing_new_read_nothing(tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        for number in (1, 2):
            put(tmp_path, number, name=name)
    flip(put(tmp_path, 3, name="c") / "w.bin")
    with engine.watch(tmp_path, **OPTIONS) as repository:
        models = [repository.model(name).current for name in ("a", "b", "c")]
        before = [model.stats()["events"] for model in models], repository.events()
        opened = []
        real = open
        monkeypatch.setattr("builtins.open", lambda *args, **kw: opened.append(args) or real(*args, **kw))
        began = time.process_time()
        for _ in range(200):
            repository.refresh()
        seconds = (time.process_time() - began) / 200
        monkeypatch.undo()
        assert before == ([model.stats()["events"] for model in models], repository.events())
        assert opened == []
        assert seconds < 0.02


def test_a_handle_costs_little(repository):
    model, x = repository.model("m"), ones()
    current = model.current

    def fastest(call):
        times = []
        for _ in range(200):
            began = time.perf_counter()
            call(x)
            times.append(time.perf_counter() - began)
        return min(times)

    assert fastest(model.run) - fastest(current.run) < 100e-6


def test_copies_of_models_are_the_model(repository):
    model = repository.model("m").current
    assert copy.copy(model) is model
    assert copy.deepcopy({"model": model})["model"] is model


def test_packed_versions_of_other_names_are_refused(tmp_path):
    packed(tmp_path / "m" / "1", name="other", version=1)
    with engine.watch(tmp_path, **OPTIONS) as repository:
        assert "is the manifest of 'other'" in repository.index()[0].reason
        assert not repository.ready
