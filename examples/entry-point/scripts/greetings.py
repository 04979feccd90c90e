import azure.functions as func


def morning(req: func.HttpRequest) -> str:
    return "Good morning!"


def evening(req: func.HttpRequest) -> str:
    return "Good evening!"
