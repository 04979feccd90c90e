import json
import tempfile
from os import listdir

import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    folder = tempfile.gettempdir()
    before = listdir(folder)

    with tempfile.NamedTemporaryFile() as file:
        file.write(b"Hello world!")
        file.flush()
        with open(file.name, "rb") as again:
            content = again.read().decode()
        during = len(listdir(folder))

    # Nobody deletes this one.
    with tempfile.NamedTemporaryFile(prefix="left-", delete=False):
        pass

    report = {
        "folder": folder,
        "before": before,
        "content": content,
        "during": during,
        "after": len(listdir(folder)),
    }
    return func.HttpResponse(json.dumps(report), mimetype="application/json")
