import json
import logging

import azure.functions as func


def main(bill: func.InputStream, row: func.Out[str]) -> None:
    row.set(json.dumps({"Text": bill.read().decode().strip()}))
    logging.info("archived %s", bill.name)
