CENTS = {"coffee": 420, "tea": 350}
