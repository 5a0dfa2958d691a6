# Objects from bpf/*.bpf.c: needs clang and bpftool, at build time only. tpx_bpf_object(SOURCE OBJECT [INCLUDES…]) makes one.
find_program(BPF_CLANG NAMES clang-19 clang clang-16 clang-14)
find_program(BPFTOOL bpftool PATHS /usr/sbin /sbin)
option(TPX_BPF "Build the BPF programs in C (needs clang and bpftool)" ON)
if(TPX_BPF AND NOT (BPF_CLANG AND BPFTOOL))
  message(STATUS "No clang or no bpftool: the BPF programs in bpf/ are not built (metrics of YAML need neither)")
  set(TPX_BPF OFF)
endif()
find_program(XZ xz)
if(TPX_BPF AND NOT XZ AND NOT EXISTS /sys/kernel/btf/vmlinux)
  message(STATUS "This machine has no BTF, and no xz to unpack a recorded one: the BPF programs in bpf/ are not built")
  set(TPX_BPF OFF)
endif()
if(NOT TPX_BPF)
  return()
endif()

# Kernel types of the machine that builds; of a recorded kernel where it offers none, and for releases, whose bytes must not depend
# on the machine. Objects relocate to whatever kernel they run on.
option(TPX_RECORDED_BTF "Compile the BPF programs with the types of a recorded kernel" OFF)
set(BPF_BUILD ${PROJECT_BINARY_DIR}/bpf)
set(VMLINUX_H ${BPF_BUILD}/include/vmlinux.h)
set(RECORDED_BTF ${PROJECT_SOURCE_DIR}/tests/fixtures/vmlinux-6.1.btf.xz)
add_custom_command(OUTPUT ${VMLINUX_H}
  COMMAND ${CMAKE_COMMAND} -DBPFTOOL=${BPFTOOL} -DOUT=${VMLINUX_H} -DRECORDED=${RECORDED_BTF} -DALWAYS=${TPX_RECORDED_BTF} -P ${PROJECT_SOURCE_DIR}/cmake/vmlinux.cmake
  DEPENDS ${PROJECT_SOURCE_DIR}/cmake/vmlinux.cmake
  COMMENT "Generating vmlinux.h")
add_custom_target(tpx_vmlinux DEPENDS ${VMLINUX_H})

if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(BPF_ARCH arm64)
else()
  set(BPF_ARCH x86)
endif()
function(tpx_bpf_object source object)
  # bpftool keeps BTF and drops DWARF, which is 30 times as much.
  add_custom_command(OUTPUT ${object}
    COMMAND ${BPF_CLANG} -O2 -g -Wall -Werror -target bpf -mcpu=v3 -D__TARGET_ARCH_${BPF_ARCH}
      -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -ffile-prefix-map=${PROJECT_BINARY_DIR}=. -fdebug-compilation-dir=.
      -I${BPF_BUILD}/include -I${PROJECT_SOURCE_DIR}/bpf -MD -MF ${object}.d -MT ${object} -c ${source} -o ${object}.dwarf
    COMMAND ${BPFTOOL} gen object ${object} ${object}.dwarf
    BYPRODUCTS ${object}.dwarf
    DEPENDS ${source} ${VMLINUX_H} tpx_vmlinux DEPFILE ${object}.d
    COMMENT "Building BPF object ${object}")
endfunction()

file(GLOB BPF_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bpf/*.bpf.c)
set(BPF_OBJECTS "")
foreach(source IN LISTS BPF_SOURCES)
  get_filename_component(name ${source} NAME_WE)
  tpx_bpf_object(${source} ${BPF_BUILD}/${name}.bpf.o)
  list(APPEND BPF_OBJECTS ${BPF_BUILD}/${name}.bpf.o)
endforeach()
add_custom_target(bpf_objects ALL DEPENDS ${BPF_OBJECTS})
if(TARGET tracepoint_exporter)
  add_dependencies(tracepoint_exporter bpf_objects)
endif()
install(FILES ${BPF_OBJECTS} DESTINATION lib/tracepoint_exporter/bpf)
