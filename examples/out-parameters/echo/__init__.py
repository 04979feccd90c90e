import azure.functions as func


def main(req: func.HttpRequest, response: func.Out[str]) -> None:
    if text := req.params.get("text"):
        response.set(text)
