"""The operator table against the ONNX standard: each version since opset 7 of an operator that is there has its row."""

import onnx.defs
import pytest

from engine import _testing

OLDEST = {"": 7, "ai.onnx.ml": 1}
MANY = 1 << 30
# Exporters put these into the standard's domain, where the standard does not have them.
BEYOND = {("", "SimplifiedLayerNormalization")}
ROWS = _testing.op_rows()


def standard():
    """(domain, name) -> {since: schema} of the versions that a model of a supported opset may mean."""
    found = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain in OLDEST and not schema.deprecated:
            found.setdefault((schema.domain, schema.name), {})[schema.since_version] = schema
    for (domain, _), versions in found.items():
        first = max((since for since in versions if since <= OLDEST[domain]), default=0)
        for since in [since for since in versions if since < first]:
            del versions[since]
    return found


STANDARD = standard()
OURS = sorted({(domain, name) for domain, name, *_ in ROWS if domain in OLDEST})


def unbounded(most):
    return MANY if most < 0 else most


def rows_of(domain, name):
    return {row[2]: row for row in ROWS if row[:2] == (domain, name)}


def test_no_row_twice():
    keys = [row[:3] for row in ROWS]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(("domain", "name"), OURS, ids=[name for _, name in OURS])
def test_versions(domain, name):
    if (domain, name) in BEYOND:
        return
    versions = STANDARD.get((domain, name))
    assert versions, f"{name} is not in the standard"
    mine = rows_of(domain, name)
    oldest = OLDEST[domain]
    missing = [since for since in versions if since not in mine and not (since <= oldest and any(s <= oldest for s in mine))]
    assert not missing, f"{name}: no row for the versions {missing}; there are {sorted(mine)}"


@pytest.mark.parametrize(("domain", "name"), OURS, ids=[name for _, name in OURS])
def test_counts(domain, name):
    """The rows accept every number of inputs and outputs that the standard allows."""
    mine = rows_of(domain, name)
    for since, schema in STANDARD.get((domain, name), {}).items():
        _, _, _, least_in, most_in, least_out, most_out = mine[max((s for s in mine if s <= since), default=min(mine))]
        assert least_in <= schema.min_input, f"{name} {since}: inputs"
        assert unbounded(most_in) >= min(schema.max_input, MANY), f"{name} {since}: inputs"
        assert least_out <= schema.min_output, f"{name} {since}: outputs"
        assert unbounded(most_out) >= min(schema.max_output, MANY), f"{name} {since}: outputs"
