import asyncio
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

shop = FastAPI(title="A small shop")


class Item(BaseModel):
    name: str
    price: float = Field(gt=0)
    tags: list[str] = []


stock = {"tea": Item(name="tea", price=4.2)}


def known(name: str) -> Item:
    if name not in stock:
        raise HTTPException(404, f"There is no {name}.")
    return stock[name]


@shop.get("/items/{name}")
def item(item: Annotated[Item, Depends(known)]) -> Item:
    """Not async: FastAPI hands it to a thread, in place of which it runs at once here."""
    return item


@shop.post("/items", status_code=201)
async def add(item: Item, tasks: BackgroundTasks) -> Item:
    await asyncio.sleep(0)
    stock[item.name] = item
    tasks.add_task(print, f"added {item.name}")
    return item


@shop.get("/receipt")
def receipt() -> StreamingResponse:
    lines = (f"{item.name} {item.price:.2f}\n" for item in stock.values())
    return StreamingResponse(lines, media_type="text/plain")
