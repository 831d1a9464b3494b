"""The engine under Ray: a mapper for ray.data, a deployment for Ray Serve (extra engine[ray]). Ray is imported when it is used.

>>> from engine.integrations.ray import BatchMapper, deployment
>>> dataset.map_batches(BatchMapper, fn_constructor_kwargs={"model": "model.onnx"}, concurrency=4)    # doctest: +SKIP
>>> serve.run(deployment(num_replicas=2).bind("model.onnx"))                                          # doctest: +SKIP
"""

from engine.integrations.ray.data import BatchMapper
from engine.integrations.ray.serving import deployment

__all__ = ["BatchMapper", "deployment"]
