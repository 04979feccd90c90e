import azure.functions as func


def main(req: func.HttpRequest) -> str:
    name, extension = req.route_params["name"], req.route_params["extension"]
    return f"{name} as {extension}"
