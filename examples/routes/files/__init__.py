import azure.functions as func


def main(req: func.HttpRequest) -> str:
    path = req.route_params.get("path")
    return f"The file {path}" if path else "All files"
