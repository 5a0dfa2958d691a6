#pragma once

#include <string>

namespace tpx::loader {

/// Takes libbpf's warnings of this thread while it lives, in place of stderr; those of other threads are dropped meanwhile.
/// They nest. libbpf keeps one print function for the process, hence one of our own behind it.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;

  /// All messages so far, as libbpf wrote them: lines that start with `libbpf: `.
  [[nodiscard]] const std::string& text() const { return text_; }
  void clear() { text_.clear(); }
  /// Called by the print function.
  void add(const std::string& message) { text_ += message; }

 private:
  std::string text_;
  LibbpfLog* outer_;
};

/// The last line of `log` that says why: of a verifier's log in it, its last line that is no instruction and no statistics;
/// else libbpf's first message about a program, else its first that is not about a map created again. "" when there is none.
[[nodiscard]] std::string reason_in(const std::string& log);

/// The kfunc or kernel variable that an object declares extern and this kernel lacks; "" when `log` names none.
[[nodiscard]] std::string missing_extern(const std::string& log);

/// The program that `log` says could not be loaded; "" when it names none.
[[nodiscard]] std::string refused_program(const std::string& log);

}  // namespace tpx::loader
