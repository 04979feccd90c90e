import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    headers = {"my-http-header": "some-value"}

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
        return func.HttpResponse(f"Hello {name}!", headers=headers)
    return func.HttpResponse(
        "Please pass a name on the query string or in the request body",
        headers=headers,
        status_code=400,
    )
