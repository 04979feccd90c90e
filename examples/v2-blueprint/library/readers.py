import azure.functions as func

readers = func.Blueprint()


@readers.function_name("greet_reader")
@readers.route(route="readers/{name}", methods=["GET"])
def greet(req: func.HttpRequest, context: func.Context) -> str:
    return f"Welcome, {req.route_params['name']}! ({context.function_name})"
