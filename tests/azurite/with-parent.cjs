// Ends the emulator with the test program that started it, however that ends: then this program's standard input ends too.
process.stdin.on("end", () => process.exit(0)).on("error", () => process.exit(0)).resume();
