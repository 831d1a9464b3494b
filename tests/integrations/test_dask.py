"""The lines of docs/distributed.md for Dask, on processes of this machine."""

import numpy as np
import pytest
from engine.integrations import BatchMapper
from jobs import MODEL, rows

dask = pytest.importorskip("dask")
dataframe = pytest.importorskip("dask.dataframe")
pandas = pytest.importorskip("pandas")

pytestmark = pytest.mark.filterwarnings("ignore")


def scored(images, ids, mapper):
    frame = dataframe.from_pandas(pandas.DataFrame({"image": list(images), "id": ids}), npartitions=7, sort=False)
    return frame.map_partitions(mapper, meta={"id": "i8", "digit": "O"})


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_partitions(scheduler):
    images = rows(500)
    mapper = BatchMapper(MODEL, threads=1, batch=16, outputs={"scores": "digit"}, keep=["id"])
    with dask.config.set(scheduler=scheduler, num_workers=2, **{"dataframe.convert-string": False}):
        found = scored(images, np.arange(500), mapper).compute()
    assert found["id"].tolist() == list(range(500))
    wanted = np.concatenate([mapper.model(image[np.newaxis]) for image in images])
    np.testing.assert_allclose(np.stack(found["digit"]), wanted, rtol=1e-5, atol=1e-5)
