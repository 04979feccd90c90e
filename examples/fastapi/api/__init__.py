import azure.functions as func

from .shop import shop

middleware = func.AsgiMiddleware(shop)


async def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return await middleware.handle_async(req, context)
