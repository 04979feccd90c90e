import azure.functions as func


def customentry(req: func.HttpRequest) -> str:
    return "customentry() of custom/main.py"
