PERCENT = 20


def with_tax(cents: int) -> int:
    return cents + cents * PERCENT // 100
