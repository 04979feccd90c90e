import json

import azure.functions as func


def main(req: func.HttpRequest, msg: func.Out[str]) -> func.HttpResponse:
    order = {"id": req.route_params["id"], **req.get_json()}
    msg.set(json.dumps(order))
    return func.HttpResponse(status_code=202)
