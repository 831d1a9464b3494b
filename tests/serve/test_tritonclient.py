"""tritonclient[http], as it is, against `engine serve`."""

import pathlib

import engine
import numpy as np
import pytest
from servicing import ENDLESS, counting_model

pytest.importorskip("uvicorn")
triton = pytest.importorskip("tritonclient.http")

from serving import serving  # noqa: E402
from tritonclient.utils import InferenceServerException  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples" / "digits"
SAMPLE = np.load(FOLDER / "sample.npy")[np.newaxis].astype(np.float32)


@pytest.fixture(scope="module")
def server():
    with serving(FOLDER / "digits.onnx") as running:
        running.wait_for("/v2/health/ready", 200)
        yield running


@pytest.fixture(scope="module")
def client(server):
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as made:
        yield made


def image(binary):
    given = triton.InferInput("image", list(SAMPLE.shape), "FP32")
    given.set_data_from_numpy(SAMPLE, binary_data=binary)
    return [given]


def test_health_and_metadata(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("digits")
    assert client.is_model_ready("digits", "1")
    assert not client.is_model_ready("unknown")
    assert client.get_server_metadata()["name"] == "engine"
    assert client.get_model_metadata("digits")["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 8, 8]}]
    assert client.get_model_repository_index() == [{"name": "digits", "version": "1", "state": "READY", "reason": ""}]


@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
@pytest.mark.parametrize("wanted", ["all", "binary", "json"])
@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_infer(client, binary, wanted, compression):
    outputs = None if wanted == "all" else [triton.InferRequestedOutput("scores", binary_data=wanted == "binary")]
    answer = client.infer("digits", image(binary), outputs=outputs, request_id="r-1", request_compression_algorithm=compression)
    expected = engine.load(FOLDER / "digits.onnx")(SAMPLE)
    got = answer.as_numpy("scores")
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert answer.get_response()["id"] == "r-1"
    assert answer.get_response()["model_version"] == "1"


def test_errors(client):
    with pytest.raises(InferenceServerException, match="unknown") as error:
        client.infer("unknown", image(True))
    assert error.value.status() == "404"
    wrong = triton.InferInput("image", [1, 8, 8], "FP64")
    wrong.set_data_from_numpy(SAMPLE.astype(np.float64))
    with pytest.raises(InferenceServerException, match="dtype") as error:
        client.infer("digits", [wrong])
    assert error.value.status() == "400"


def test_load_and_unload():
    with serving(FOLDER / "digits.onnx") as server, triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        server.wait_for("/v2/health/ready", 200)
        client.load_model("digits")
        assert client.infer("digits", image(True)).get_response()["model_version"] == "2"
        client.unload_model("digits")
        assert not client.is_model_ready("digits")
        with pytest.raises(InferenceServerException) as error:
            client.infer("digits", image(True))
        assert error.value.status() == "503"
        client.load_model("digits")
        assert client.is_model_ready("digits")
        with pytest.raises(InferenceServerException) as error:
            client.load_model("unknown")
        assert error.value.status() == "404"


def test_timeout(tmp_path):
    path = tmp_path / "counting.onnx"
    path.write_bytes(counting_model())
    with serving(path) as server, triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        server.wait_for("/v2/health/ready", 200)
        n = triton.InferInput("n", [], "INT64")
        n.set_data_from_numpy(np.array(ENDLESS, np.int64))
        x = triton.InferInput("x", [2], "FP32")
        x.set_data_from_numpy(np.zeros(2, np.float32))
        with pytest.raises(InferenceServerException, match="deadline") as error:
            client.infer("counting", [n, x], timeout=20_000)
        assert error.value.status() == "504"
