"""engine.integrations.ray.BatchMapper on a local cluster: right, in several processes, and no row lost when one is killed."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import engine
import numpy as np
import pytest
from jobs import MODEL, rows
from subprocesses import PACKAGES

ray = pytest.importorskip("ray")
pytest.importorskip("ray.data")

from engine.integrations.ray import BatchMapper  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
COUNT = 12_000
BY_ID = {"id": np.arange(COUNT)}

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    os.environ["PYTHONPATH"] = os.pathsep.join(PACKAGES)
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def images():
    return rows(COUNT)


@pytest.fixture(scope="module")
def single(images):
    """What a call for each image alone answers."""
    model = engine.load(MODEL, threads=1)
    return np.concatenate([model(image[np.newaxis]) for image in images])


def dataset(images):
    """Rows of an id and an image, in several blocks."""
    return ray.data.range(len(images), override_num_blocks=40).map_batches(
        lambda table: {"id": table["id"], "image": images[table["id"]]}
    )


class Watched(BatchMapper):
    """Tells who computed a row and with how many threads; slow enough for every worker to get some."""

    def __call__(self, table):
        rows = len(table["id"])
        time.sleep(0.1)
        return {**super().__call__(table), "worker": np.full(rows, os.getpid()), "threads": np.full(rows, self.model.threads)}


def check(tables, single):
    ids = np.concatenate([table["id"] for table in tables])
    assert sorted(ids.tolist()) == list(range(len(single)))
    scores = np.concatenate([table["scores"] for table in tables])
    np.testing.assert_allclose(scores, single[ids], rtol=1e-4, atol=1e-4)


def test_right_against_single_calls(images, single):
    answers = dataset(images).map_batches(
        Watched,
        fn_constructor_kwargs={"model": MODEL, "batch": 32, "timeout": 30, "keep": ["id"]},
        batch_size=256,
        concurrency=2,
        num_cpus=1,
    )
    tables = list(answers.iter_batches(batch_size=None))
    check(tables, single)
    assert len(np.unique(np.concatenate([table["worker"] for table in tables]))) == 2
    assert {int(threads) for table in tables for threads in np.unique(table["threads"])} == {1}


def test_a_mapper_that_travels(images, single):
    """Tasks instead of actors: the model is opened once in each process."""
    mapper = BatchMapper(MODEL, threads=1, keep=["id"])
    check(list(dataset(images).map_batches(mapper, batch_size=1000).iter_batches(batch_size=None)), single)


def test_frames(images, single):
    def scored(frame):
        frame["scores"] = [np.asarray(value) for value in frame["scores"]]
        return frame

    mapper = BatchMapper(MODEL, threads=1, keep=["id"])
    few = dataset(images).limit(500).map_batches(mapper, batch_format="pandas").map_batches(scored, batch_format="pandas")
    frame = few.to_pandas().sort_values("id")
    np.testing.assert_allclose(np.stack(frame["scores"]), single[frame["id"]], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kills", [1, 3])
def test_a_killed_worker_loses_no_row(images, single, kills):
    answers = dataset(images).map_batches(
        Watched,
        fn_constructor_kwargs={"model": MODEL, "batch": 8, "timeout": 30, "keep": ["id"]},
        batch_size=128,
        concurrency=2,
        num_cpus=1,
    )
    tables, killed = [], set()
    for table in answers.iter_batches(batch_size=None):
        tables.append(table)
        pid = int(table["worker"][0])
        if len(killed) < kills and pid not in killed:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    assert len(killed) >= min(kills, 2)
    check(tables, single)


def test_errors_name_the_rows(images):
    broken = dataset(images).limit(100).map_batches(lambda table: {**table, "image": table["image"][:, :, :5]})
    with pytest.raises(Exception, match=r"InvalidInput.*id 0 to 9") as caught:
        broken.map_batches(BatchMapper, fn_constructor_kwargs={"model": MODEL, "batch": 10, "row_id": "id"}, concurrency=1).materialize()
    assert "image" in str(caught.value)


def test_weights_are_shared(tmp_path):
    """Two workers map one file of packed weights: each has half of it to account for."""
    from harness import one_node

    path = tmp_path / "wide.onnx"
    weights = np.random.default_rng(0).standard_normal((1024, 2048)).astype(np.float32)
    path.write_bytes(one_node("MatMul", [np.zeros((1, 1024), np.float32), weights], constants=(1,)))
    folder = tmp_path / "cache"

    class Mapped(BatchMapper):
        def __call__(self, table):
            super().__call__({"x0": np.zeros((len(table["id"]), 1024), np.float32)})
            time.sleep(0.2)
            text = pathlib.Path("/proc/self/smaps").read_text()
            blocks = re.findall(rf"^[0-9a-f]+-.*{folder}.*\n((?:[A-Z].*\n)*)", text, re.MULTILINE)
            sums = [sum(int(kb) << 10 for block in blocks for kb in re.findall(rf"^{name}:\s+(\d+)", block, re.MULTILINE)) for name in ("Rss", "Pss")]
            rows = len(table["id"])
            return {"worker": np.full(rows, os.getpid()), "mapped": np.full(rows, sums[0]), "share": np.full(rows, sums[1])}

    answers = ray.data.range(40, override_num_blocks=20).map_batches(
        Mapped, fn_constructor_kwargs={"model": str(path), "cache": str(folder)}, batch_size=2, concurrency=2, num_cpus=1
    )
    frame = answers.to_pandas()
    assert frame["worker"].nunique() == 2
    assert frame["mapped"].min() > 8 << 20
    assert frame["share"].min() < 0.6 * frame["mapped"].min()


@pytest.mark.parametrize("options", [[], ["--kill"]])
def test_the_example(options):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(PACKAGES)}
    command = [sys.executable, str(ROOT / "examples" / "ray_batch.py"), "--rows", "10000", *options]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rows lost 0, twice 0, not as a single call answers 0" in done.stdout
    assert ("was killed" in done.stdout) == bool(options)
