# Writes vmlinux.h to OUT with BPFTOOL, from the running kernel's BTF; from RECORDED (xz) where that is not there, or ALWAYS.
set(BTF /sys/kernel/btf/vmlinux)
if(ALWAYS OR NOT EXISTS ${BTF})
  set(BTF ${OUT}.btf)
  execute_process(COMMAND xz -dc ${RECORDED} OUTPUT_FILE ${BTF} COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND ${BPFTOOL} btf dump file ${BTF} format c OUTPUT_FILE ${OUT} COMMAND_ERROR_IS_FATAL ANY)
