import logging

import azure.functions as func


def my_function(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("Python HTTP trigger function processed a request.")

    name = req.params.get("name")
    if not name:
        try:
            req_body = req.get_json()
        except ValueError:
            pass
        else:
            if isinstance(req_body, dict):
                name = req_body.get("name")

    if name:
        return func.HttpResponse(f"Hello {name}")
    return func.HttpResponse(
        "Please pass a name on the query string or in the request body",
        status_code=400,
    )
