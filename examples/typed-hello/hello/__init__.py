import azure.functions as func


def main(req: func.HttpRequest) -> str:
    user = req.params.get("user", "world")
    return f"Hello, {user}!"
