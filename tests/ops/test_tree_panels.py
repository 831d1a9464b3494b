"""Small trees side by side: the same bits as walking them, on every instruction set."""

import numpy as np
import pytest
from harness import assert_close, run_node
from test_tree_ensemble import ML, Forest, regress, rows

import engine
from engine import _core, _testing

TIERS = _testing.supported_isas()


@pytest.fixture
def on_every_tier():
    before = engine.isa()

    def run(compute):
        results = []
        for tier in TIERS:
            _core._force_isa(tier)
            assert engine.isa() == tier
            results.append(compute())
        for tier, result in zip(TIERS, results, strict=True):
            np.testing.assert_array_equal(result, results[0], err_msg=tier)
        return results[0]

    yield run
    _core._force_isa(before)


def check(on_every_tier, forest, x, **options):
    got = on_every_tier(lambda: regress(forest, x, **options))
    assert_close(got, forest.scores(x)[0].astype(np.float32), atol=1e-4)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 8, 9, 20])
@pytest.mark.parametrize("trees, leaves", [(40, 2), (64, 8), (65, 9), (130, 33), (100, 63), (70, 64), (70, 65), (130, 200), (64, 255), (65, 256), (64, 257), (450, 3)])
def test_sizes(on_every_tier, n, trees, leaves):
    rng = np.random.default_rng(n + trees)
    check(on_every_tier, Forest(rng, trees, leaves, 11, 1, nan=True), rows(rng, n, 11))


@pytest.mark.parametrize("n", [1, 2, 7])
def test_panels_of_unlike_sizes(on_every_tier, n):
    rng = np.random.default_rng(n)
    forest = Forest(rng, 0, 1, 11, 1)
    for leaves in (1, 5, 150, 2, 30, 30, 30):
        forest.trees += Forest(rng, 64, leaves, 11, 1).trees
    check(on_every_tier, forest, rows(rng, n, 11))


def chain(rng, leaves, side):
    """Every node has a leaf on one side and the rest of the tree on the other."""
    nodes = []
    for at in range(0, 2 * leaves - 2, 2):
        leaf, rest = at + 1, at + 2
        nodes += [("BRANCH_LEQ", int(rng.integers(5)), np.float32(rng.normal()), False, *((rest, leaf) if side == "left" else (leaf, rest))), None]
    nodes.append(None)
    return nodes, {i: [(0, np.float32(rng.normal()))] for i, node in enumerate(nodes) if node is None}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("leaves", [40, 256])
def test_chains(on_every_tier, leaves, side):
    rng = np.random.default_rng(leaves)
    forest = Forest(rng, 0, 1, 5, 1)
    forest.trees = [chain(rng, leaves, side) for _ in range(70)]
    for n in (1, 6):
        check(on_every_tier, forest, rows(rng, n, 5) / 3)


@pytest.mark.parametrize("features", [30, 63, 64, 65, 127, 129, 200, 257, 300, 600])
@pytest.mark.parametrize("nan", [False, True])
def test_features(on_every_tier, features, nan):
    rng = np.random.default_rng(features)
    check(on_every_tier, Forest(rng, 128, 40, features, 1, nan=nan), rows(rng, 11, features))


@pytest.mark.parametrize("features", [1, 3])
def test_more_thresholds_than_a_byte_tells(on_every_tier, features):
    rng = np.random.default_rng(features)
    check(on_every_tier, Forest(rng, 64, 50, features, 1, nan=True), rows(rng, 40, features))


@pytest.mark.parametrize("modes", [("BRANCH_LT",), ("BRANCH_GT",), ("BRANCH_GTE",), ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE"), ("BRANCH_EQ", "BRANCH_LEQ")])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_modes(on_every_tier, modes, dtype):
    rng = np.random.default_rng(1)
    x = rows(rng, 33, 6, integers=True).astype(dtype)
    check(on_every_tier, Forest(rng, 128, 20, 6, 1, modes, True, integers=True), x)


@pytest.mark.parametrize("votes", ["one", "all", "some"])
@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("aggregate", ["SUM", "AVERAGE", "MIN", "MAX"])
def test_votes(on_every_tier, votes, targets, aggregate):
    rng = np.random.default_rng(2)
    forest, x = Forest(rng, 200, 12, 8, targets, votes=votes), rows(rng, 10, 8)
    got = on_every_tier(lambda: regress(forest, x, aggregate))
    assert_close(got, forest.scores(x, aggregate)[0].astype(np.float32), atol=1e-4)


@pytest.mark.parametrize("leaves", [20, 200])
@pytest.mark.parametrize("n", [1, 9])
def test_float64_weights_and_thresholds(on_every_tier, n, leaves):
    rng = np.random.default_rng(3)
    forest = Forest(rng, 150, leaves, 8, 1, nan=True)
    x = rows(rng, n, 8).astype(np.float64)
    x[:, 0] = np.inf
    attrs = forest.attributes("target") | {"n_targets": 1}
    values, weights = np.array(attrs.pop("nodes_values")) + 1e-12, np.array(attrs.pop("target_weights")) / 3
    from onnx import helper

    attrs["nodes_values_as_tensor"] = helper.make_tensor("v", 11, [len(values)], values)
    attrs["target_weights_as_tensor"] = helper.make_tensor("w", 11, [len(weights)], weights)
    got = on_every_tier(lambda: run_node("TreeEnsembleRegressor", [x], attrs, 3, ML)[0])
    assert_close(got, (forest.scores(x)[0] / 3).astype(np.float32), atol=1e-4)


def test_thresholds_that_are_nan_or_infinite(on_every_tier):
    rng = np.random.default_rng(4)
    forest = Forest(rng, 100, 20, 5, 1, ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE"), True)
    for nodes, _ in forest.trees:
        for i, node in enumerate(nodes):
            if node and rng.random() < 0.2:
                nodes[i] = (*node[:2], np.float32(rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0])), *node[3:])
    for dtype in (np.float32, np.float64):
        check(on_every_tier, forest, rows(rng, 40, 5).astype(dtype))
