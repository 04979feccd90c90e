import asyncio
import json

import azure.functions as func


async def main(req: func.HttpRequest) -> func.HttpResponse:
    finished: list[str] = []

    async def brew(what: str, seconds: float) -> str:
        await asyncio.sleep(seconds)
        finished.append(what)
        return what

    # Both wait at the same time: the tea is ready first, though asked for second.
    asked = await asyncio.gather(brew("coffee", 0.2), brew("tea", 0.1))
    return func.HttpResponse(
        json.dumps({"asked": asked, "finished": finished}),
        mimetype="application/json",
    )
