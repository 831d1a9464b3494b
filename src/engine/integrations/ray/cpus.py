"""The share of the machine that Ray gave to this worker."""

from __future__ import annotations

import engine
from engine.errors import MissingDependency


def cpus() -> int:
    """Of this actor or task, at least 1; outside of a worker those of the process."""
    try:
        import ray
    except ImportError:
        raise MissingDependency("this needs the package ray: pip install engine[ray]") from None
    if not ray.is_initialized() or ray.get_runtime_context().worker.mode != ray.WORKER_MODE:
        return engine.cpus()
    return max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1)))
