"""Operators on strings."""

import re
import time

import engine
import numpy as np
import pytest
from harness import assert_same, run_node


def texts(*words):
    return np.array(words, object)


@pytest.mark.parametrize("a, b", [((3,), (3,)), ((), (2, 3)), ((2, 1), (1, 3)), ((4, 1, 2), (3, 1)), ((0, 2), (2,))])
def test_string_concat(a, b):
    x = np.array([f"é{i}" for i in range(int(np.prod(a)))], object).reshape(a)
    y = np.array([f"-{i}" for i in range(int(np.prod(b)))], object).reshape(b)
    (got,) = run_node("StringConcat", [x, y], opset=20)
    p, q = np.broadcast_arrays(x, y)
    want = np.array([u + v for u, v in zip(p.ravel(), q.ravel(), strict=True)], object).reshape(p.shape)
    assert_same(got, want)


@pytest.mark.parametrize("delimiter", [None, "", ",", "--"])
@pytest.mark.parametrize("most", [None, 0, 1, 2, 50])
def test_string_split(delimiter, most):
    words = ["a b  c", "", " x ", "a,b,,c", ",", "--a--b", "no cut", "\u3000wide\u00a0space ", "tail   of spaces   "]
    attrs = ({} if delimiter is None else {"delimiter": delimiter}) | ({} if most is None else {"maxsplit": most})
    parts, counts = run_node("StringSplit", [texts(*words)], attrs, 20, n_outputs=2)
    want = [w.split(delimiter or None, -1 if most is None else most) for w in words]
    if not delimiter:
        want = [[p.rstrip() for p in w] for w in want]
    assert counts.tolist() == [len(w) for w in want]
    width = max(map(len, want))
    assert parts.tolist() == [w + [""] * (width - len(w)) for w in want]


def test_string_split_of_nothing():
    parts, counts = run_node("StringSplit", [np.zeros((2, 0), object)], {"delimiter": ","}, 20, n_outputs=2)
    assert parts.shape == (2, 0, 0) and counts.shape == (2, 0)


WORDS = ["Monday", "TUESDAY", "straße", "ÉCOLE", "привет", "ΣΑΣ", "monday", "ǅ"]


def simple_case(word, upper):
    """One code point for one."""
    mapped = ((c.upper() if upper else c.lower(), c) for c in word)
    return "".join(m if len(m) == 1 else c for m, c in mapped)


@pytest.mark.parametrize("action", ["NONE", "LOWER", "UPPER"])
@pytest.mark.parametrize("sensitive", [0, 1])
@pytest.mark.parametrize("rank", [1, 2])
def test_string_normalizer(action, sensitive, rank):
    x = texts(*WORDS) if rank == 1 else texts(*WORDS)[None]
    stop = ["Monday", "école"]
    (got,) = run_node("StringNormalizer", [x], dict(case_change_action=action, is_case_sensitive=sensitive, stopwords=stop), 10)
    same = (lambda w: w) if sensitive else (lambda w: simple_case(w, False))
    kept = [w for w in WORDS if same(w) not in [same(s) for s in stop]]
    want = [w if action == "NONE" else simple_case(w, action == "UPPER") for w in kept]
    assert got.tolist() == (want if rank == 1 else [want])


def test_string_normalizer_of_stop_words_only():
    for x, want in ((texts("a", "A"), [""]), (texts("a")[None], [[""]])):
        assert run_node("StringNormalizer", [x], dict(stopwords=["a"]), 10)[0].tolist() == want
    with pytest.raises(engine.EngineError, match="shape"):
        run_node("StringNormalizer", [texts("a", "b").reshape(2, 1)], {}, 10)


PATTERNS = [
    "", "a", "abc", "a*", "a+b?", "(ab|c)*d", "[a-c]+", "[^a-c]+", r"\d{2,3}", r"\w+@\w+\.com", "a{3}", "a{2,}", "(a|b){0,2}c", ".", ".*", "x{,3}",
    r"(www.[\w.-]+\.\w+)", "[]a]+", "[a-]+", r"[\d\-x]+", "(?:ab)+?", "(?P<n>a)b", "(?i)straße", "(?i:AB)c", "a|", "|", "()", r"\x41\x{42}", r"\.\*",
    "^a$", r"\Aab\z", r"a\b.*", r"\Bb", "(?s).+", "(?m)^a$\n^b$", "[[:alpha:]]+[[:^digit:]]", "é+", "[à-ü]{2}", "((a*)*)*", r"\Qa.b\E", "a{x", r"\101",
]  # fmt: skip
SUBJECTS = [
    "", "a", "ab", "abc", "aab", "ababcd", "d", "aaa", "aaaa", "12", "1234", "joe@x.com", "www.google.com", "]a]", "a-a", "5-x", "x{,3}", "STRASSE",
    "STRAßE", "ABc", "abC", "a b", "b", "a\n", "\n", "a\nb", "hello!", "éé", "àé", "AB", ".*", "a.b", "a{x", "xyz", "A", "ac", "bac", "babc",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_regex_full_match(pattern):
    same = pattern.replace(r"\z", r"\Z").replace("[[:alpha:]]", "[A-Za-z]").replace("[[:^digit:]]", "[^0-9]").replace(r"\x{42}", "B")
    same = same.replace(r"\Qa.b\E", r"a\.b").replace("x{,3}", r"x\{,3\}").replace("$", r"(?:$(?!\n))" if "(?m)" not in pattern else "$")
    want = [re.fullmatch(same, s, re.ASCII if "ß" not in pattern else 0) is not None for s in SUBJECTS]
    (got,) = run_node("RegexFullMatch", [texts(*SUBJECTS)], dict(pattern=pattern), 20)
    assert dict(zip(SUBJECTS, got.tolist(), strict=True)) == dict(zip(SUBJECTS, want, strict=True))


@pytest.mark.parametrize("pattern", ["(", ")", "[", "a**", "*", "a{3,2}", "a{2000}", "[b-a]", r"\8", "(?z)", "[[:nope:]]", "\\", "(?P<", r"\x{110000}", r"\xZ1"])
def test_malformed_patterns(pattern):
    with pytest.raises(engine.InvalidModel, match="pattern"):
        run_node("RegexFullMatch", [texts("a")], dict(pattern=pattern), 20)


@pytest.mark.parametrize("pattern", [r"\pN", r"\C", "((a{1000}){1000}){1000}", "(" * 1000 + ")" * 1000, "((((){1000}){1000}){1000}){1000}"])
def test_patterns_beyond_the_limits(pattern):
    with pytest.raises(engine.UnsupportedOperator, match="pattern"):
        run_node("RegexFullMatch", [texts("a")], dict(pattern=pattern), 20)


def test_hostile_pattern_takes_linear_time():
    text = "a" * 30000
    begin = time.perf_counter()
    (got,) = run_node("RegexFullMatch", [texts(text, text + "b")], dict(pattern="(a*)*(a|a)*(a?){20}b"), 20)
    assert got.tolist() == [False, True] and time.perf_counter() - begin < 20


def test_long_match_stops_at_the_deadline():
    from harness import one_node

    model = engine.load(one_node("RegexFullMatch", [texts("a")], dict(pattern="((a?){40}b?)*"), 20))
    begin = time.perf_counter()
    with pytest.raises(engine.DeadlineExceeded):
        model.run({"x0": texts("a" * 3000000)}, timeout=0.02)
    assert time.perf_counter() - begin < 1


def tfidf(row, grams, columns, n_columns, least, most, skips, mode, weights):
    out = np.zeros(n_columns)
    for skip in range(skips + 1):
        for n in range(least, most + 1):
            if n == 1 and skip:
                continue
            for start in range(len(row)):
                gram = tuple(row[start : start + (skip + 1) * n : skip + 1])
                if len(gram) == n and gram in grams:
                    out[columns[grams.index(gram)]] += 1
    if mode == "TF":
        return out
    return (out if mode == "TFIDF" else (out > 0)) * weights


@pytest.mark.parametrize("mode", ["TF", "IDF", "TFIDF"])
@pytest.mark.parametrize("least, most, skips", [(1, 1, 0), (1, 2, 0), (2, 2, 5), (1, 3, 1), (2, 3, 2)])
@pytest.mark.parametrize("kind", ["int32", "int64", "string"])
def test_tf_idf_vectorizer(mode, least, most, skips, kind):
    grams = [(2,), (3,), (5,), (5, 4), (5, 6), (2, 3), (1, 1, 2), (3, 4, 5)]
    columns = [0, 2, 1, 5, 4, 3, 7, 6]
    rng = np.random.default_rng(0)
    x = rng.integers(1, 8, size=(5, 12)).astype(np.int64)
    x[0] = [1, 1, 2, 3, 4, 5, 4, 5, 6, 2, 3, 1]
    weights = rng.random(8).astype(np.float32)
    attrs = dict(mode=mode, min_gram_length=least, max_gram_length=most, max_skip_count=skips, ngram_counts=[0, 3, 9], ngram_indexes=columns, weights=weights.tolist())
    pool = [t for g in grams for t in g]
    attrs |= dict(pool_strings=[str(t) for t in pool]) if kind == "string" else dict(pool_int64s=pool)
    feed = x.astype(str).astype(object) if kind == "string" else x.astype(kind)
    want = np.stack([tfidf(list(r), grams, columns, 8, least, most, skips, mode, weights) for r in x]).astype(np.float32)
    np.testing.assert_allclose(run_node("TfIdfVectorizer", [feed], attrs, 9)[0], want, rtol=1e-6)
    np.testing.assert_allclose(run_node("TfIdfVectorizer", [feed[0]], attrs, 9)[0], want[0], rtol=1e-6)
    assert run_node("TfIdfVectorizer", [feed[:0]], attrs, 9)[0].shape == (0, 8)


@pytest.mark.parametrize("change", [dict(ngram_indexes=[-1, 0]), dict(ngram_counts=[0, 9]), dict(ngram_counts=[1, 0]), dict(ngram_indexes=[0]), dict(mode="X"), dict(pool_int64s=[1])])
def test_tf_idf_refuses_a_malformed_pool(change):
    attrs = dict(mode="TF", min_gram_length=1, max_gram_length=2, max_skip_count=0, ngram_counts=[0, 2], ngram_indexes=[0, 1], pool_int64s=[1, 2]) | change
    with pytest.raises(engine.EngineError):
        run_node("TfIdfVectorizer", [np.array([1, 2, 3])], attrs, 9)
