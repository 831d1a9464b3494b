"""`engine serve` that also tells, at /noted, when it noticed each client that left, and how soon the calls of those had ended."""

import json
import sys
import time

from engine.cli.main import main
from engine.serve import application, server


class Noting(application.App):
    def __init__(self, state):
        super().__init__(state)
        self.noticed = []

    async def __call__(self, scope, receive, send):
        async def note():
            message = await receive()
            if message["type"] == "http.disconnect":
                self.noticed.append(time.monotonic())
            return message

        if scope.get("path") == "/noted":
            return await self.tell(send)
        return await super().__call__(scope, note, send)

    async def tell(self, send):
        models = [self.state.library.model(name) for name, *_ in self.state.library.index()]
        told = {
            "noticed": self.noticed,
            **{name: [model.stats()["seconds"][name] for model in models] for name in ("cancel_lag", "stop")},
        }
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})


if __name__ == "__main__":
    server.App = Noting
    sys.exit(main(sys.argv[1:]))
