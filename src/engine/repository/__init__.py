"""A folder of models, watched: engine.watch.

<folder>/<name>/<number>/model.onnx          a version: a folder whose name is a number
<folder>/<name>/<number>/model.json          its manifest (optional; written last, so that it says that the version is whole)
<folder>/<name>/labels.json                  {"stable": 3, "canary": 4} (optional)
"""

from engine.repository.events import Event
from engine.repository.handle import ModelHandle
from engine.repository.repository import Repository
from engine.repository.status import VersionStatus
from engine.repository.watching import watch

__all__ = ["Event", "ModelHandle", "Repository", "VersionStatus", "watch"]
