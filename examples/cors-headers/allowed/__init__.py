import azure.functions as func

ORIGIN = "https://contoso.com"


def main(req: func.HttpRequest) -> func.HttpResponse:
    headers = {"Access-Control-Allow-Origin": ORIGIN, "Vary": "Origin"}

    # A browser asks first whether it may send what the page wants to send.
    if req.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = "GET, OPTIONS"
        headers["Access-Control-Allow-Headers"] = "Content-Type"
        headers["Access-Control-Max-Age"] = "3600"
        return func.HttpResponse(headers=headers, status_code=204)

    return func.HttpResponse(f"Allowed origin: {ORIGIN}", headers=headers)
