"""Small models for the tests of the front for ONNX Runtime users."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
info = helper.make_tensor_value_info


def model(nodes, inputs, outputs, initializers=(), opset=17, ir_version=9, domains=()):
    """The bytes of a model that says something of itself."""
    graph = helper.make_graph(nodes, "little", inputs, outputs, list(initializers), doc_string="of the graph")
    opsets = [helper.make_opsetid("", opset), *[helper.make_opsetid(*domain) for domain in domains]]
    made = helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=ir_version,
        producer_name="tests",
        producer_version="1",
        domain="org.example",
        model_version=7,
        doc_string="of the model",
    )
    made.metadata_props.add(key="labels", value="a,b")
    return made.SerializeToString()


def product():
    """y = x @ I, z = -y for x [N, 4]; z's shape is not declared."""
    return model(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="product"), helper.make_node("Neg", ["y"], ["z"])],
        [info("x", FLOAT, ["N", 4])],
        [info("y", FLOAT, ["N", 4]), info("z", FLOAT, ["N", 4])],
        [numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")],
    )


def overridable(ir_version=9):
    """y = x + w, where w [1] is an input with the default 1."""
    return model(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        [info("x", FLOAT, ["n"]), info("w", FLOAT, [1])],
        [info("y", FLOAT, ["n"])],
        [numpy_helper.from_array(np.ones(1, np.float32), "w")],
        ir_version=ir_version,
    )


def sequences():
    """Identities of a sequence of floats, a float of any rank and strings."""
    sequence = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, ["a", None]))
    return model(
        [
            helper.make_node("Identity", ["s"], ["s_out"]),
            helper.make_node("Identity", ["u"], ["u_out"]),
            helper.make_node("Identity", ["t"], ["t_out"]),
        ],
        [
            helper.make_value_info("s", sequence),
            info("u", FLOAT, None),
            info("t", TensorProto.STRING, [None, "k", 3]),
        ],
        [
            helper.make_value_info("s_out", sequence),
            info("u_out", FLOAT, None),
            info("t_out", TensorProto.STRING, [None, "k", 3]),
        ],
    )


def optional():
    """Whether an optional float [2] is there."""
    kind = helper.make_optional_type_proto(helper.make_tensor_type_proto(FLOAT, [2]))
    return model(
        [helper.make_node("OptionalHasElement", ["o"], ["y"])],
        [helper.make_value_info("o", kind)],
        [info("y", TensorProto.BOOL, [])],
        opset=18,
    )


def classifier():
    """A linear classifier with its probabilities as a sequence of maps, as scikit-learn's converter writes it."""
    nodes = [
        helper.make_node(
            "LinearClassifier",
            ["x"],
            ["label", "scores"],
            domain="ai.onnx.ml",
            coefficients=[1.0, 0.0, 0.0, 1.0, -1.0, -1.0],
            intercepts=[0.0, 0.0, 0.5],
            classlabels_ints=[10, 20, 30],
            post_transform="SOFTMAX",
        ),
        helper.make_node("ZipMap", ["scores"], ["probabilities"], domain="ai.onnx.ml", classlabels_int64s=[10, 20, 30]),
    ]
    maps = helper.make_sequence_type_proto(
        helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(FLOAT, []))
    )
    return model(
        nodes,
        [info("x", FLOAT, [None, 2])],
        [info("label", TensorProto.INT64, [None]), helper.make_value_info("probabilities", maps)],
        domains=[("ai.onnx.ml", 1)],
    )


def sums(values):
    """y = x + values: x of another length is an error of the node."""
    return model(
        [helper.make_node("Add", ["x", "w"], ["y"], name="sum")],
        [info("x", FLOAT, ["n"])],
        [info("y", FLOAT, None)],
        [numpy_helper.from_array(np.asarray(values, np.float32), "w")],
    )


def large_product(n):
    """y = x @ w of n by n, one node that computes for long."""
    return model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [info("x", FLOAT, [n, n]), info("w", FLOAT, [n, n])],
        [info("y", FLOAT, [n, n])],
    )
