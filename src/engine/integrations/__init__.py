"""The engine under what distributes work over machines (docs/distributed.md).

BatchMapper is for all that hands over tables, Dask and Spark among them; engine.integrations.ray has more for Ray.
"""

from engine.integrations.batch_mapper import BatchMapper

__all__ = ["BatchMapper"]
