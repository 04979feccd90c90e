import azure.functions as func


def main(req: func.HttpRequest) -> str:
    category = req.route_params["category"]
    number = req.route_params.get("id")
    if number is None:
        return f"All {category}"
    return f"Number {int(number)} of {category}"
