import azure.functions as func

from .site import site

middleware = func.WsgiMiddleware(site)


def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return middleware.handle(req, context)
