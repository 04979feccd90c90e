import json
import logging

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="hello/{user?}", methods=["GET"])
def hello(req: func.HttpRequest) -> str:
    return f"Hello, {req.route_params.get('user', 'world')}!"


@app.function_name("add")
@app.route(route="sums", methods=["POST"])
async def sum_of_numbers(
    req: func.HttpRequest, context: func.Context
) -> func.HttpResponse:
    try:
        total = sum(req.get_json())
    except (ValueError, TypeError):
        return func.HttpResponse("A JSON list of numbers, please.", status_code=400)
    logging.info("%s: %s", context.function_name, total)
    return func.HttpResponse(json.dumps({"sum": total}), mimetype="application/json")
