"""Hostile model files, each a function that returns the bytes. README.md in this folder says what each tries."""

from __future__ import annotations

from collections.abc import Callable

ATTACKS: dict[str, Callable[[], bytes]] = {}


def attack(make: Callable[[], bytes]) -> Callable[[], bytes]:
    ATTACKS[make.__name__] = make
    return make


def varint(value: int) -> bytes:
    out = b""
    value &= (1 << 64) - 1
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, payload: bytes | int) -> bytes:
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def model(graph: bytes, rest: bytes = b"") -> bytes:
    return field(1, 10) + field(8, field(2, 21)) + rest + field(7, graph)


def node(op: bytes, inputs: bytes = b"", output: bytes = b"", rest: bytes = b"") -> bytes:
    body = (field(1, inputs) if inputs else b"") + (field(2, output) if output else b"") + field(4, op) + rest
    return field(1, body)


def tensor(dims: list[int], dtype: int, data: bytes = b"", name: bytes = b"t") -> bytes:
    return b"".join(field(1, d) for d in dims) + field(2, dtype) + field(8, name) + data


# Framing


@attack
def length_beyond_the_file() -> bytes:
    return varint(7 << 3 | 2) + varint(1 << 62)


@attack
def length_that_wraps_around() -> bytes:
    return field(1, 10) + varint(7 << 3 | 2) + varint((1 << 64) - 1) + b"\0" * 8


@attack
def number_that_never_ends() -> bytes:
    return b"\x08" + b"\xff" * 1_000_000


@attack
def tag_zero() -> bytes:
    return b"\0" * 64


@attack
def open_groups() -> bytes:
    return b"\x0b" * 1_000_000


@attack
def field_number_beyond_the_format() -> bytes:
    return varint(((1 << 29) + 7) << 3 | 2) + b"\0" + varint(1 << 40) + b"\0"


# Tensors


@attack
def tensor_larger_than_its_data() -> bytes:
    return model(field(5, tensor([1 << 40], 1, field(9, b"\0" * 4))))


@attack
def tensor_whose_size_wraps_to_its_data() -> bytes:
    return model(field(5, tensor([1 << 32, 1 << 32], 1, field(9, b""))))


@attack
def tensor_with_a_million_dimensions() -> bytes:
    return model(field(5, field(1, b"\x01" * 1_000_000) + field(2, 1) + field(8, b"t")))


@attack
def tensor_of_strings_that_are_not_there() -> bytes:
    return model(field(5, tensor([1 << 34], 8)))


@attack
def packed_integers_counted_but_cut_off() -> bytes:
    return model(field(5, tensor([2], 7, field(7, b"\x01\x01\x80\x80"))))


@attack
def sparse_tensor_that_is_huge_when_dense() -> bytes:
    values, indices = field(1, tensor([0], 1)), field(2, tensor([0], 7))
    return model(field(15, values + indices + field(3, 1 << 40)))


@attack
def many_sparse_tensors() -> bytes:
    def one(i: int) -> bytes:
        values, indices = field(1, tensor([0], 1, name=b"s%d" % i)), field(2, tensor([0], 7))
        return field(15, values + indices + field(3, 16 << 20))

    return model(b"".join(one(i) for i in range(2000)))


# Counts


@attack
def a_node_with_ten_million_inputs() -> bytes:
    return model(field(1, field(4, b"Add") + field(1, b"") * 10_000_000))


@attack
def two_million_nodes() -> bytes:
    return model(node(b"A") * 2_000_000)


@attack
def nodes_without_operators() -> bytes:
    return model(field(1, b"") * 2_000_000)


@attack
def millions_of_value_infos() -> bytes:
    return model(field(13, b"") * 9_000_000)


@attack
def millions_of_functions() -> bytes:
    return field(25, b"") * 2_000_000 + model(b"")


@attack
def millions_of_metadata_entries() -> bytes:
    return field(14, b"") * 2_000_000 + model(b"")


@attack
def a_node_with_a_million_attributes() -> bytes:
    return model(node(b"A", rest=field(5, b"") * 1_000_000))


@attack
def names_of_a_megabyte() -> bytes:
    return model(node(b"N" * (1 << 20)))


# Nesting


def nested_graphs(depth: int) -> bytes:
    heads, size = [], 0
    for _ in range(depth):
        for number, before in ((6, field(1, b"b") + field(20, 5)), (5, field(4, b"If")), (1, b"")):
            heads.append(before + varint(number << 3 | 2) + varint(size))
            size += len(heads[-1])
    return b"".join(reversed(heads))


@attack
def graphs_in_graphs() -> bytes:
    return model(nested_graphs(50_000))


@attack
def types_in_types() -> bytes:
    heads, size = [], 0
    for _ in range(50_000):
        for number in (1, 4):
            heads.append(varint(number << 3 | 2) + varint(size))
            size += len(heads[-1])
    return model(field(11, field(1, b"x") + field(2, b"".join(reversed(heads)))))


# Functions


def function(name: bytes, inputs: list[bytes], outputs: list[bytes], nodes: bytes, rest: bytes = b"") -> bytes:
    names = b"".join(field(4, i) for i in inputs) + b"".join(field(5, o) for o in outputs)
    return field(25, field(1, name) + field(10, b"f") + field(9, field(2, 21)) + names + nodes + rest)


def call(name: bytes, inputs: bytes, output: bytes, rest: bytes = b"") -> bytes:
    return field(7, field(1, inputs) + field(2, output) + field(4, name) + field(7, b"f") + rest)


def main_call(name: bytes) -> bytes:
    value = field(2, field(1, field(1, 1)))
    graph = field(11, field(1, b"x") + value) + field(12, field(1, b"y"))
    return graph + field(1, field(1, b"x") + field(2, b"y") + field(4, name) + field(7, b"f"))


@attack
def billion_laughs() -> bytes:
    functions = b""
    for level in range(30):
        nodes = b"".join(call(b"l%d" % (level + 1), b"v%d" % i, b"v%d" % (i + 1)) for i in range(10))
        functions += function(b"l%d" % level, [b"v0"], [b"v10"], nodes)
    functions += function(b"l30", [b"v0"], [b"v1"], field(7, field(1, b"v0") + field(2, b"v1") + field(4, b"Neg")))
    return model(main_call(b"l0"), functions)


@attack
def billion_laughs_with_nothing_inside() -> bytes:
    functions = b""
    for level in range(40):
        nodes = b"".join(call(b"l%d" % (level + 1), b"v", b"w%d" % i) for i in range(2))
        functions += function(b"l%d" % level, [b"v"], [b"v"], nodes)
    return model(main_call(b"l0"), functions + function(b"l40", [b"v"], [b"v"], b""))


@attack
def a_function_that_calls_itself() -> bytes:
    return model(main_call(b"l0"), function(b"l0", [b"v"], [b"w"], call(b"l0", b"v", b"w")))


@attack
def functions_that_call_each_other() -> bytes:
    functions = function(b"l0", [b"v"], [b"w"], call(b"l1", b"v", b"w")) + function(
        b"l1", [b"v"], [b"w"], call(b"l0", b"v", b"w")
    )
    return model(main_call(b"l0"), functions)


@attack
def long_names_that_calls_put_together() -> bytes:
    functions = b""
    for level in range(40):
        name = bytes([97 + level % 26]) * 60_000
        nodes = b"".join(call(b"l%d" % (level + 1), b"v%d" % i, b"v%d" % (i + 1), field(3, name)) for i in range(2))
        functions += function(b"l%d" % level, [b"v0"], [b"v2"], nodes)
    functions += function(b"l40", [b"v0"], [b"v1"], field(7, field(1, b"v0") + field(2, b"v1") + field(4, b"Neg")))
    return model(main_call(b"l0"), functions)


@attack
def captures_through_every_level() -> bytes:
    """Forty bodies one in the other, and the innermost uses every one of 60 000 values of the outermost."""
    count = 60_000
    names = [b"i%d" % i for i in range(count)]
    inner = field(1, b"".join(field(1, n) for n in names) + field(2, b"y") + field(4, b"A")) + field(12, field(1, b"y"))
    for _ in range(40):
        attribute = field(1, b"b") + field(20, 5) + field(6, inner)
        inner = field(1, field(2, b"y") + field(4, b"If") + field(5, attribute)) + field(12, field(1, b"y"))
    made = b"".join(field(1, field(2, n) + field(4, b"A")) for n in names)
    return model(made + inner)


@attack
def a_body_repeated_by_calls() -> bytes:
    values = b"".join(field(5, tensor([0], 1, name=b"c%d" % i)) for i in range(3000))
    attribute = field(1, b"b") + field(20, 5) + field(6, values)
    body = field(7, field(4, b"If") + field(2, b"w") + field(5, attribute))
    functions = b""
    for level in range(12):
        nodes = b"".join(call(b"l%d" % (level + 1), b"v", b"w%d" % i) for i in range(4))
        functions += function(b"l%d" % level, [b"v"], [b"w0"], nodes)
    return model(main_call(b"l0"), functions + function(b"l12", [b"v"], [b"w"], body))


@attack
def calls_of_a_function_with_many_inputs() -> bytes:
    inputs = [b"v%d" % i for i in range(100_000)]
    wide = function(b"wide", inputs, [b"w"], field(7, field(1, b"v0") + field(2, b"w") + field(4, b"Neg")))
    calls = b"".join(call(b"wide", b"v%d" % i, b"v%d" % (i + 1)) for i in range(100_000))
    return model(main_call(b"l0"), wide + function(b"l0", [b"v0"], [b"v100000"], calls))


@attack
def references_to_one_of_many_attributes() -> bytes:
    names = b"".join(field(6, b"a%d" % i) for i in range(100_000))
    reference = field(5, field(1, b"a") + field(20, 2) + field(21, b"a99999"))
    nodes = b"".join(field(7, field(2, b"w%d" % i) + field(4, b"A") + reference) for i in range(100_000))
    outer = b"".join(call(b"l1", b"v", b"w%d" % i) for i in range(20))
    return model(
        main_call(b"l0"), function(b"l0", [b"v"], [b"w0"], outer) + function(b"l1", [b"v"], [b"w0"], nodes, names)
    )


@attack
def constants_without_outputs_repeated_by_calls() -> bytes:
    value = field(5, field(1, b"value_int") + field(20, 2) + field(3, 1))
    nodes = field(7, field(4, b"Constant") + value) * 50_000
    last = field(7, field(1, b"v") + field(2, b"w") + field(4, b"Neg"))
    calls = b"".join(call(b"l1", b"v", b"w%d" % i) for i in range(50_000))
    return model(
        main_call(b"l0"), function(b"l0", [b"v"], [b"w0"], calls) + function(b"l1", [b"v"], [b"w"], nodes + last)
    )


@attack
def types_of_a_body_repeated_by_calls() -> bytes:
    hints = field(13, field(1, b"n")) * 50_000
    attribute = field(1, b"b") + field(20, 5) + field(6, hints)
    body = field(7, field(4, b"If") + field(2, b"w") + field(5, attribute))
    calls = b"".join(call(b"l1", b"v", b"w%d" % i) for i in range(50_000))
    return model(main_call(b"l0"), function(b"l0", [b"v"], [b"w0"], calls) + function(b"l1", [b"v"], [b"w"], body))
