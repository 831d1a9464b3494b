"""A repository behind the server: versions, labels of metrics, load and unload, new versions while it serves."""

import pathlib
import shutil

import engine
import engine.serve
import pytest
from asking import ask, entry, infer

pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from serving import serving  # noqa: E402

DIGITS = pathlib.Path(__file__).resolve().parents[2] / "examples" / "digits" / "digits.onnx"
IMAGE = [entry("image", "FP32", [1, 8, 8], [0.0] * 64)]


def add_version(folder, number, name="digits"):
    """Arrives whole, by renaming its folder."""
    coming = folder.parent / f"coming-{name}-{number}"
    coming.mkdir()
    shutil.copy(DIGITS, coming / "model.onnx")
    (folder / name).mkdir(parents=True, exist_ok=True)
    coming.rename(folder / name / str(number))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "models"
    add_version(made, 3)
    add_version(made, 1, "other")
    return made


def test_in_an_application(folder):
    with engine.watch(folder, poll=None, settle=0.0) as repository:
        app = engine.serve.app(repository)
        assert ask(app, "GET", "/v2/health/ready").status == 200
        for path in ("", "/versions/3"):
            for _ in range(3):
                assert infer(app, "digits", IMAGE, path=path).json["model_version"] == "3"
        assert infer(app, "digits", IMAGE, path="/versions/4").status == 404
        assert infer(app, "unknown", IMAGE).status == 404
        assert ask(app, "GET", "/v2/models/digits").json["versions"] == ["3"]
        index = ask(app, "POST", "/v2/repository/index").json
        assert [(row["name"], row["version"], row["state"]) for row in index] == [("digits", "3", "READY"), ("other", "1", "READY")]
        add_version(folder, 4)
        repository.refresh()
        assert infer(app, "digits", IMAGE).json["model_version"] == "4"
        text = ask(app, "GET", "/metrics").body.decode()
        assert 'engine_requests_total{model="digits",outcome="ok",version="3"} 6.0' in text
        assert 'engine_requests_total{model="digits",outcome="ok",version="4"} 1.0' in text
        assert ask(app, "POST", "/v2/repository/models/other/unload").status == 200
        assert infer(app, "other", []).status == 503
        assert ask(app, "GET", "/v2/models/other/ready").status == 503
        assert ask(app, "POST", "/v2/repository/models/other/load").status == 200
        assert ask(app, "GET", "/v2/models/other/ready").status == 200
        assert ask(app, "POST", "/v2/repository/models/unknown/load").status == 404


def test_as_a_program(folder):
    with serving(folder, "--drain-delay", 0.1) as server:
        server.wait_for("/v2/health/ready", 200)
        assert server.infer("digits", IMAGE)[0] == 200
        add_version(folder, 4)
        server.wait_for("/v2/models/digits/versions/4/ready", 200)
        assert server.infer("digits", IMAGE)[0] == 200
        assert server.total("engine_requests_total", outcome="ok", model="digits") == 2
        assert server.total("engine_requests_total", outcome="ok", version="4") == 1
        server.signal()
        code, log = server.ended()
        assert code == 0
        assert {"loaded", "server_started", "server_stopped"} <= {line.get("event") for line in log}
