"""A model over files, on several processes of one machine: what `engine map` does.

>>> import engine
>>> from engine.mapping import map_files
>>> map_files(engine.load("model.onnx"), ["x=images.npy"], "answers", workers=4)    # doctest: +SKIP
"""

from engine.mapping.inputs import open_inputs
from engine.mapping.run import Report, map_files

__all__ = ["Report", "map_files", "open_inputs"]
