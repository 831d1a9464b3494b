"""Counts of models and versions, added up over processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine import _core

Key = tuple[str, int]


class Sums:
    """By (model, version): what was counted, and gauges of what lives. By status code: the server's responses."""

    def __init__(self) -> None:
        self.models: dict[Key, dict[str, Any]] = {}
        self.gauges: dict[Key, dict[str, int]] = {}
        self.responses: dict[int, int] = {}

    def add_model(self, name: str, version: int, counts: dict[str, Any], gauges: Mapping[str, int] | None) -> None:
        """counts: as layout.model_counts tells them."""
        key = name, version
        if gauges is not None:
            into = self.gauges.setdefault(key, {})
            for gauge, value in gauges.items():
                into[gauge] = into.get(gauge, 0) + int(value)
        have = self.models.get(key)
        if have is None:
            self.models[key] = counts
            return
        for kind in ("outcomes", "events"):
            for label, count in counts[kind].items():
                have[kind][label] = have[kind].get(label, 0) + count
        have["in_flight"] += counts["in_flight"]
        for measure, (total, buckets) in counts["nanoseconds"].items():
            before, counted = have["nanoseconds"].get(measure, (0, np.zeros_like(buckets)))
            have["nanoseconds"][measure] = before + total, counted + buckets

    def add_responses(self, counts: Mapping[int, int]) -> None:
        for code, count in counts.items():
            self.responses[code] = self.responses.get(code, 0) + count

    def add(self, other: Sums) -> None:
        for (name, version), counts in other.models.items():
            self.add_model(name, version, counts, other.gauges.get((name, version)))
        self.add_responses(other.responses)

    def to_json(self) -> dict[str, Any]:
        models = []
        for (name, version), counts in self.models.items():
            times = {measure: [total, buckets.tolist()] for measure, (total, buckets) in counts["nanoseconds"].items()}
            models.append([name, version, {**counts, "nanoseconds": times}])
        return {"models": models, "responses": list(self.responses.items())}

    @staticmethod
    def from_json(saved: dict[str, Any]) -> Sums:
        sums = Sums()
        for name, version, counts in saved["models"]:
            times = {m: (total, np.array(buckets, np.uint64)) for m, (total, buckets) in counts["nanoseconds"].items()}
            sums.add_model(name, version, {**counts, "nanoseconds": times}, None)
        sums.add_responses(dict(saved["responses"]))
        return sums


def counts_of_stats(stats: dict[str, Any]) -> dict[str, Any]:
    """What Model.stats() tells, in the form of layout.model_counts."""
    places = {bound: place for place, bound in enumerate(_core.BUCKET_BOUNDS)}
    times = {}
    for measure, facts in stats["seconds"].items():
        buckets = np.zeros(len(places), np.uint64)
        for lower, count in facts["buckets"]:
            buckets[places[round(lower * 1e9)]] = count
        times[measure] = round(facts["sum"] * 1e9), buckets
    return {
        "started": stats["started"],
        "in_flight": stats["in_flight"],
        "outcomes": dict(stats["outcomes"]),
        "events": dict(stats["events"]),
        "nanoseconds": times,
    }
