"""gunicorn's settings for gunicorn_app.py."""

import os

import engine

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WORKERS", "2"))
worker_class = "gthread"
threads = 8  # more than the model's max_concurrency: the others wait in the model's queue, under their deadlines
preload_app = True
graceful_timeout = 20


def post_fork(server, worker):
    """The model came with the fork and works as it is; its counters and queue start from zero."""
    from gunicorn_app import model

    server.log.info("worker %d: %r is %s", worker.pid, model, model.state)


def worker_exit(server, worker):
    """What is still in flight when gunicorn has waited for its requests gets another second, then it is stopped."""
    for name, report in engine.drain_all(timeout=1).items():
        server.log.info("worker %d: %s: %s", worker.pid, name, report)
