# One set of warnings for everything we compile; libraries' headers are system headers.
add_library(tpx_compiler INTERFACE)
target_compile_options(tpx_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wcast-qual -Woverloaded-virtual
  -Wformat=2 -Wimplicit-fallthrough -Wunused -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False on std::string's operator+ with optimisation: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105651
  target_compile_options(tpx_compiler INTERFACE -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
  # False, from 13 on, on copies of vectors made from a list in the same expression: seen with 14.2 in code that 12 takes.
  target_compile_options(tpx_compiler INTERFACE -Wno-array-bounds -Wno-stringop-overflow)
endif()
# Nothing here is faster at -O3, and it takes longer to build.
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
if(TPX_WERROR)
  target_compile_options(tpx_compiler INTERFACE -Werror)
endif()
if(TPX_SANITIZE)
  target_compile_definitions(tpx_compiler INTERFACE _GLIBCXX_ASSERTIONS) # an empty optional, an index out of range
  target_compile_options(tpx_compiler INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(tpx_compiler INTERFACE -fsanitize=address,undefined)
endif()
if(TPX_FUZZ)
  target_compile_options(tpx_compiler INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
