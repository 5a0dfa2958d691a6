# What belongs on a host beside the binary: unit, configuration, documentation; and the Debian package of it all (cpack).
include(GNUInstallDirs)

set(TPX_DOC ${CMAKE_INSTALL_DATAROOTDIR}/doc/tracepoint-exporter)
set(TPX_DEBIAN ${PROJECT_SOURCE_DIR}/deploy/debian)
# Whoever publishes the package puts an address here that answers.
set(TPX_MAINTAINER "tracepoint_exporter maintainers <root@localhost>" CACHE STRING "Name and address that the package gives")

# /etc is not below the prefix.
set(TPX_ETC /etc CACHE PATH "Where configuration goes")

install(FILES deploy/systemd/tracepoint_exporter.service DESTINATION lib/systemd/system)
install(FILES deploy/systemd/tracepoint_exporter.default DESTINATION ${TPX_ETC}/default RENAME tracepoint_exporter)
install(FILES config/default.yaml DESTINATION ${TPX_ETC}/tracepoint_exporter/conf.d)
# The thematic configurations; linked into conf.d where wanted. Those of programs/ only beside the objects that they name.
set(TPX_UNUSABLE "")
if(NOT TPX_BPF)
  set(TPX_UNUSABLE PATTERN programs EXCLUDE)
endif()
install(DIRECTORY config/ DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/tracepoint_exporter/config
  FILES_MATCHING PATTERN "*.yaml" PATTERN default.yaml EXCLUDE ${TPX_UNUSABLE})
file(GLOB TPX_DASHBOARDS CONFIGURE_DEPENDS dashboards/*.json)
install(FILES ${TPX_DASHBOARDS} DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/tracepoint_exporter/dashboards)
install(FILES deploy/prometheus/prometheus.yml deploy/prometheus/rules.yml DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/tracepoint_exporter/prometheus)
install(FILES deploy/systemd/sys-admin.conf deploy/systemd/tracepoint_exporter.socket DESTINATION ${TPX_DOC}/examples)
install(FILES ${TPX_DEBIAN}/copyright DESTINATION ${TPX_DOC})
# Pages for users; those for developers are in docs/design.
install(DIRECTORY docs DESTINATION ${TPX_DOC} FILES_MATCHING PATTERN "*.md" PATTERN "*.png" PATTERN design EXCLUDE)

# Debian wants these compressed, and the same at each build: the date is that of the last commit, and gzip keeps none.
find_program(GZIP gzip REQUIRED)
set(TPX_EPOCH "$ENV{SOURCE_DATE_EPOCH}" CACHE STRING "Time of the release in seconds since 1970; that of the last commit if empty")
if(TPX_EPOCH)
  set(ENV{SOURCE_DATE_EPOCH} ${TPX_EPOCH})
  string(TIMESTAMP TPX_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
else()
  execute_process(COMMAND git -C ${PROJECT_SOURCE_DIR} log -1 --date=rfc2822 --format=%cd OUTPUT_VARIABLE TPX_DATE
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT TPX_DATE)
  set(TPX_DATE "Thu, 01 Jan 1970 00:00:00 +0000")
endif()
# Releases have packages of several Debian versions: +deb12 comes before +deb13, which an upgrade of Debian installs.
set(TPX_DEBIAN_SUFFIX "" CACHE STRING "What the Debian package's version has behind the project's")
set(TPX_DEBIAN_VERSION ${PROJECT_VERSION}${TPX_DEBIAN_SUFFIX})
set(TPX_PACKAGE_FILES ${PROJECT_BINARY_DIR}/package)
file(MAKE_DIRECTORY ${TPX_PACKAGE_FILES})
# compressed(FILE NAME DESTINATION): installs FILE as NAME.gz.
function(compressed FILE NAME DESTINATION)
  execute_process(COMMAND ${GZIP} -9nc ${FILE} OUTPUT_FILE ${TPX_PACKAGE_FILES}/${NAME}.gz COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${TPX_PACKAGE_FILES}/${NAME}.gz DESTINATION ${DESTINATION})
endfunction()
configure_file(${TPX_DEBIAN}/changelog.in ${TPX_PACKAGE_FILES}/changelog @ONLY)
compressed(${TPX_PACKAGE_FILES}/changelog changelog ${TPX_DOC})
foreach(section 1 5)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/tracepoint_exporter.${section})
  compressed(${PROJECT_SOURCE_DIR}/man/tracepoint_exporter.${section} tracepoint_exporter.${section} ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
install(FILES deploy/completions/tracepoint_exporter.bash
  DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions RENAME tracepoint_exporter)
# Where Debian's zsh looks in /usr; it has no /usr/share/zsh/site-functions in its path.
set(TPX_ZSH_COMPLETIONS ${CMAKE_INSTALL_DATAROOTDIR}/zsh/vendor-completions CACHE PATH "Where zsh looks for completions")
install(FILES deploy/completions/_tracepoint_exporter DESTINATION ${TPX_ZSH_COMPLETIONS})
install(FILES ${TPX_DEBIAN}/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/lintian/overrides
  RENAME tracepoint-exporter)

# Packaging builds the binary, not the tests.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY TRUE)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_NAME tracepoint-exporter)
set(CPACK_PACKAGE_CONTACT ${TPX_MAINTAINER})
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
  WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_VERSION ${TPX_DEBIAN_VERSION})
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Prometheus exporter for Linux kernel tracepoints
Counts events of any tracepoint in the kernel, as a YAML configuration
says, and serves them as Prometheus metrics. The BPF programs are made
in-process: the host needs neither a compiler nor kernel headers.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${TPX_DEBIAN}/conffiles ${TPX_DEBIAN}/postinst ${TPX_DEBIAN}/prerm
  ${TPX_DEBIAN}/postrm)
include(CPack)
