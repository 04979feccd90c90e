import logging

import azure.functions as func


def main(msg: func.QueueMessage, bill: func.Out[str]) -> None:
    order = msg.get_json()
    total = order["price"] * order["amount"]
    bill.set(f"{order['amount']} x {order['item']}: {total:.2f} €\n")
    logging.info("printed the bill of order %s", order["id"])
