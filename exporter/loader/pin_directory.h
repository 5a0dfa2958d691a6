#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "loader/kept_text.h"
#include "loader/loader.h"

namespace tpx::loader {

/// Whether the directory exists and is on a BPF filesystem.
[[nodiscard]] bool is_bpf_filesystem(const std::string& path);

/// A directory of a BPF filesystem that keeps programs counting while no exporter runs: the slots, stubs and links of attach
/// points, the maps of metrics, and a map `header` that names them and says what they count. Only what the header names
/// counts; it is replaced as a whole by a rename, so that a crash at any moment leaves the state before or after. Locked
/// against other exporters while this object lives. One thread at a time.
/// See docs/design/continuity.md.
class PinDirectory {
 public:
  /// Makes the directory (mode 0700) if its parent exists. Fails with EWOULDBLOCK and the holder's process id when another
  /// exporter has locked it; with another errno when this system has no BPF filesystem there or it can't be written.
  [[nodiscard]] static Result<std::unique_ptr<PinDirectory>> open(const std::string& path);
  /// One that is there, whoever owns it: to look at it and to clear() it.
  [[nodiscard]] static Result<std::unique_ptr<PinDirectory>> open_to_clear(const std::string& path);

  /// What the header names, as a deployment that another one can take over from: each metric with its identity and maps,
  /// each attach point with its slot. Nothing when the directory has no header. Fails when anything of it is missing or not
  /// what the header says.
  [[nodiscard]] Result<std::optional<Loaded>> restore();

  /// Pins what `loaded` counts through slots, for restore(); removes all other pins. Metrics that retire series, metrics of
  /// BPF objects and those without slots are left out: they begin anew. After an error no header is left.
  [[nodiscard]] Result<void> save(const Loaded& loaded);

  /// The metrics that save() leaves out.
  [[nodiscard]] static std::vector<std::string> left_out(const Loaded& loaded);

  /// Before replace_programs(): from now on the header names only the metrics that `next` keeps, so that no process takes over
  /// another one that has missed events. All pins stay.
  [[nodiscard]] Result<void> prepare(const Loaded& next);

  /// The text that the directory keeps beside the header; "" in a new one.
  [[nodiscard]] Result<std::shared_ptr<KeptText>> text();

  /// Removes all pins: what counts in no process's name any more is detached. The names of what was removed.
  [[nodiscard]] Result<std::vector<std::string>> clear() const;
  /// The names of all pins.
  [[nodiscard]] Result<std::vector<std::string>> names() const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit PinDirectory(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] Result<void> lock(bool own);
  enum class Metrics : std::uint8_t { All, Kept };
  [[nodiscard]] Result<void> save(const Loaded& loaded, Metrics which);
  [[nodiscard]] Result<void> write_pins(const Loaded& loaded, Metrics which);
  [[nodiscard]] Result<std::string> pin(int descriptor, const std::string& name);
  [[nodiscard]] Result<void> write_header(const std::string& text);
  [[nodiscard]] Result<std::optional<std::string>> read_header();
  void remove_others(const std::vector<std::string>& kept) const;

  std::string path_;
  UniqueFd lock_;
  Region header_;  ///< what the pin `header` is
};

}  // namespace tpx::loader
