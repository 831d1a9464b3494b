"""A graph that was read, written back as ONNX: to run it with onnx's reference evaluator and see that it means the same."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, inliner
from onnx.reference import ReferenceEvaluator

DTYPES = {
    "float32": "FLOAT", "float64": "DOUBLE", "float16": "FLOAT16", "bfloat16": "BFLOAT16", "float8_e4m3fn": "FLOAT8E4M3FN",
    "float8_e4m3fnuz": "FLOAT8E4M3FNUZ", "float8_e5m2": "FLOAT8E5M2", "float8_e5m2fnuz": "FLOAT8E5M2FNUZ", "float8_e8m0fnu": "FLOAT8E8M0",
}  # fmt: skip


def tensor(described: tuple, name: str) -> onnx.TensorProto:
    dtype, shape, data = described
    number = getattr(onnx.TensorProto, DTYPES.get(dtype, dtype.upper()))
    if dtype == "string":
        return onnx.TensorProto(name=name, data_type=number, dims=shape, string_data=data)
    return onnx.TensorProto(name=name, data_type=number, dims=shape, raw_data=data)


def attribute(name: str, value: object) -> onnx.AttributeProto:
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        assert len(value) == 1
        return helper.make_attribute(name, tensor(value[0], ""))
    if value == []:
        return onnx.AttributeProto(name=name, type=onnx.AttributeProto.INTS)
    return helper.make_attribute(name, value)


class Writer:
    """Every value gets a name of its own; a captured input takes the name that its value has outside."""

    def __init__(self) -> None:
        self.graphs = 0

    def graph(self, graph: dict, captured: list[str]) -> onnx.GraphProto:
        self.graphs += 1
        prefix = f"g{self.graphs}_"
        formal = len(graph["inputs"]) - len(captured)
        names = {i: f"{prefix}{i}" for i in range(len(graph["values"]))}
        names |= dict(zip(graph["inputs"][formal:], captured, strict=True))
        out = onnx.GraphProto(name=f"g{self.graphs}")
        out.initializer.extend(
            tensor(v["constant"], names[i]) for i, v in enumerate(graph["values"]) if v["constant"] is not None
        )
        nodes = [self.node(node, names) for node in graph["nodes"]]
        out.input.extend(onnx.ValueInfoProto(name=names[i]) for i in graph["inputs"][:formal])
        for position, i in enumerate(graph["outputs"]):
            # Outputs need names of their own: one value may be given out twice, or be an input.
            name = f"{prefix}out{position}"
            nodes.append(helper.make_node("Identity", [names[i]], [name]))
            out.output.append(onnx.ValueInfoProto(name=name))
        out.node.extend(nodes)
        return out

    def node(self, node: dict, names: dict[int, str]) -> onnx.NodeProto:
        def listed(ids: list) -> list[str]:
            return ["" if i is None else names[i] for i in ids]

        own = len(node["inputs"]) - node["captures"]
        out = helper.make_node(
            node["op_type"], listed(node["inputs"][:own]), listed(node["outputs"]), domain=node["domain"]
        )
        out.attribute.extend(attribute(name, value) for name, value in node["attributes"].items())
        for name, body in node["bodies"].items():
            captured = listed(node["inputs"][own:])
            out.attribute.append(helper.make_attribute(name, self.graph(body, captured)))
        return out


def rebuild(read: dict) -> onnx.ModelProto:
    """A model with the same meaning. Its inputs and outputs are in the same order, under other names."""
    model = onnx.ModelProto(ir_version=read["ir_version"], graph=Writer().graph(read["graph"], []))
    for domain, version in read["opsets"].items():
        model.opset_import.add(domain=domain, version=version)
    return model


def evaluate(model: onnx.ModelProto, inputs: list) -> list:
    if model.functions:
        model = inliner.inline_local_functions(model)
    constants = {t.name for t in model.graph.initializer}
    names = [i.name for i in model.graph.input if i.name not in constants]
    return ReferenceEvaluator(model).run(None, dict(zip(names, inputs, strict=True)))


def assert_same(found: object, wanted: object) -> None:
    if isinstance(wanted, list):
        assert isinstance(found, list)
        assert len(found) == len(wanted)
        for a, b in zip(found, wanted, strict=True):
            assert_same(a, b)
    elif isinstance(wanted, np.ndarray):
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)
    else:
        assert found == wanted


def assert_same_meaning(model: onnx.ModelProto, read: dict, inputs: list) -> None:
    assert_same(evaluate(rebuild(read), inputs), evaluate(model, inputs))
