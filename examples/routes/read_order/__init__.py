import azure.functions as func


def main(req: func.HttpRequest) -> str:
    return f"Order {req.route_params['id']}"
