import logging
import sys

import azure.functions as func

orders = logging.getLogger("shop.orders")


def main(req: func.HttpRequest, context: func.Context) -> str:
    name = context.function_name
    logging.debug("%s: debug", name)
    logging.info("%s: info", name)
    logging.warning("%s: warning", name)
    logging.error("%s: error", name)
    logging.critical("%s: critical", name)
    orders.info("%s: a logger with a name", name)
    print(f"{name}: print")
    print(f"{name}: print to stderr", file=sys.stderr)
    return "The console has the lines."
