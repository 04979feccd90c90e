import json

import azure.functions as func
import yaml


def main(req: func.HttpRequest) -> func.HttpResponse:
    try:
        content = yaml.safe_load(req.get_body())
    except yaml.YAMLError as error:
        return func.HttpResponse(f"That is no YAML: {error}\n", status_code=400)
    return func.HttpResponse(
        json.dumps(content, default=str), mimetype="application/json"
    )
