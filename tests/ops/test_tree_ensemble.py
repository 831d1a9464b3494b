"""TreeEnsembleClassifier, TreeEnsembleRegressor and TreeEnsemble against a walk written in Python."""

import engine
import numpy as np
import pytest
from harness import assert_close, run_node
from onnx import helper

ML = "ai.onnx.ml"
COMPARE = {
    "BRANCH_LEQ": lambda x, t: x <= t,
    "BRANCH_LT": lambda x, t: x < t,
    "BRANCH_GTE": lambda x, t: x >= t,
    "BRANCH_GT": lambda x, t: x > t,
    "BRANCH_EQ": lambda x, t: x == t,
    "BRANCH_NEQ": lambda x, t: x != t,
}


class Forest:
    """Random trees; `votes` of a leaf: one target, or 'all', or 'some'."""

    def __init__(self, rng, trees, leaves, features, targets, modes=("BRANCH_LEQ",), nan=False, votes="one", integers=False):
        self.trees, self.targets = [], targets
        for t in range(trees):
            nodes = [None]
            open_leaves = [0]
            while len(open_leaves) < leaves:
                at = open_leaves.pop(rng.integers(len(open_leaves)))
                threshold = np.float32(rng.integers(-3, 4)) if integers else np.float32(rng.normal())
                nodes[at] = (str(rng.choice(modes)), int(rng.integers(features)), threshold, bool(nan and rng.integers(2)), len(nodes), len(nodes) + 1)
                open_leaves += [len(nodes), len(nodes) + 1]
                nodes += [None, None]
            weights = {}
            for leaf in open_leaves:
                if votes == "one":
                    chosen = [t % targets]
                elif votes == "all":
                    chosen = range(targets)
                else:
                    chosen = rng.choice(targets, size=rng.integers(0, targets + 1), replace=False)
                weights[leaf] = [(int(c), np.float32(rng.normal())) for c in chosen]
            self.trees.append((nodes, weights))

    def attributes(self, prefix):
        rows = {k: [] for k in ("treeids", "nodeids", "modes", "featureids", "values", "missing_value_tracks_true", "truenodeids", "falsenodeids")}
        votes = {k: [] for k in ("treeids", "nodeids", "ids", "weights")}
        for t, (nodes, weights) in enumerate(self.trees):
            for n, node in enumerate(nodes):
                mode, feature, value, nan, on_true, on_false = node or ("LEAF", 0, 0.0, False, 0, 0)
                for k, v in zip(rows, (t, n, mode, feature, float(value), int(nan), on_true, on_false), strict=True):
                    rows[k].append(v)
            for leaf, list_ in weights.items():
                for target, weight in list_:
                    for k, v in zip(votes, (t, leaf, target, float(weight)), strict=True):
                        votes[k].append(v)
        return {f"nodes_{k}": v for k, v in rows.items()} | {f"{prefix}_{k}": v for k, v in votes.items()}

    def leaf(self, tree, row):
        nodes, weights = tree
        at = 0
        while nodes[at]:
            mode, feature, threshold, nan, on_true, on_false = nodes[at]
            x = row[feature]
            at = on_true if (nan and np.isnan(x)) or COMPARE[mode](x, threshold) else on_false
        return weights[at]

    def scores(self, x, aggregate="SUM"):
        out, has = np.zeros((len(x), self.targets)), np.zeros((len(x), self.targets), bool)
        for i, row in enumerate(x):
            for tree in self.trees:
                for target, w in self.leaf(tree, row):
                    w = float(w)
                    if not has[i, target]:
                        out[i, target] = w
                    else:
                        out[i, target] = {"MIN": min, "MAX": max}.get(aggregate, lambda a, b: a + b)(out[i, target], w)
                    has[i, target] = True
        return (out / len(self.trees) if aggregate == "AVERAGE" else out), has


def rows(rng, n, features, special=True, integers=False):
    x = rng.integers(-4, 5, size=(n, features)).astype(np.float32) if integers else rng.normal(size=(n, features)).astype(np.float32)
    if special and n:
        for value in (np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0):
            x[rng.random(x.shape) < 0.04] = value
    return x


def regress(forest, x, aggregate="SUM", version=3, **attrs):
    attrs = forest.attributes("target") | {"n_targets": forest.targets, "aggregate_function": aggregate} | attrs
    return run_node("TreeEnsembleRegressor", [x], attrs, version, ML)[0]


MODES = [(m,) for m in COMPARE] + [tuple(COMPARE), ("BRANCH_LEQ", "BRANCH_GT")]


@pytest.mark.parametrize("nan", [False, True])
@pytest.mark.parametrize("modes", MODES, ids=lambda m: "+".join(x[7:] for x in m))
def test_modes_and_missing_values(modes, nan):
    rng = np.random.default_rng(len(modes) * 2 + nan)
    forest = Forest(rng, 13, 9, 5, 1, modes, nan, integers=True)
    x = rows(rng, 37, 5, integers=True)
    assert_close(regress(forest, x), forest.scores(x)[0].astype(np.float32))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8, 9, 17, 200])
@pytest.mark.parametrize("trees, leaves", [(1, 1), (1, 2), (3, 4), (8, 16), (70, 63), (9, 300)])
def test_sizes(n, trees, leaves):
    rng = np.random.default_rng(n + trees)
    forest = Forest(rng, trees, leaves, 11, 1)
    x = rows(rng, n, 11)
    got = regress(forest, x)
    assert_close(got, forest.scores(x)[0].astype(np.float32), atol=1e-5)
    if n > 3:
        np.testing.assert_array_equal(regress(forest, x, nodes_hitrates=[1.0]), got)


@pytest.mark.parametrize("aggregate", ["SUM", "AVERAGE", "MIN", "MAX"])
@pytest.mark.parametrize("votes", ["one", "all", "some"])
@pytest.mark.parametrize("targets", [1, 3, 10])
def test_aggregates_and_targets(aggregate, votes, targets):
    rng = np.random.default_rng(targets)
    forest = Forest(rng, 12, 7, 4, targets, votes=votes)
    x = rows(rng, 21, 4)
    base = rng.normal(size=targets).astype(np.float32)
    want = forest.scores(x, aggregate)[0]
    assert_close(regress(forest, x, aggregate), want.astype(np.float32))
    assert_close(regress(forest, x, aggregate, base_values=base.tolist()), (want + base).astype(np.float32))


def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("transform", ["NONE", "SOFTMAX", "LOGISTIC"])
def test_transforms(transform):
    rng = np.random.default_rng(0)
    forest = Forest(rng, 12, 7, 4, 3, votes="all")
    x = rows(rng, 10, 4)
    want = {"NONE": lambda s: s, "SOFTMAX": softmax, "LOGISTIC": lambda s: 1 / (1 + np.exp(-s))}[transform](forest.scores(x)[0])
    assert_close(regress(forest, x, post_transform=transform), want.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.int32])
@pytest.mark.parametrize("modes", MODES, ids=lambda m: "+".join(x[7:] for x in m))
def test_other_feature_types(dtype, modes):
    rng = np.random.default_rng(3)
    forest = Forest(rng, 9, 8, 4, 1, modes, dtype == np.float64, integers=True)
    x = rng.integers(-4, 5, size=(33, 4)).astype(dtype)
    if dtype == np.float64:
        x += rng.choice([0, 1e-12, -1e-12, 1e300, np.nan], size=x.shape, p=[0.6, 0.1, 0.1, 0.1, 0.1])
    assert_close(regress(forest, x), forest.scores(x)[0].astype(np.float32))


def test_float64_thresholds_are_exact():
    """A threshold between two float32: the comparison must be that of the numbers, for float32 and float64 features."""
    t = np.float64(np.float32(0.1)) + 1e-12
    attrs = dict(
        nodes_treeids=[0] * 3, nodes_nodeids=[0, 1, 2], nodes_featureids=[0] * 3, nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        nodes_values_as_tensor=helper.make_tensor("t", 11, [3], [t, 0, 0]), target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0],
        target_weights_as_tensor=helper.make_tensor("w", 11, [2], [1.0, 2.0]), n_targets=1,
    )  # fmt: skip
    below, above = np.float32(0.1), np.nextafter(np.float32(0.1), np.float32(1))
    for mode, want in [("LEQ", [1, 2]), ("LT", [1, 2]), ("GT", [2, 1]), ("GTE", [2, 1])]:
        modes = {"nodes_modes": [f"BRANCH_{mode}", "LEAF", "LEAF"]}
        for dtype in (np.float32, np.float64):
            x = np.array([[below], [above]], dtype)
            got = run_node("TreeEnsembleRegressor", [x], attrs | modes, 3, ML)[0]
            assert got.ravel().tolist() == want, (mode, dtype)


@pytest.mark.parametrize("votes", ["one", "all", "some"])
@pytest.mark.parametrize("strings", [False, True])
@pytest.mark.parametrize("base", [False, True])
def test_classifier_of_many_classes(votes, strings, base):
    rng = np.random.default_rng(5)
    forest = Forest(rng, 11, 6, 4, 4, votes=votes)
    x = rows(rng, 40, 4)
    labels = np.array(["a", "b", "c", "d"], object) if strings else np.array([10, 20, 30, 40])
    attrs = forest.attributes("class") | {"classlabels_strings" if strings else "classlabels_int64s": labels.tolist()}
    scores, has = forest.scores(x)
    if base:
        attrs["base_values"] = [0.1, -0.2, 0.3, 0.0]
        scores, has = scores + np.float32([0.1, -0.2, 0.3, 0.0]), np.ones_like(has)
    best = np.where(has.any(axis=1), np.argmax(np.where(has, scores, -np.inf), axis=1), 0)
    label, score = run_node("TreeEnsembleClassifier", [x], attrs, 3, ML, n_outputs=2)
    assert_close(score, scores.astype(np.float32))
    assert label.tolist() == labels[best].tolist()


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX"])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("base", [None, 0.1])
def test_classifier_with_votes_for_one_of_two_classes(transform, positive, base):
    """Probabilities (no weight below zero) are told from margins; the second class's score is given, the first's follows."""
    rng = np.random.default_rng(6)
    forest = Forest(rng, 5, 6, 4, 1)
    if positive:
        for _, weights in forest.trees:
            for leaf in weights:
                weights[leaf] = [(0, np.float32(rng.random() / 5))]
    x = rows(rng, 40, 4)
    attrs = forest.attributes("class") | {"classlabels_int64s": [7, 9], "post_transform": transform}
    if base:
        attrs["base_values"] = [base]
    s = forest.scores(x)[0][:, 0] + np.float32(base or 0)
    if transform == "LOGISTIC":
        want = np.stack([1 / (1 + np.exp(s)), 1 / (1 + np.exp(-s))], axis=1)
    else:
        want = np.stack([1 - s if positive else -s, s], axis=1)
    label, score = run_node("TreeEnsembleClassifier", [x], attrs, 3, ML, n_outputs=2)
    assert_close(score, want.astype(np.float32))
    assert label.tolist() == np.where(s > (0.5 if positive else 0), 9, 7).tolist()


def version_5(forest, dtype):
    """The same trees as attributes of TreeEnsemble: interior nodes and leaves apart. REQUIRES: one vote a leaf."""
    number = {np.float32: 1, np.float64: 11, np.float16: 10}[dtype]
    modes = {m: i for i, m in enumerate(COMPARE)}
    nodes, leaves, roots = [], [], []
    for tree, weights in forest.trees:
        place = {}
        for i, n in enumerate(tree):
            place[i] = (len(nodes), 0) if n else (len(leaves), 1)
            (nodes if n else leaves).append((n, tree) if n else weights[i][0])
        roots.append(place[0][0])
        for k in range(len(nodes)):
            if nodes[k][1] is tree:
                mode, feature, value, nan, a, b = nodes[k][0]
                nodes[k] = (modes[mode], feature, value, int(nan), *place[a], *place[b]), None
    columns = list(zip(*(n[0] for n in nodes), strict=True))
    return dict(
        tree_roots=roots, nodes_modes=helper.make_tensor("m", 2, [len(nodes)], columns[0]), nodes_featureids=columns[1],
        nodes_splits=helper.make_tensor("s", number, [len(nodes)], np.array(columns[2], dtype)), nodes_missing_value_tracks_true=columns[3],
        nodes_truenodeids=columns[4], nodes_trueleafs=columns[5], nodes_falsenodeids=columns[6], nodes_falseleafs=columns[7],
        leaf_targetids=[v[0] for v in leaves], leaf_weights=helper.make_tensor("w", number, [len(leaves)], np.array([v[1] for v in leaves], dtype)),
        n_targets=forest.targets,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("targets", [1, 3])
def test_tree_ensemble_5(dtype, targets):
    rng = np.random.default_rng(8)
    forest = Forest(rng, 9, 8, 4, targets, tuple(COMPARE), True, integers=True)
    x = rows(rng, 30, 4, integers=True).astype(dtype)
    (got,) = run_node("TreeEnsemble", [x], version_5(forest, dtype), 5, ML)
    assert_close(got, forest.scores(x)[0].astype(dtype), *((1e-2, 1e-2) if dtype == np.float16 else (1e-5, 1e-6)))


def test_set_membership():
    nan = float("nan")
    attrs = dict(
        tree_roots=[0], nodes_modes=helper.make_tensor("m", 2, [3], [6, 0, 6]), nodes_featureids=[0, 0, 1],
        nodes_splits=helper.make_tensor("s", 1, [3], [11, 2.5, 0]), membership_values=helper.make_tensor("v", 1, [8], [1.2, 3.7, 8, nan, 7, 5, nan, nan]),
        nodes_truenodeids=[1, 0, 2], nodes_trueleafs=[0, 1, 1], nodes_falsenodeids=[2, 1, 3], nodes_falseleafs=[0, 1, 1],
        leaf_targetids=[0, 1, 0, 1], leaf_weights=helper.make_tensor("w", 1, [4], [1.0, 10.0, 100.0, 1000.0]), n_targets=2,
    )  # fmt: skip
    x = np.array([[1.2, 0], [3.7, 0], [2, 7], [2, 8], [nan, 5], [8, 7]], np.float32)
    (got,) = run_node("TreeEnsemble", [x], attrs, 5, ML)
    assert got.tolist() == [[1, 0], [0, 10], [100, 0], [0, 1000], [100, 0], [0, 10]]


def stump(**changes):
    base = dict(
        nodes_treeids=[0] * 3, nodes_nodeids=[0, 1, 2], nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_featureids=[0] * 3, nodes_values=[0.0] * 3,
        nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0], target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0],
        target_weights=[1.0, 2.0], n_targets=1,
    )  # fmt: skip
    return base | changes


HOSTILE = {
    "cycle": dict(nodes_modes=["BRANCH_LEQ"] * 2 + ["LEAF"], nodes_truenodeids=[1, 0, 0]),
    "itself": dict(nodes_truenodeids=[0, 0, 0]),
    "shared": dict(nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"], nodes_truenodeids=[1, 2, 0], nodes_falsenodeids=[1, 2, 0]),
    "missing child": dict(nodes_truenodeids=[77, 0, 0]),
    "negative feature": dict(nodes_featureids=[-1, 0, 0]),
    "huge feature": dict(nodes_featureids=[2**40, 0, 0]),
    "feature beyond the row": dict(nodes_featureids=[3, 0, 0]),
    "lengths": dict(nodes_values=[0.0]),
    "mode": dict(nodes_modes=["BRANCH", "LEAF", "LEAF"]),
    "twice": dict(nodes_nodeids=[0, 1, 1]),
    "vote for no target": dict(target_ids=[0, 5]),
    "vote of no node": dict(target_nodeids=[1, 9]),
    "no targets": dict(n_targets=0),
    "negative targets": dict(n_targets=-3),
    "huge targets": dict(n_targets=2**60),
    "base": dict(base_values=[1.0, 2.0]),
    "aggregate": dict(aggregate_function="MEDIAN"),
    "transform": dict(post_transform="COSINE"),
}


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_trees_are_refused(changes):
    with pytest.raises(engine.EngineError):
        run_node("TreeEnsembleRegressor", [np.zeros((2, 3), np.float32)], stump(**changes), 3, ML)


def test_results_do_not_depend_on_threads_or_batch():
    rng = np.random.default_rng(9)
    forest = Forest(rng, 300, 31, 6, 2)
    x = rows(rng, 97, 6)
    attrs = forest.attributes("target") | {"n_targets": 2}
    one = run_node("TreeEnsembleRegressor", [x], attrs, 3, ML, threads=1)[0]
    two = run_node("TreeEnsembleRegressor", [x], attrs, 3, ML, threads=2)[0]
    assert one.tobytes() == two.tobytes()
    for n in (1, 2, 5, 50):
        part = run_node("TreeEnsembleRegressor", [x[:n]], attrs, 3, ML)[0]
        assert part.tobytes() == one[:n].tobytes()
