"""A LightGBM model and the same trees as an ONNX model, for benchmarks."""

import lightgbm
import numpy as np
from onnx import TensorProto, helper


def train(trees, leaves, features=50, rows=20000, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    y = np.sin(x[:, :10]).sum(axis=1) + (x[:, 10:20] * x[:, 20:30]).sum(axis=1) + rng.normal(size=rows)
    parameters = dict(num_leaves=leaves, objective="regression", learning_rate=0.05, num_threads=1, seed=seed, verbosity=-1)
    return lightgbm.train(parameters, lightgbm.Dataset(x, y), num_boost_round=trees)


def to_onnx(booster):
    """TreeEnsembleRegressor with thresholds rounded down to float32, which decides float32 features alike."""
    nodes = {k: [] for k in ("treeids", "nodeids", "modes", "featureids", "values", "truenodeids", "falsenodeids")}
    votes = {k: [] for k in ("treeids", "nodeids", "ids", "weights")}

    def add(tree, node, number):
        """Appends `node` as `number` and what is below it; returns the next free number."""
        place = len(nodes["treeids"])
        leaf = "leaf_value" in node
        row = (tree, number, "LEAF" if leaf else "BRANCH_LEQ", 0 if leaf else node["split_feature"], 0.0 if leaf else below(node["threshold"]), 0, 0)
        for key, value in zip(nodes, row, strict=True):
            nodes[key].append(value)
        if leaf:
            for key, value in zip(votes, (tree, number, 0, node["leaf_value"]), strict=True):
                votes[key].append(value)
            return number + 1
        nodes["truenodeids"][place] = number + 1
        nodes["falsenodeids"][place] = after = add(tree, node["left_child"], number + 1)
        return add(tree, node["right_child"], after)

    for tree, info in enumerate(booster.dump_model()["tree_info"]):
        add(tree, info["tree_structure"], 0)
    attributes = {f"nodes_{k}": v for k, v in nodes.items()} | {f"target_{k}": v for k, v in votes.items()}
    node = helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1, **attributes)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", booster.num_feature()])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 1])
    graph = helper.make_graph([node], "trees", [x], [y])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def below(threshold):
    rounded = np.float32(threshold)
    return float(rounded if float(rounded) <= threshold else np.nextafter(rounded, np.float32(-np.inf)))
