"""Which versions are to be served, and what labels mean."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping

from engine.errors import InvalidInput

LABELS_NAME = "labels.json"
_LARGEST = 1 << 20

Policy = str | Iterable[int]
Policies = Policy | Mapping[str, Policy]
Labels = Mapping[str, int]


class ServingPolicy:
    """latest: the newest whole version is served, and swapped in place. Otherwise `numbers` are, or all (None)."""

    def __init__(self, policy: Policy) -> None:
        self.latest = policy == "latest"
        self.numbers: frozenset[int] | None = None
        if isinstance(policy, str):
            if policy not in ("latest", "all"):
                raise InvalidInput(f"policy {policy!r}: 'latest', 'all' or a list of version numbers is wanted")
        else:
            self.numbers = frozenset(_number(number, "policy") for number in policy)

    def fixed(self, found: Iterable[int]) -> set[int]:
        """Of those found, the ones that are served for themselves."""
        if self.latest:
            return set()
        return {number for number in found if self.numbers is None or number in self.numbers}


def policy_for(name: str, policies: Policies) -> ServingPolicy:
    """A dict has a policy for each model, "*" for the others ("latest" when it is not there)."""
    if isinstance(policies, Mapping):
        return ServingPolicy(policies.get(name, policies.get("*", "latest")))
    return ServingPolicy(policies)


def check_policies(policies: Policies) -> None:
    """InvalidInput."""
    for policy in policies.values() if isinstance(policies, Mapping) else [policies]:
        ServingPolicy(policy)


def check_labels(labels: Labels | Mapping[str, Labels]) -> None:
    """InvalidInput."""
    for key, value in labels.items():
        checked_labels(value if isinstance(value, Mapping) else {key: value})


def labels_for(name: str, labels: Labels | Mapping[str, Labels]) -> dict[str, int]:
    """Those given for all models, or those given for this one (a dict of dicts by name)."""
    found = {}
    for key, value in labels.items():
        if isinstance(value, Mapping):
            if key == name:
                found.update(checked_labels(value))
        else:
            found.update(checked_labels({key: value}))
    return found


def checked_labels(labels: object) -> dict[str, int]:
    if not isinstance(labels, Mapping) or not all(isinstance(label, str) for label in labels):
        raise InvalidInput("labels: a dict from label to version number is wanted")
    return {label: _number(number, f"label {label!r}") for label, number in labels.items()}


def read_labels(path: str) -> dict[str, int]:
    """OSError, ValueError (InvalidInput is one)."""
    with open(path, "rb") as file:
        data = file.read(_LARGEST)
    try:
        return checked_labels(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path}: {error}") from None


def labels_path(folder: str) -> str:
    return os.path.join(folder, LABELS_NAME)


def _number(value: object, what: str) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidInput(f"{what}: {value!r} is no version number")
    return value
