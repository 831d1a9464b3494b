"""tritonclient[http] against `engine serve` on real models; ENGINE_ZOO names their folder (tests/zoo/test_zoo.py)."""

import os
import pathlib
import re

import engine
import numpy as np
import pytest

pytest.importorskip("uvicorn")
triton = pytest.importorskip("tritonclient.http")

from serving import serving  # noqa: E402
from tritonclient.utils import InferenceServerException, np_to_triton_dtype  # noqa: E402

ZOO = os.environ.get("ENGINE_ZOO")
PICK = os.environ.get("ENGINE_ZOO_MODELS", "")
FOLDERS = sorted(p.parent for p in pathlib.Path(ZOO).glob("*/model.onnx") if re.search(PICK, p.parent.name)) if ZOO else []
LARGEST_JSON = 100_000  # elements


def feeds_of(folder):
    with np.load(min((folder / "cases").glob("*.npz")), allow_pickle=True) as file:
        return {key[3:]: file[key] for key in file.files if key.startswith("in:")}


def given(feeds, binary):
    found = []
    for name, value in feeds.items():
        value = value.astype(object) if value.dtype.kind == "U" else value
        one = triton.InferInput(name, list(value.shape), np_to_triton_dtype(value.dtype))
        one.set_data_from_numpy(value, binary_data=binary)
        found.append(one)
    return found


def goes_into_json(value):
    """JSON has no number that is not finite, and the protocol no half in it."""
    if value.size > LARGEST_JSON or value.dtype == np.float16:
        return False
    return value.dtype.kind != "f" or bool(np.isfinite(value).all())


def same(got, want, binary):
    assert got.shape == want.shape
    if want.dtype.kind in "OUS":
        assert [x.decode() if isinstance(x, bytes) else x for x in got.ravel()] == want.ravel().tolist()
    elif binary:
        assert got.dtype == want.dtype and got.tobytes() == want.tobytes()
    else:
        np.testing.assert_allclose(got, want, rtol=1e-6, equal_nan=True)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_real_model(folder):
    feeds, name = feeds_of(folder), folder.name
    model = engine.load(folder / "model.onnx", threads=1)
    want = model.run(feeds)
    tensors = [key for key, value in want.items() if isinstance(value, np.ndarray)]
    options = ("--name", name, "--threads", 1)
    with (
        serving(folder / "model.onnx", *options) as server,
        triton.InferenceServerClient(f"127.0.0.1:{server.port}", network_timeout=300) as client,
    ):
        server.wait_for("/v2/health/ready", 200)
        assert client.is_server_live() and client.is_model_ready(name)
        assert [one["name"] for one in client.get_model_metadata(name)["inputs"]] == [one.name for one in model.inputs]
        assert client.get_model_repository_index() == [{"name": name, "version": "1", "state": "READY", "reason": ""}]
        for binary in (True, False):
            if not binary and not all(goes_into_json(value) for value in (*feeds.values(), *(want[key] for key in tensors))):
                continue
            outputs = [triton.InferRequestedOutput(key, binary_data=binary) for key in tensors]
            answer = client.infer(name, given(feeds, binary), outputs=outputs)
            for key in tensors:
                same(answer.as_numpy(key), want[key], binary)
        with pytest.raises(InferenceServerException) as error:
            client.infer(name, given(feeds, True)[:-1] if len(feeds) > 1 else [])
        assert error.value.status() == "400"
        if model.stats()["seconds"]["compute"]["p50"] > 1e-3:
            with pytest.raises(InferenceServerException, match="deadline") as error:
                client.infer(name, given(feeds, True), timeout=50)
            assert error.value.status() == "504"
        client.load_model(name)
        client.unload_model(name)
        assert not client.is_model_ready(name)
