# One set of warnings for everything we compile; libraries' headers are system headers.
add_library(tpx_compiler INTERFACE)
target_compile_options(tpx_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wcast-qual -Woverloaded-virtual
  -Wformat=2 -Wimplicit-fallthrough -Wunused -Wconversion)
# GCC 12 warns of overlapping copies inside std::string that can't happen (gcc.gnu.org/PR105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(tpx_compiler INTERFACE -Wno-restrict)
endif()
if(TPX_WERROR)
  target_compile_options(tpx_compiler INTERFACE -Werror)
endif()
if(TPX_SANITIZE)
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
