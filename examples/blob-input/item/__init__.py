import logging

import azure.functions as func


def main(req: func.HttpRequest, obj: func.InputStream) -> func.HttpResponse:
    if obj is None:
        return func.HttpResponse(
            f"There is no item {req.route_params['id']}.", status_code=404
        )
    content = obj.read()
    logging.info("item %s has %d bytes", req.route_params["id"], len(content))
    return func.HttpResponse(content)
