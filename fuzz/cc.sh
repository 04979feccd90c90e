#!/bin/sh
# The C compiler where a sanitizer is asked for. It watches what gets into the fuzz targets, and not build scripts, whose folder has no name of a machine in it.
case "$OUT_DIR" in
    */"$TARGET"/*) exec cc -fsanitize=address "$@" ;;
    *) exec cc "$@" ;;
esac
