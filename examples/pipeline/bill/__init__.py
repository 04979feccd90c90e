import json

import azure.functions as func


def main(req: func.HttpRequest, rows: str) -> func.HttpResponse:
    found = json.loads(rows)
    if not found:
        return func.HttpResponse("There is no such bill (yet).", status_code=404)
    return func.HttpResponse(found[0]["Text"])
