import json
import logging
from pathlib import Path

import azure.functions as func

CACHED_DATA: dict[str, str] | None = None


def load_json() -> dict[str, str]:
    logging.info("Loading the capitals")
    return json.loads(Path(__file__).with_name("capitals.json").read_text("utf-8"))


def main(req: func.HttpRequest) -> func.HttpResponse:
    global CACHED_DATA
    cached = CACHED_DATA is not None
    if CACHED_DATA is None:
        CACHED_DATA = load_json()

    headers = {"x-cache": "hit" if cached else "miss"}
    capital = CACHED_DATA.get(req.params.get("of", ""))
    if capital is None:
        return func.HttpResponse("I don't know.", headers=headers, status_code=404)
    return func.HttpResponse(capital, headers=headers)
