// Catch2 2 needs a main of ours; see tests/CMakeLists.txt.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
