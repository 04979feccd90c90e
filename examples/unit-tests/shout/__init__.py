import azure.functions as func


def main(req: func.HttpRequest) -> str:
    return req.get_body().decode().upper()
