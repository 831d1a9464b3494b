"""Sequences, strings, ai.onnx.ml, optimisers and control flow."""

import numpy as np
import onnx
from checkpoint_cases import SIZE, F32, F64, F16, I64, U8, add, graph, numbers, op, tag_of, tensor_info, words
from onnx import TensorProto, helper
from test_tree_ensemble import Forest

ML, N, WORDS = "ai.onnx.ml", SIZE, SIZE >> 5
node = helper.make_node
index = lambda *s: np.array(s[0] if len(s) == 1 else s)


def formal(name, dtype=TensorProto.FLOAT, shape=None):
    return helper.make_tensor_value_info(name, dtype, shape)


def whole(names, shape=(N // 4,)):
    return lambda: {n: numbers(*shape) for n in names}


def sequence(name, ns, nodes, outputs=("y",), inputs=whole("abcd"), covers=()):
    names = {n.op_type for n in nodes} - {"Identity"} if not callable(nodes) else ()
    graph(name, [("", n) for n in names] + list(covers), ns, nodes, inputs, outputs)


made = node("SequenceConstruct", list("abcd"), ["s"])
sequence("SequenceConstruct", 1e5, [made], ["s"])
sequence("SequenceAt", 1e5, [made, node("Constant", [], ["i"], value_int=2), node("SequenceAt", ["s", "i"], ["y"])])
sequence("SequenceInsert", 1e5, [made, node("SequenceInsert", ["s", "a"], ["y"])])
sequence("SequenceErase", 1e5, [made, node("SequenceErase", ["s"], ["y"])])
sequence("SequenceLength", 1e4, [made, node("SequenceLength", ["s"], ["y"])])
sequence("SequenceEmpty", 1e4, [node("SequenceEmpty", [], ["s"], dtype=1), node("SequenceInsert", ["s", "a"], ["y"])])
sequence("ConcatFromSequence", 1e5, [made, node("ConcatFromSequence", ["s"], ["y"], axis=0)])
sequence("ConcatFromSequence-new", 1e5, [made, node("ConcatFromSequence", ["s"], ["y"], axis=1, new_axis=1)])
sequence("SplitToSequence", 1e5, [node("SplitToSequence", ["a"], ["s"], axis=0, keepdims=0)], ["s"], lambda: {"a": numbers(20000, 16)})
sequence("SplitToSequence-columns", 1e5, [node("SplitToSequence", ["a"], ["s"], axis=1)], ["s"], lambda: {"a": numbers(N // 16, 8)})
sequence("Optional", 1e5, [node("Optional", ["a"], ["o"]), node("OptionalHasElement", ["o"], ["h"]), node("OptionalGetElement", ["o"], ["y"])], ["h", "y"])


def mapped():
    body = helper.make_graph([node("Exp", ["e"], ["f"])], "body", [formal("e")], [formal("f")])
    return [made, node("SequenceMap", ["s"], ["y"], body=body)]


sequence("SequenceMap", 1e6, mapped, covers=[("", "SequenceMap")])

op("StringConcat", lambda: [words(WORDS), words(WORDS)], ns=20 * WORDS)
op("StringSplit", lambda: [words(WORDS, text="a {} b c")], {"delimiter": " "}, n_outputs=2, ns=50 * WORDS)
op("StringNormalizer", lambda: [words(WORDS)], {"case_change_action": "UPPER", "stopwords": ["word 7"]}, ns=20 * WORDS)
op("StringNormalizer", lambda: [np.array(["AbcdefghIjk" * 50000] * 4, object)], {"case_change_action": "LOWER"}, ns=1e5, tag="long")
op("StringSplit", lambda: [np.array(["a b " * 100000] * 4, object)], n_outputs=2, ns=1e5, tag="long")
op("RegexFullMatch", lambda: [words(WORDS // 4)], {"pattern": "w[a-z]+ [0-9]+"}, ns=20 * WORDS)
op("RegexFullMatch", lambda: [np.array(["ab" * 200000] * 2, object)], {"pattern": "(a|b)*"}, ns=1e6, tag="long")
grams = {"mode": "TFIDF", "min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 1, "ngram_counts": [0, 2], "ngram_indexes": [0, 1, 2]}
op("TfIdfVectorizer", lambda: [numbers(64, 4096, dtype=I64)], {**grams, "pool_int64s": [3, 4, 5, 6]}, tag="rows", ns=1e6)
op("TfIdfVectorizer", lambda: [numbers(N // 16, dtype=I64)], {**grams, "pool_int64s": [3, 4, 5, 6]}, tag="line", ns=1e6)
op("TfIdfVectorizer", lambda: [words(WORDS)], {**grams, "pool_strings": ["word 3", "word 4", "word 5", "word 6"]}, tag="string", ns=1e6)

keys = list(range(100))
op("LabelEncoder", lambda: [numbers(N // 4, dtype=I64)], {"keys_int64s": keys, "values_floats": [float(k) for k in keys]}, domain=ML, opset=2, tag="int64", ns=N / 4)
op("LabelEncoder", lambda: [words(WORDS)], {"keys_strings": ["word 7", "word 8"], "values_int64s": [1, 2]}, domain=ML, opset=2, tag="string", ns=10 * WORDS)
op("LabelEncoder", lambda: [numbers(WORDS, dtype=I64)], {"keys_int64s": keys, "values_strings": [f"a long word that needs memory {k}" for k in keys]}, domain=ML, opset=2, tag="to-string", ns=10 * WORDS)
op("CategoryMapper", lambda: [numbers(WORDS, dtype=I64)], {"cats_int64s": keys, "cats_strings": [str(k) for k in keys]}, domain=ML, opset=1, tag="int64", ns=5 * WORDS)
op("CategoryMapper", lambda: [words(WORDS)], {"cats_int64s": [1], "cats_strings": ["word 7"]}, domain=ML, opset=1, tag="string", ns=10 * WORDS)
for dtype in (F32, F64, I64):
    t = tag_of(dtype)
    rows = lambda dtype=dtype: [numbers(N // 64, 64, dtype=dtype)]
    op("Binarizer", rows, {"threshold": 0.5}, domain=ML, opset=1, tag=t, ns=0.05 * N)
    op("Scaler", rows, {"offset": [0.5], "scale": [2.0]}, domain=ML, opset=1, tag=t, ns=0.05 * N)
    op("Normalizer", rows, {"norm": "L2"}, domain=ML, opset=1, tag=t, ns=0.05 * N)
    op("Normalizer", lambda dtype=dtype: [numbers(1, N, dtype=dtype)], {"norm": "L2"}, domain=ML, opset=1, tag=f"row-{t}", ns=0.05 * N)
    replaced = {"replaced_value_int64": 3, "imputed_value_int64s": [9]} if dtype is I64 else {"replaced_value_float": 0.5, "imputed_value_floats": [9.0]}
    op("Imputer", rows, replaced, domain=ML, opset=1, tag=t, ns=0.05 * N)
    op("FeatureVectorizer", lambda dtype=dtype: [numbers(N // 64, 32, dtype=dtype), numbers(N // 64, 32, dtype=dtype)], {"inputdimensions": [32, 32]}, domain=ML, opset=1, tag=t, ns=0.05 * N)
    op("ArrayFeatureExtractor", lambda dtype=dtype: [numbers(N // 64, 64, dtype=dtype), numbers(32, dtype=I64, low=0, high=64)], domain=ML, opset=1, tag=t, ns=0.05 * N)
    op("OneHotEncoder", lambda dtype=dtype: [numbers(N // 64, dtype=dtype, low=0, high=64)], {"cats_int64s": list(range(64))}, domain=ML, opset=1, tag=t, ns=0.05 * N)
    weights = numbers(8 * 64).tolist()
    for tag, shape in {"rows": (N // 256, 64), "row": (1, N // 64)}.items():
        w = weights if tag == "rows" else numbers(2 * shape[1]).tolist()
        many = len(w) // shape[1]
        op("LinearRegressor", lambda dtype=dtype, shape=shape: [numbers(*shape, dtype=dtype)], {"coefficients": w, "targets": many}, domain=ML, opset=1, tag=f"{tag}-{t}", ns=1e4)
        op("LinearClassifier", lambda dtype=dtype, shape=shape: [numbers(*shape, dtype=dtype)],
           {"coefficients": w, "intercepts": [0.1] * many, "classlabels_ints": list(range(many)), "post_transform": "SOFTMAX"}, domain=ML, opset=1, n_outputs=2, tag=f"{tag}-{t}", ns=1e4)  # fmt: skip
    for tag, rows_, supports, width in [("rows", 4000, 50, 16), ("row", 2, 2000, 500)]:
        common = {"support_vectors": numbers(supports * width).tolist(), "kernel_type": "RBF", "kernel_params": [0.3, 0.2, 3.0]}
        x = lambda dtype=dtype, r=rows_, w=width: [numbers(r, w, dtype=dtype)]
        op("SVMRegressor", x, {**common, "coefficients": numbers(supports).tolist(), "n_supports": supports, "rho": [0.4]}, domain=ML, opset=1, tag=f"{tag}-{t}", ns=2e5)
        op("SVMClassifier", x, {**common, "coefficients": numbers(2 * supports).tolist(), "vectors_per_class": [supports // 2, supports // 4, supports - supports // 2 - supports // 4],
           "rho": [0.1, 0.2, 0.3], "classlabels_ints": [1, 2, 3]}, domain=ML, opset=1, n_outputs=2, tag=f"{tag}-{t}", ns=2e5)  # fmt: skip

forest = Forest(np.random.default_rng(0), 200, 31, 20, 3)
wood = Forest(np.random.default_rng(0), 4000, 31, 20, 3)
for dtype in (F32, F64):
    t = tag_of(dtype)
    for tag, f, rows_ in [("rows", forest, 4000), ("row", wood, 1)]:
        x = lambda dtype=dtype, r=rows_: [numbers(r, 20, dtype=dtype, low=-2, high=2)]
        op("TreeEnsembleRegressor", x, {**f.attributes("target"), "n_targets": 3}, domain=ML, opset=3, tag=f"{tag}-{t}", ns=5e4)
        op("TreeEnsembleClassifier", x, {**f.attributes("class"), "classlabels_int64s": [0, 1, 2]}, domain=ML, opset=3, n_outputs=2, tag=f"{tag}-{t}", ns=5e4)


def one_tree():
    tensor = lambda name, values, kind: helper.make_tensor(name, kind, [len(values)], values)
    depth, float_, byte = 12, TensorProto.FLOAT, TensorProto.UINT8
    inner = (1 << depth) - 1
    leaf = [int(2 * i + 1 >= inner) for i in range(inner)]
    target = [2 * i + 1 - inner if leaf[i] else 2 * i + 1 for i in range(inner)]
    other = [2 * i + 2 - inner if leaf[i] else 2 * i + 2 for i in range(inner)]
    attrs = {"nodes_featureids": [i % 20 for i in range(inner)], "nodes_splits": tensor("s", [((i * 37) % 100) / 50 - 1 for i in range(inner)], float_),
             "nodes_modes": tensor("m", [0] * inner, byte), "nodes_truenodeids": target, "nodes_falsenodeids": other, "nodes_trueleafs": leaf,
             "nodes_falseleafs": leaf, "leaf_targetids": [0] * (inner + 1), "leaf_weights": tensor("w", [float(i) for i in range(inner + 1)], float_),
             "tree_roots": [0], "n_targets": 1}  # fmt: skip
    return node("TreeEnsemble", ["x"], ["y"], domain=ML, **attrs)


graph("ai.onnx.ml-TreeEnsemble", [(ML, "TreeEnsemble")], 1e6, lambda: [one_tree()], lambda: {"x": numbers(1 << 17, 20)}, ["y"], domains=[(ML, 5)])
op("ZipMap", lambda: [numbers(20000, 3)], {"classlabels_strings": ["a", "b", "c"]}, domain=ML, opset=1, ns=1e6)


def with_map(op_type, key, value, feed, **attrs):
    def make():
        kind = helper.make_map_type_proto(key, helper.make_tensor_type_proto(value, []))
        inputs = [helper.make_value_info("x", kind)]
        g = helper.make_graph([node(op_type, ["x"], ["y"], domain=ML, **attrs)], "map", inputs, [onnx.ValueInfoProto(name="y")])
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(ML, 1)]
        return helper.make_model(g, opset_imports=opsets, ir_version=10).SerializeToString(), [feed()]

    add(f"{ML}-{op_type}", [(ML, op_type)], 1e6, make)


def wide_map():
    return {"keys": np.arange(100000), "values": numbers(100000)}


with_map("DictVectorizer", TensorProto.INT64, TensorProto.FLOAT, wide_map, int64_vocabulary=list(range(100000)))
with_map("CastMap", TensorProto.INT64, TensorProto.FLOAT, wide_map, cast_to="TO_FLOAT", map_form="DENSE", max_map=0)

TRAINING = "ai.onnx.preview.training"
for dtype in (F32, F64):
    tensors = lambda n, dtype=dtype: [np.array(0.5, dtype), np.array(3), *[numbers(N // 4, dtype=dtype, low=0.1) for _ in range(n)]]
    for name, n, n_outputs, attrs in [("Adagrad", 3, 2, {}), ("Adam", 4, 3, {}), ("Momentum", 3, 2, {"alpha": 0.75, "beta": 0.5, "norm_coefficient": 0.25, "mode": "standard"})]:
        op(name, lambda n=n, tensors=tensors: tensors(n), attrs, domain=TRAINING, opset=1, n_outputs=n_outputs, tag=tag_of(dtype), ns=0.1 * N)


def branches():
    then = helper.make_graph([node("Exp", ["x"], ["t"])], "then", [], [formal("t", shape=[None])])
    other = helper.make_graph([node("Neg", ["x"], ["e"])], "else", [], [formal("e", shape=[None])])
    return [node("If", ["c"], ["y"], then_branch=then, else_branch=other)]


graph("If", [("", "If")], 0.1 * N, branches, lambda: {"c": np.array(True), "x": numbers(N)}, ["y"])


def loop(body_nodes, scan=False):
    outputs = [formal("c2", TensorProto.BOOL, []), formal("s2")] + ([formal("e")] if scan else [])
    body = helper.make_graph([node("Identity", ["c"], ["c2"]), *body_nodes], "body",
                             [formal("i", TensorProto.INT64, []), formal("c", TensorProto.BOOL, []), formal("s")], outputs)  # fmt: skip
    return [node("Loop", ["n", "", "x"], ["y"] + (["z"] if scan else []), body=body)]


few = lambda n, shape: lambda: {"n": np.array(n), "x": numbers(*shape)}
graph("Loop-many", [("", "Loop")], 1e6, lambda: loop([node("Add", ["s", "x"], ["s2"])]), few(5000, (16,)), ["y"])
graph("Loop-large", [("", "Loop")], 1e6, lambda: loop([node("Exp", ["s"], ["s2"])]), few(3, (N // 4,)), ["y"])
graph("Loop-scan", [("", "Loop")], 1e6, lambda: loop([node("Neg", ["s"], ["s2"]), node("Identity", ["s2"], ["e"])], True), few(8, (N // 16,)), ["y", "z"])
graph("Loop-passes", [("", "Loop")], 1e4, lambda: loop([node("Identity", ["s"], ["s2"])]), few(3, (N,)), ["y"])


def scan(body_nodes, directions=None):
    body = helper.make_graph(body_nodes, "body", [formal("s"), formal("e")], [formal("s2"), formal("f")])
    return [node("Scan", ["x", "v"], ["y", "z"], body=body, num_scan_inputs=1, **(directions or {}))]


add_nodes = [node("Add", ["s", "e"], ["s2"]), node("Mul", ["s2", "e"], ["f"])]
for tag, steps, width in [("many", 5000, 16), ("large", 4, N // 16)]:
    graph(f"Scan-{tag}", [("", "Scan")], 5e5, lambda: scan(add_nodes), lambda s=steps, w=width: {"x": numbers(w), "v": numbers(s, w)}, ["y", "z"])
graph("Scan-columns", [("", "Scan")], 5e5, lambda: scan(add_nodes, {"scan_input_axes": [1], "scan_output_axes": [1]}),
      lambda: {"x": numbers(N // 16), "v": numbers(N // 16, 4)}, ["y", "z"])  # fmt: skip
graph("Scan-reshaped", [("", "Scan")], 5e5, lambda: scan([node("Exp", ["s"], ["s2"]), node("NonZero", ["e"], ["f0"]), node("Cast", ["f0"], ["f"], to=1)]),
      lambda: {"x": numbers(1), "v": numbers(4, N // 64)}, ["y", "z"])  # fmt: skip
_ = (F16, U8, tensor_info)

op("ByteTable", lambda: [numbers(16 * SIZE, dtype=U8), np.arange(256, dtype=U8)], domain="engine", opset=1, ns=5e4)
op("ByteMaxPool", lambda: [numbers(1, 224, 224, 64, dtype=U8)], {"kernel_shape": [3, 3]}, domain="engine", opset=1, ns=1e5)
op("DequantizedMean", lambda: [numbers(1, 224, 224, 64, dtype=U8), np.float32(0.01), np.uint8(3)], {"channels_last": 1}, domain="engine", opset=1, ns=1e5)
op("ScatterRows", lambda: [numbers(4096, 512), np.arange(2048), numbers(2048, 512)], {"axis": 0, "reduction": "add"}, domain="engine", opset=1, ns=5e4)
op("DepthToSpace", lambda: [numbers(1, 224, 224, 64)], {"blocksize": 2}, domain="engine", opset=1, ns=1e5)
