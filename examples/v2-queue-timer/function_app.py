import json
import logging

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="orders", methods=["POST"])
@app.queue_output(
    arg_name="msg", queue_name="v2-orders", connection="AzureWebJobsStorage"
)
def order(req: func.HttpRequest, msg: func.Out[str]) -> func.HttpResponse:
    msg.set(json.dumps(req.get_json()))
    return func.HttpResponse("Taken.", status_code=202)


@app.queue_trigger(
    arg_name="msg", queue_name="v2-orders", connection="AzureWebJobsStorage"
)
@app.blob_output(
    arg_name="bill", path="v2-bills/{id}.txt", connection="AzureWebJobsStorage"
)
def bill(msg: func.QueueMessage, bill: func.Out[str]) -> None:
    order = msg.get_json()
    bill.set(f"{order['item']}: {order['price']:.2f} €")
    logging.info("wrote the bill of order %s", order["id"])


@app.route(route="bills/{id}")
@app.blob_input(
    arg_name="bill", path="v2-bills/{id}.txt", connection="AzureWebJobsStorage"
)
def show(req: func.HttpRequest, bill: str) -> func.HttpResponse:
    if bill is None:
        return func.HttpResponse("There is no such bill (yet).", status_code=404)
    return func.HttpResponse(bill)


@app.timer_trigger(arg_name="timer", schedule="*/5 * * * * *", run_on_startup=True)
def tick(timer: func.TimerRequest) -> None:
    logging.info("tick%s", ", late" if timer.past_due else "")


@app.blob_trigger(
    arg_name="blob", path="v2-bills/{name}", connection="AzureWebJobsStorage"
)
def archive(blob: func.InputStream) -> None:
    logging.info("archived %s, %d bytes", blob.name, len(blob.read()))
