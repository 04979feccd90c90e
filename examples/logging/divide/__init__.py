import logging

import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    try:
        quotient = 10 // int(req.params.get("by", "1"))
    except ZeroDivisionError:
        logging.exception("This can't be divided:")
        return func.HttpResponse("Not by zero, please.", status_code=400)
    return func.HttpResponse(str(quotient))
