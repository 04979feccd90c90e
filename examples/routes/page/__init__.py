import azure.functions as func


def main(req: func.HttpRequest) -> str:
    return f"Page {req.route_params['number']} of 10"
