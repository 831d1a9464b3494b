"""engine.watch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from engine.checks import Check
from engine.errors import FileNotFound, InvalidInput
from engine.model import load
from engine.options import checked_options
from engine.repository.events import Event, Journal
from engine.repository.policy import Labels, Policies, check_labels, check_policies
from engine.repository.repository import Repository
from engine.repository.settings import Settings


def watch(
    folder: str | os.PathLike[str],
    *,
    policy: Policies = "latest",
    labels: Labels | Mapping[str, Labels] | None = None,
    poll: float | None = 2.0,
    settle: float | None = None,
    require_manifest: bool = False,
    allow_signature_change: bool = False,
    checks: Mapping[str, Check] | None = None,
    on_event: Callable[[Event], object] | None = None,
    drain_timeout: float = 30.0,
    background: bool = False,
    keep_versions: int = 0,
    **options: Any,
) -> Repository:
    """Serve the models of a folder, <folder>/<name>/<number>/model.onnx, and follow what is put there.

    policy: "latest": the newest whole version of each model, swapped in one step (Model.reload); "all"; or a list of version
        numbers. A dict has one of these for each model, and for "*".
    labels: names of versions, {"stable": 3, "canary": 4}, for all models, or a dict of such dicts by model. The file
        <name>/labels.json says the same and is read again when it changes; what is given here goes before. A version that a label
        points to is served beside those of the policy.
    poll: seconds between two looks at the folder; None: only when refresh() is called.
    settle: seconds for which a version without a manifest must have been seen unchanged before it is loaded; None: as poll (1 s
        without). A version with a manifest is loaded once all its files have their sizes.
    require_manifest: versions without one are not loaded. So it is with trusted_keys.
    allow_signature_change: swap to a version whose inputs or outputs differ; otherwise it is refused and the one before stays.
    checks: by model: what a version must pass before it answers, as Model.reload's.
    on_event: called with each Event, on the thread that did it; it must not take long.
    drain_timeout: seconds that calls in flight have to end on a version that goes.
    background: return at once; see wait_ready. Otherwise this returns when every version that is whole has been tried.
    keep_versions, options: those of engine.load for every model (trusted_keys, threads, max_queue, memory_limit, warmup, ...).

    Raises FileNotFound when there is no such folder; InvalidInput, TypeError for the arguments. A model that cannot be loaded
    raises nothing: index() and events() tell.
    """
    root = os.path.abspath(os.fspath(folder))
    if not os.path.isdir(root):
        raise FileNotFound(f"there is no folder {root!r}")
    if poll is not None and not poll > 0:
        raise InvalidInput(f"poll is {poll}; seconds above 0, or None, are wanted")
    policy = policy if isinstance(policy, (str, Mapping)) else tuple(policy)
    check_policies(policy)
    check_labels(labels or {})
    settings = Settings(
        policy=policy,
        labels=labels or {},
        checks=checks or {},
        options=checked_options(load.__kwdefaults__ or {}, {**options, "keep_versions": keep_versions}),
        require_manifest=require_manifest,
        allow_signature_change=allow_signature_change,
        settle=settle if settle is not None else poll or 1.0,
        drain_timeout=drain_timeout,
    )
    repository = Repository(root, settings, poll, Journal(on_event))
    repository._begin(background)
    return repository
