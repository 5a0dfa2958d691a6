#include "loader/libbpf_log.h"

#include <bpf/libbpf.h>

#include <cctype>
#include <cstdarg>
#include <cstdio>

#include "base/text.h"

namespace tpx::loader {

namespace {

thread_local LibbpfLog* current = nullptr;

// The attribute tells compilers that the format was checked where it came from.
__attribute__((format(printf, 2, 0))) int print(enum libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN || current == nullptr) {
    return 0;
  }
  va_list copy;
  va_copy(copy, arguments);
  const int size = std::vsnprintf(nullptr, 0, format, copy);
  va_end(copy);
  if (size > 0) {
    std::string message(static_cast<std::size_t>(size) + 1, '\0');
    std::vsnprintf(message.data(), message.size(), format, arguments);
    message.pop_back();
    current->add(message);
  }
  return size;
}

std::string without_prefix(std::string_view line) {
  constexpr std::string_view kPrefix = "libbpf: ";
  if (line.starts_with(kPrefix)) {
    line.remove_prefix(kPrefix.size());
  }
  return std::string(trim(line));
}

/// `R1=ctx() R10=fp0`: registers; not `R0 invalid mem access`.
bool is_state(std::string_view line) {
  const std::size_t end = line.find_first_not_of("0123456789", 1);
  return line.front() == 'R' && end != std::string_view::npos && (line[end] == '=' || line[end] == '_');
}

bool is_instruction(std::string_view line) {
  return !line.empty() && (std::isdigit(static_cast<unsigned char>(line.front())) != 0 || line.front() == ';' ||
                           line.starts_with("from ") || line.starts_with("func#") || is_state(line));
}

}  // namespace

LibbpfLog::LibbpfLog() : outer_(current) {
  current = this;
  libbpf_set_print(print);
}

LibbpfLog::~LibbpfLog() {
  current = outer_;
}

std::string reason_in(const std::string& log) {
  std::string first;
  std::string program;
  std::string verifier;
  bool inside = false;
  for (const std::string_view raw : split(log, '\n')) {
    const std::string line = without_prefix(raw);
    if (line.find("BEGIN PROG LOAD LOG") != std::string::npos) {
      inside = true;
    } else if (line.find("END PROG LOAD LOG") != std::string::npos) {
      inside = false;
    } else if (inside) {
      const bool statistics =
          line.starts_with("processed ") || line.starts_with("verification time") || line.starts_with("stack depth");
      verifier = line.empty() || statistics || is_instruction(line) ? verifier : line;
    } else if (line.find("Retrying without BTF") != std::string::npos) {
      continue;  // a map that libbpf creates again, with success
    } else if (program.empty() && line.starts_with("prog '")) {
      program = line;
    } else if (first.empty()) {
      first = line;
    }
  }
  return !verifier.empty() ? verifier : !program.empty() ? program : first;
}

std::string missing_extern(const std::string& log) {
  for (const std::string_view raw : split(log, '\n')) {
    const std::string line = without_prefix(raw);
    const std::size_t begin = line.find('\'');
    const std::size_t end = line.find('\'', begin + 1);
    const bool missing = line.find("not found") != std::string::npos || line.find("not resolved") != std::string::npos;
    if (line.starts_with("extern ") && missing && begin != std::string::npos && end != std::string::npos) {
      return line.substr(begin + 1, end - begin - 1);
    }
  }
  return "";
}

std::string refused_program(const std::string& log) {
  std::string name;
  for (const std::string_view raw : split(log, '\n')) {
    const std::string line = without_prefix(raw);
    constexpr std::string_view kStart = "prog '";
    if (!line.starts_with(kStart)) {
      continue;
    }
    const std::size_t end = line.find('\'', kStart.size());
    if (end != std::string::npos) {
      name = line.substr(kStart.size(), end - kStart.size());
    }
  }
  return name;
}

}  // namespace tpx::loader
