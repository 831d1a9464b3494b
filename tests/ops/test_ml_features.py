"""ai.onnx.ml: preparation of features, categories and maps."""

import engine
import numpy as np
import pytest
from harness import assert_close, assert_same, run_node
from onnx import TensorProto, helper

ML = "ai.onnx.ml"
NUMBERS = [np.float32, np.float64, np.int32, np.int64]


def run(op, inputs, version=1, n_outputs=1, **attrs):
    got = run_node(op, inputs, attrs, version, ML, n_outputs)
    return got[0] if n_outputs == 1 else got


def numbers(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) * 5).astype(dtype)


def texts(*words):
    return np.array(words, object)


@pytest.mark.parametrize("dtype", [*NUMBERS, object])
@pytest.mark.parametrize("shape", [(6,), (4, 6), (2, 3, 6), (0, 6)])
def test_array_feature_extractor(dtype, shape):
    x = np.arange(np.prod(shape)).reshape(shape)
    x = x.astype(str).astype(object) if dtype is object else x.astype(dtype)
    index = np.array([[0, 5, 2, 2]])
    want = x[..., index.ravel()]
    assert_same(run("ArrayFeatureExtractor", [x, index]), want.reshape(1, -1) if x.ndim == 1 else want)


@pytest.mark.parametrize("index", [6, -1])
def test_array_feature_extractor_refuses_indices(index):
    with pytest.raises(engine.InvalidInput, match="out of range"):
        run("ArrayFeatureExtractor", [np.zeros((2, 6), np.float32), np.array([index])])


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("shape", [(), (7,), (3, 1, 5), (0, 4)])
def test_binarizer(dtype, shape):
    x = numbers(shape, dtype)
    assert_same(run("Binarizer", [x], threshold=1.0), (x > 1).astype(dtype))


def test_binarizer_of_nan():
    assert run("Binarizer", [np.array([np.nan, np.inf, -0.0], np.float32)]).tolist() == [0, 1, 0]


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("per_feature", [False, True])
def test_scaler(dtype, per_feature):
    x = numbers((9, 5), dtype)
    n = 5 if per_feature else 1
    scale, offset = numbers(n, np.float32, 1), numbers(n, np.float32, 2)
    want = ((x - offset.astype(np.float64)) * scale).astype(np.float32)
    assert_close(run("Scaler", [x], scale=scale.tolist(), offset=offset.tolist()), want, atol=1e-5)


def test_scaler_refuses_lengths():
    for attrs in (dict(scale=[1.0, 2.0], offset=[1.0]), dict(scale=[1.0, 2.0], offset=[1.0, 1.0])):
        with pytest.raises(engine.EngineError, match="scale"):
            run("Scaler", [np.zeros((2, 3), np.float32)], **attrs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("replaced", [np.nan, -1.0])
@pytest.mark.parametrize("per_feature", [False, True])
def test_imputer_of_floats(dtype, replaced, per_feature):
    x = numbers((6, 4), dtype)
    x[::2, 1] = replaced
    values = numbers(4 if per_feature else 1, np.float32, 3)
    hit = np.isnan(x) if np.isnan(replaced) else x == replaced
    want = np.where(hit, np.broadcast_to(values.astype(dtype), x.shape), x)
    assert_same(run("Imputer", [x], imputed_value_floats=values.tolist(), replaced_value_float=replaced), want)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_imputer_of_integers(dtype):
    x = np.array([[1, -1], [-1, 3]], dtype)
    got = run("Imputer", [x], imputed_value_int64s=[7, 8], replaced_value_int64=-1)
    assert_same(got, np.array([[1, 8], [7, 3]], dtype))


@pytest.mark.parametrize("norm", ["MAX", "L1", "L2"])
@pytest.mark.parametrize("dtype", NUMBERS)
def test_normalizer(norm, dtype):
    x = numbers((7, 5), dtype)
    x[2] = 0
    wide = x.astype(np.float64)
    by = {"MAX": wide.max(1), "L1": np.abs(wide).sum(1), "L2": np.sqrt((wide**2).sum(1))}[norm][:, None]
    assert_close(run("Normalizer", [x], norm=norm), (wide / np.where(by == 0, 1, by)).astype(np.float32))


def test_feature_vectorizer():
    a, b, c = numbers((4, 2), np.float32), numbers((4, 3), np.float32), numbers((4, 1), np.float32)
    assert_same(run("FeatureVectorizer", [a, b, c], inputdimensions=[2, 3, 1]), np.concatenate([a, b, c], axis=1))
    assert_same(run("FeatureVectorizer", [a.astype(np.int64)], inputdimensions=[3])[:, :2], a.astype(np.int64).astype(np.float32))


def test_one_hot_encoder():
    for x in (np.array([[1, 3], [2, 9]]), np.array([[1, 3], [2, 9]], np.int32), np.array([[1.9, 3], [2, 9]], np.float32)):
        got = run("OneHotEncoder", [x], cats_int64s=[1, 2, 3])
        want = (x.astype(np.int64)[..., None] == np.array([1, 2, 3])).astype(np.float32)
        assert_same(got, want)
    got = run("OneHotEncoder", [texts("b", "z")], cats_strings=["a", "b"])
    assert got.tolist() == [[0, 1], [0, 0]]
    with pytest.raises(engine.InvalidInput, match="categories"):
        run("OneHotEncoder", [texts("b", "z")], cats_strings=["a", "b"], zeros=0)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 300])
def test_one_hot_encoder_of_few_and_of_many_categories(count):
    known = [f"category {i}" for i in range(count)]
    at = np.append(np.arange(count), [count, 0])
    asked = texts(*(f"category {i}" for i in at))
    want = (at[:, None] == np.arange(count)).astype(np.float32)
    assert_same(run("OneHotEncoder", [asked], cats_strings=known), want)
    assert_same(run("OneHotEncoder", [at * 3], cats_int64s=[3 * i for i in range(count)]), want)


@pytest.mark.parametrize("count", [2, 8, 9, 300])
def test_label_encoder_takes_the_last_of_keys_given_twice(count):
    keys = np.array([np.nan, *range(count), 0.0, np.nan], np.float32)
    asked = np.array([0, count - 1, np.nan, count], np.float32)
    got = run("LabelEncoder", [asked], 2, keys_floats=keys.tolist(), values_floats=np.arange(float(len(keys))).tolist(), default_float=-1.0)
    assert got.tolist() == [count + 1, count, count + 2, -1]


def test_category_mapper():
    attrs = dict(cats_strings=["a", "b"], cats_int64s=[5, 6], default_int64=-7, default_string="?")
    assert run("CategoryMapper", [texts("b", "x", "a")], **attrs).tolist() == [6, -7, 5]
    assert run("CategoryMapper", [np.array([6, 1])], **attrs).tolist() == ["b", "?"]


def test_label_encoder_of_version_1():
    attrs = dict(classes_strings=["a", "b", "c"], default_int64=-7, default_string="?")
    assert run("LabelEncoder", [texts("c", "x")], **attrs).tolist() == [2, -7]
    assert run("LabelEncoder", [np.array([1, 3])], **attrs).tolist() == ["b", "?"]


@pytest.mark.parametrize("version", [2, 4])
def test_label_encoder_lists(version):
    assert run("LabelEncoder", [texts("b", "x")], version, keys_strings=["a", "b"], values_int64s=[3, 4]).tolist() == [4, -1]
    assert run("LabelEncoder", [np.array([[2], [8]])], version, keys_int64s=[1, 2], values_strings=["u", "v"]).tolist() == [["v"], ["_Unused"]]
    got = run("LabelEncoder", [np.array([np.nan, 0.5, -0.0, 9], np.float32)], version, keys_floats=[np.nan, 0.5, 0.0], values_floats=[1.0, 2.0, 3.0])
    assert got.tolist() == [1, 2, 3, 0] and np.signbit(got[3])


@pytest.mark.parametrize("keys", [np.int64, np.int32, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("values", [np.int64, np.int32, np.int16, np.float32, np.float64])
def test_label_encoder_tensors(keys, values):
    def tensor(a):
        return helper.make_tensor("t", helper.np_dtype_to_tensor_dtype(a.dtype), a.shape, a)

    got = run(
        "LabelEncoder", [np.array([[3, 4], [1, 1]], keys)], 4, keys_tensor=tensor(np.array([1, 3, 1], keys)),
        values_tensor=tensor(np.array([5, 6, 7], values)), default_tensor=tensor(np.array([9], values)),
    )  # fmt: skip
    assert_same(got, np.array([[6, 9], [7, 7]], values))


def test_label_encoder_refuses_lists_that_do_not_match():
    for attrs in (dict(keys_strings=["a"], values_int64s=[1, 2]), dict(keys_strings=["a"]), dict(keys_int64s=[1], values_int64s=[1])):
        with pytest.raises(engine.EngineError):
            run("LabelEncoder", [texts("a")], 2, **attrs)


def test_zip_map():
    x = numbers((3, 2), np.float32)
    got = run("ZipMap", [x], classlabels_strings=["a", "b"])
    assert got == [{"a": r[0], "b": r[1]} for r in x.tolist()]
    got = run("ZipMap", [x[0]], classlabels_int64s=[4, 7])
    assert got == [{4: x[0, 0], 7: x[0, 1]}]
    assert run("ZipMap", [x[:0]], classlabels_int64s=[4, 7]) == []


def map_model(op, key, value, **attrs):
    kind = helper.make_map_type_proto(key, helper.make_tensor_type_proto(value, None))
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"], domain=ML, **attrs)], "g", [helper.make_value_info("x", kind)], [helper.make_empty_tensor_value_info("y")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(ML, 1), helper.make_opsetid("", 21)], ir_version=10)
    return engine.load(model.SerializeToString())


def test_dict_vectorizer():
    model = map_model("DictVectorizer", TensorProto.STRING, TensorProto.FLOAT, string_vocabulary=["a", "c", "b", "z"])
    assert model.run({"x": {"a": 4.0, "c": 8.0, "other": 1.0}})["y"].tolist() == [[4, 8, 0, 0]]
    model = map_model("DictVectorizer", TensorProto.INT64, TensorProto.STRING, int64_vocabulary=[3, 1])
    assert model.run({"x": {1: "one"}})["y"].tolist() == [["", "one"]]


def test_cast_map():
    model = map_model("CastMap", TensorProto.INT64, TensorProto.FLOAT, cast_to="TO_INT64")
    assert model.run({"x": {5: 2.9, 1: -1.5}})["y"].tolist() == [[-1, 2]]
    model = map_model("CastMap", TensorProto.INT64, TensorProto.STRING, cast_to="TO_FLOAT", map_form="SPARSE", max_map=4)
    assert model.run({"x": {3: "2.5", 0: "-1"}})["y"].tolist() == [[-1, 0, 0, 2.5]]
    with pytest.raises(engine.InvalidInput, match="max_map"):
        model.run({"x": {4: "1"}})
    with pytest.raises(engine.InvalidInput, match="no number"):
        model.run({"x": {0: "abc"}})
