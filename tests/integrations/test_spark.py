"""The lines of docs/distributed.md for Spark, local. Wants Java."""

import os
import shutil
import sys

import numpy as np
import pytest
from engine.integrations import BatchMapper
from jobs import MODEL, rows
from subprocesses import PACKAGES

pyspark = pytest.importorskip("pyspark")
if shutil.which("java") is None:
    pytest.skip("there is no Java", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore")


def test_map_in_pandas(monkeypatch):
    from pyspark.sql import SparkSession

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(PACKAGES))
    images = rows(500)
    mapper = BatchMapper(MODEL, threads=1, inputs={"image": "image"}, keep=["id"])
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        records = [(number, image.tolist()) for number, image in enumerate(images)]
        frame = spark.createDataFrame(records, "id long, image array<array<float>>").repartition(5)
        answers = frame.mapInPandas(lambda frames: map(mapper, frames), "id long, scores array<float>")
        found = answers.toPandas().sort_values("id")
    finally:
        spark.stop()
    assert found["id"].tolist() == list(range(500))
    wanted = np.concatenate([mapper.model(image[np.newaxis]) for image in images])
    np.testing.assert_allclose(np.stack(found["scores"]), wanted, rtol=1e-5, atol=1e-5)
