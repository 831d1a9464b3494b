"""Another version into service: under load, refused ones, back again, and the memory."""

import hashlib
import pickle
import threading

import engine
import numpy as np
import pytest
from servicing import ENDLESS, Call, assert_idle, constant_model, counting, counting_model, feeds, ones, wait_for_stats


def answer(model):
    values = np.unique(model.run(ones())["y"].round(3))
    assert len(values) == 1, "torn"
    return float(values[0])


@pytest.fixture
def model():
    with engine.load(constant_model(1), threads=1) as loaded:
        yield loaded


def test_new_weights_answer(model):
    assert answer(model) == 1
    assert model.reload(constant_model(2)) == 2
    assert answer(model) == 2
    assert (model.version, model.kept_versions) == (2, (1,))
    assert model.stats()["events"] == {"loads_ok": 2, "loads_failed": 0, "rollbacks": 0}


def test_calls_in_flight_end_on_their_version():
    model = counting(max_concurrency=2, keep_versions=1)
    token = engine.CancelToken()
    old = Call(model, feeds(ENDLESS), cancel=token)
    wait_for_stats(model, running=1)
    model.reload(counting_model(2.0))
    assert model.run(feeds(3))["y"][0] == 6
    token.cancel()
    assert old.ended().error.version == 1
    assert_idle(model, ok=2, cancelled=1)


def test_a_version_not_kept_waits_for_its_last_call():
    model = counting(max_concurrency=2, keep_versions=0)
    token = engine.CancelToken()
    old = Call(model, feeds(ENDLESS), cancel=token)
    wait_for_stats(model, running=1)
    reload = threading.Thread(target=model.reload, args=(counting_model(2.0),))
    reload.start()
    while model.version == 1:
        pass
    assert model.run(feeds(3))["y"][0] == 6
    assert reload.is_alive()
    token.cancel()
    reload.join()
    assert old.ended().error.version == 1
    assert model.kept_versions == ()


def test_a_queued_call_runs_on_what_is_current_at_its_turn():
    model = counting(max_queue=2)
    token = engine.CancelToken()
    first = Call(model, feeds(ENDLESS), cancel=token)
    wait_for_stats(model, running=1)
    queued = Call(model, feeds(3))
    wait_for_stats(model, queued=1)
    model.reload(counting_model(2.0))
    token.cancel()
    first.ended()
    assert queued.ended().answer["y"][0] == 6


def refused(model, error, source, **options):
    with pytest.raises(error):
        model.reload(source, **options)
    assert answer(model) == 1
    assert model.version == 1
    assert model.ready
    assert model.stats()["events"]["loads_ok"] == 1


def test_bad_files_are_refused(model, tmp_path):
    good = constant_model(2)
    refused(model, engine.DigestMismatch, good, sha256="0" * 64)
    refused(model, engine.InvalidModel, good[: len(good) // 2])
    refused(model, engine.InvalidModel, b"")
    refused(model, engine.FileNotFound, tmp_path / "missing.onnx")
    refused(model, engine.InvalidModel, counting_model())
    refused(model, engine.InvalidInput, good, warmup=[{"nothing": (8, 64)}])
    refused(model, engine.InvalidInput, good, warmup=[{"x": (8, 64, 1)}])
    refused(model, TypeError, 3)
    assert model.reload(good, sha256=hashlib.sha256(good).hexdigest()) == 2
    assert answer(model) == 2


def test_what_is_refused_is_counted(model):
    for source in (b"", counting_model()):
        with pytest.raises(engine.InvalidModel):
            model.reload(source)
    assert model.stats()["events"]["loads_failed"] == 2


def test_another_signature(model):
    with pytest.raises(engine.InvalidModel, match="allow_signature_change"):
        model.reload(counting_model())
    model.reload(counting_model(), allow_signature_change=True)
    assert model.input_names == ("n", "x")
    assert model.run(feeds(2))["y"][0] == 2
    with pytest.raises(engine.InvalidInput):
        model.run(ones())
    model.rollback()
    assert model.input_names == ("x",)
    assert answer(model) == 1


def test_a_queued_call_whose_inputs_changed():
    model = counting(max_queue=2)
    token = engine.CancelToken()
    first = Call(model, feeds(ENDLESS), cancel=token)
    wait_for_stats(model, running=1)
    queued = Call(model, feeds(3))
    wait_for_stats(model, queued=1)
    model.reload(constant_model(1), allow_signature_change=True)
    token.cancel()
    first.ended()
    assert isinstance(queued.ended().error, engine.InvalidInput)
    assert_idle(model, ok=1, cancelled=1, invalid=1)


def test_checks(model):
    two = constant_model(2)
    expected = {"y": np.full((8, 64), 2, np.float32)}
    with pytest.raises(engine.CheckFailed, match="elements"):
        model.reload(constant_model(3), checks=[(ones(), expected)])
    with pytest.raises(engine.CheckFailed, match="no output"):
        model.reload(two, checks=[(ones(), {"z": 1})])
    with pytest.raises(engine.CheckFailed):
        model.reload(two, checks=lambda trial: answer(trial) == 1)

    def broken(trial):
        raise ZeroDivisionError

    with pytest.raises(engine.CheckFailed, match="ZeroDivisionError"):
        model.reload(two, checks=broken)
    assert answer(model) == 1
    assert model.reload(two, checks=[(ones(), expected)]) == 2
    assert model.reload(constant_model(3), checks=lambda trial: answer(trial) == 3) == 3
    assert answer(model) == 3
    assert model.stats()["outcomes"]["ok"] == 2, "the checks' calls are not the model's"


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_kept_versions(keep):
    model = engine.load(constant_model(1), threads=1, keep_versions=keep)
    for number in range(2, 7):
        assert model.reload(constant_model(number)) == number
        assert model.kept_versions == tuple(range(max(1, number - keep), number))
    for number in range(5, 5 - keep, -1):
        assert model.rollback() == number
        assert answer(model) == number
    with pytest.raises(engine.NotReady, match="keep_versions"):
        model.rollback()
    assert model.reload(constant_model(9)) == 7
    assert answer(model) == 9
    assert model.stats()["events"]["rollbacks"] == keep


def test_memory_goes_back():
    model = engine.load(constant_model(1), threads=1, keep_versions=0)
    answer(model)
    used = model.memory["used"]
    for number in range(2, 12):
        model.reload(constant_model(number))
        answer(model)
        assert model.memory["used"] == used
    model.close()
    assert engine.load(constant_model(1), threads=1).memory["limit"] == 0


def test_kept_versions_make_room(tmp_path):
    """Under a limit that two versions fit, and no third, the one kept is given up."""
    used = engine.load(constant_model(1, n=512), threads=1).memory["peak"]
    model = engine.load(constant_model(1, n=512), threads=1, keep_versions=1, memory_limit=int(2.6 * used))
    for number in range(2, 6):
        assert model.reload(constant_model(number, n=512)) == number
    assert model.run(ones(512))["y"][0, 0].round(3) == 5


def test_versions_of_given_numbers(model, tmp_path):
    """As a repository gives them."""
    def take(value, number):
        return model._take(constant_model(value), None, background=True, number=number)

    assert take(7, 7) == 7
    assert (answer(model), model.version, model.kept_versions) == (7, 7, (1,))
    assert take(3, 3) == 3
    assert (answer(model), model.version) == (3, 3)
    assert model.reload(constant_model(8)) == 8
    assert model.rollback() == 3


def test_pickle(model, tmp_path):
    """The version that is current then, from wherever it came."""
    path = tmp_path / "m.onnx"
    path.write_bytes(constant_model(4))
    first = pickle.dumps(model)
    assert answer(pickle.loads(first)) == answer(model)
    model.reload(path)
    second = pickle.dumps(model)
    assert answer(pickle.loads(second)) == 4
    model.reload(constant_model(5))
    assert answer(pickle.loads(pickle.dumps(model))) == 5
    assert answer(pickle.loads(second)) == 4
    model.rollback()
    assert pickle.dumps(model) == second
    path.write_bytes(constant_model(6))
    model.close()
    pickle.loads(second).close()
    with pytest.raises(engine.DigestMismatch):
        pickle.loads(second)
    assert answer(pickle.loads(first)) == 1


def test_not_while_draining_or_closed(model):
    model.drain(0)
    with pytest.raises(engine.Draining):
        model.reload(constant_model(2))
    with pytest.raises(engine.Draining):
        model.rollback()
    model.close()
    with pytest.raises(engine.NotReady):
        model.reload(constant_model(2))
    with pytest.raises(engine.NotReady):
        model.rollback()


@pytest.mark.parametrize("keep", [0, 2])
def test_reloads_while_callers_run(keep):
    model = engine.load(constant_model(1), threads=1, keep_versions=keep, max_queue=64)
    sources = [constant_model(value) for value in range(1, 6)]
    stop = threading.Event()
    wrong = []

    def caller(way):
        while not stop.is_set():
            try:
                y = (model.run(ones()) if way else model.submit(ones()).result())["y"].round(3)
                if len(np.unique(y)) != 1 or not 1 <= y[0, 0] <= 5:
                    wrong.append(y)
            except BaseException as error:  # noqa: BLE001 - any error is one too many
                wrong.append(error)

    def reloader(seed):
        for i in range(8):
            try:
                model.reload(sources[(seed + i) % 5])
                if keep and i % 3 == 0:
                    model.rollback()
            except engine.NotReady as error:
                if "kept" not in str(error):
                    wrong.append(error)
            except BaseException as error:  # noqa: BLE001
                wrong.append(error)

    callers = [threading.Thread(target=caller, args=(i % 2,)) for i in range(4)]
    reloaders = [threading.Thread(target=reloader, args=(i,)) for i in range(2)]
    for thread in (*callers, *reloaders):
        thread.start()
    for thread in reloaders:
        thread.join()
    stop.set()
    for thread in callers:
        thread.join()
    assert not wrong
    assert model.stats()["events"]["loads_ok"] == 17
    model.reload(sources[0])
    assert answer(model) == 1
    assert_idle(model)


# -- the slot


def test_slot():
    from engine._testing import NumberSlot

    slot = NumberSlot()
    alive = NumberSlot.alive()
    nothing = slot.pin()
    assert slot.value(nothing) == -1
    slot.unpin(nothing)
    slot.release(slot.publish(1))
    one = slot.pin()
    place = slot.publish(2)
    two = slot.pin()
    assert (slot.value(one), slot.value(two)) == (1, 2)
    assert slot.pinned(place)
    released = threading.Thread(target=slot.release, args=(place,))
    released.start()
    slot.unpin(one)
    released.join()
    assert not slot.pinned(place)
    slot.unpin(two)
    slot.release(slot.publish_nothing())
    assert NumberSlot.alive() == alive
    for i in range(200):
        slot.release(slot.publish(i))
    assert NumberSlot.alive() == alive + 1
