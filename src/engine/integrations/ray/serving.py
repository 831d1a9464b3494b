"""For Ray Serve: a deployment whose replicas are ready when their model is, reload, and drain before they leave."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

from engine.errors import EngineError, InternalError, InvalidInput, MissingDependency
from engine.integrations.ray.asgi import answered
from engine.integrations.ray.cpus import cpus
from engine.model import load
from engine.source import Source

# Replicas leave within this: Serve waits that long for requests in flight, then __del__ stops what is left.
DRAIN_SECONDS = 20.0


def deployment(**serve_options: Any) -> Any:
    """A Serve deployment; `.bind(model, **load_options)` makes the application that serve.run takes.

    serve_options: those of serve.deployment (num_replicas, ray_actor_options, max_ongoing_requests, ...).

    Over HTTP a replica speaks the Open Inference Protocol v2 as engine serve does (engine[serve]), below its route prefix. From
    Python: handle.infer.remote({"x": x}, timeout=0.1). `user_config` {"model": path, "sha256": digest} reloads.
    """
    try:
        from ray import serve
    except ImportError:
        raise MissingDependency("this needs Ray Serve: pip install engine[ray]") from None
    given = {
        "name": "model",
        "max_ongoing_requests": 100,
        "graceful_shutdown_timeout_s": DRAIN_SECONDS,
        **serve_options,
    }
    return serve.deployment(ModelReplica, **given)


class ModelReplica:
    """What Serve makes in each replica. It is ready when this returns: loaded, verified, planned and warmed.

    drain_timeout: seconds for the calls that are still there when the replica leaves. load_options: of engine.load; `threads` is the
    replica's num_cpus unless given.
    """

    def __init__(self, model: Source, *, drain_timeout: float = 1.0, **load_options: Any) -> None:
        load_options.setdefault("threads", cpus())
        self._drain_timeout = drain_timeout
        self._applied: dict[str, Any] = {"model": model, "sha256": load_options.get("sha256")}
        self._model = load(model, **load_options)
        self._app: Any = None

    async def __call__(self, request: Any) -> Any:
        """An HTTP request, as Starlette's Request; the answer, as its Response."""
        if self._app is None:
            self._app = self._application()
        return await answered(self._app, request)

    async def infer(
        self, feeds: dict[str, Any], timeout: float | None = None, outputs: Iterable[str] | None = None
    ) -> dict[str, Any]:
        """A call through a DeploymentHandle. Cancelling it stops the compute."""
        return await self._model.run_async(feeds, timeout=timeout, outputs=outputs)

    def stats(self) -> dict[str, Any]:
        return self._model.stats()

    def check_health(self) -> None:
        """Raises when the process is to be replaced: overload, a failed reload and draining are no reason."""
        if self._model.state in ("FAILED", "CLOSED"):
            raise InternalError(f"model {self._model.name!r} is {self._model.state}: {self._model.reason}")

    async def reconfigure(self, config: dict[str, Any]) -> None:
        """Serve's user_config. What does not load, or is not the expected file, is raised, and the current version stays."""
        unknown = sorted(set(config) - {"model", "sha256", "allow_signature_change"})
        if unknown:
            raise InvalidInput(f"user_config has {unknown[0]!r}; model, sha256 and allow_signature_change are known")
        wanted = {"model": config.get("model", self._applied["model"]), "sha256": config.get("sha256")}
        if wanted == self._applied:
            return
        await asyncio.to_thread(
            self._model.reload,
            wanted["model"],
            sha256=wanted["sha256"],
            allow_signature_change=config.get("allow_signature_change", False),
        )
        self._applied = wanted

    def __del__(self) -> None:
        """Called by Serve when the replica leaves, after it has waited for the requests in flight."""
        model = getattr(self, "_model", None)
        if model is not None:
            with contextlib.suppress(EngineError):
                model.drain(self._drain_timeout)
            model.close()

    def _application(self) -> Any:
        try:
            from engine.serve import Options, app
        except ImportError as error:
            raise MissingDependency(f"HTTP needs the extra engine[serve]: {error}") from None
        return app({self._model.name: self._model}, Options(repository_control=False))
