TITLES = {1: "Middlemarch", 2: "Emma"}
