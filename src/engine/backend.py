"""The engine as a backend of the onnx package (onnx.backend.base). Needs onnx, which nothing else here does.

>>> from engine.backend import prepare
>>> outputs = prepare(onnx.load("model.onnx")).run([x])       # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx.backend.base import Backend, BackendRep, namedtupledict

import engine
from engine.errors import InvalidInput, UnsupportedOperator

__all__ = ["EngineBackend", "PreparedModel", "is_compatible", "prepare", "run_model", "run_node", "supports_device"]


class PreparedModel(BackendRep):
    """A loaded model. run takes a list of inputs in the model's order, or a dict; it returns a named tuple of the outputs."""

    def __init__(self, model: engine.Model) -> None:
        self.model = model

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """kwargs go to Model.run: timeout, request_id, cancel."""
        names = self.model.input_names
        if isinstance(inputs, Mapping):
            feeds = dict(inputs)
        elif isinstance(inputs, np.ndarray) and len(names) == 1:
            feeds = {names[0]: inputs}
        elif len(inputs) > len(names):
            raise InvalidInput(f"{len(inputs)} inputs are given; the model has {len(names)}")
        else:
            feeds = {name: value for name, value in zip(names, inputs, strict=False) if value is not None}
        answer = self.model.run(feeds, **kwargs)
        outputs: tuple[Any, ...] = namedtupledict("Outputs", list(answer))(*answer.values())
        return outputs


class EngineBackend(Backend):
    """Backend on the CPU."""

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device.partition(":")[0] == "CPU"

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        if not cls.supports_device(device):
            return False
        try:
            cls.prepare(model, device, **kwargs)
        except engine.EngineError:
            return False
        return True

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> PreparedModel:
        """kwargs go to engine.load: threads, memory_limit, optimize, ..."""
        if not cls.supports_device(device):
            raise UnsupportedOperator(f"device {device!r}; this backend computes on 'CPU'")
        return PreparedModel(engine.load(model.SerializeToString(), **kwargs))

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: Sequence[Any],
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype[Any], tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """inputs: one a named input of the node, in order. kwargs: opset_version of the node's domain (default: the newest), the rest to engine.load."""
        newest = onnx.defs.get_schema(node.op_type, domain=node.domain).since_version if node.domain else 0
        opset = kwargs.pop("opset_version", newest or onnx.defs.onnx_opset_version())
        names = [name for name in node.input if name]
        if len(inputs) != len(names):
            raise InvalidInput(f"{len(inputs)} inputs are given; the node has {len(names)}")
        graph = helper.make_graph(
            [node],
            "node",
            [_value_info(name, np.asarray(value)) for name, value in zip(names, inputs, strict=True)],
            [onnx.ValueInfoProto(name=name) for name in node.output if name],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid(node.domain, opset)])
        return cls.prepare(model, device, **kwargs).run(list(inputs))


def _value_info(name: str, array: np.ndarray[Any, Any]) -> onnx.ValueInfoProto:
    text = array.dtype.kind in "OUST"
    dtype = onnx.TensorProto.STRING if text else helper.np_dtype_to_tensor_dtype(array.dtype)
    return helper.make_tensor_value_info(name, dtype, array.shape)


prepare = EngineBackend.prepare
run_model = EngineBackend.run_model
run_node = EngineBackend.run_node
supports_device = EngineBackend.supports_device
is_compatible = EngineBackend.is_compatible
