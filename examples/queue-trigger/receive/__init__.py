import logging

import azure.functions as func


def main(msg: func.QueueMessage) -> None:
    body = msg.get_body().decode()
    if body == "bad":
        raise ValueError("this one can't be done")
    logging.info("received %s, attempt %s", body, msg.dequeue_count)
