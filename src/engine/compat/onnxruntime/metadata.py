"""What a session tells of its model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine._core import TensorInfo
from engine.compat.onnxruntime.dtypes import type_text


class NodeArg:
    """An input or output: name, type ("tensor(float)") and shape, a list of int, str (a symbol) or None (open)."""

    __slots__ = ("name", "shape", "type")

    def __init__(self, info: TensorInfo) -> None:
        self.name = info.name
        self.type = type_text(info.dtype)
        self.shape: list[int | str | None] = list(info.shape or ())

    def __str__(self) -> str:
        return f"NodeArg(name='{self.name}', type='{self.type}', shape={self.shape})"


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What the file says of itself."""

    producer_name: str
    graph_name: str
    domain: str
    description: str
    graph_description: str
    version: int
    custom_metadata_map: dict[str, str]

    @classmethod
    def of(cls, facts: dict[str, Any], metadata: dict[str, str]) -> ModelMetadata:
        return cls(
            producer_name=facts["producer"],
            graph_name=facts["graph"],
            domain=facts["domain"],
            description=facts["description"],
            graph_description=facts["graph_description"],
            version=facts["version"],
            custom_metadata_map=metadata,
        )
