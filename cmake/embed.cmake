# Writes IN as a C++ raw string literal to OUT.
file(READ ${IN} TEXT)
file(WRITE ${OUT} "R\"~~yaml~~(${TEXT})~~yaml~~\"\n")
