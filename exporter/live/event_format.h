#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "decode/decoder.h"
#include "decode/label_decoder.h"
#include "kernel/kernel.h"
#include "plan/event_plan.h"

namespace tpx::live {

enum class EventOutput : std::uint8_t { Text, Json };

/// Writes the records of one tracepoint, one a line. Used by one thread.
///
///   12:00:01.123456 bash              1234 [001] prev_comm=bash prev_pid=1234 prev_state=S -> next_comm=top next_pid=99
///
/// A process id is followed by the thread's, `1234/1240`, where they differ. A value that the kernel has a name for reads
/// `vec=TIMER`; system calls' results read `ret=-2 (ENOENT)`. Strings with spaces are quoted.
/// As JSON, numbers stay numbers and their names stand beside them as NAME_name:
///
///   {"time":"2026-01-31T12:00:01.123456789Z","comm":"bash","pid":1234,"tid":1234,"cpu":1,"args":{"vec":1,"vec_name":"TIMER"}}
class EventFormatter {
 public:
  /// `realtime_offset`: nanoseconds of CLOCK_REALTIME when CLOCK_MONOTONIC was 0.
  [[nodiscard]] static Result<EventFormatter> make(const plan::EventPlan& plan, const kernel::Kernel& kernel,
                                                   const decode::Environment& environment, EventOutput output,
                                                   std::uint64_t realtime_offset);

  /// Appends a line.
  void append(std::string& out, std::span<const std::byte> record);

  /// The line above the events: the names of the first columns. Empty for JSON.
  [[nodiscard]] std::string heading() const;

  /// Whether each line says which tracepoint its event is of: `category/name` before the fields, or a member `event`.
  void name_events(bool named) { named_ = named; }

  /// Appends the fields alone, as append() does: ` name=value …` or `"name":value,…`.
  void append_fields(std::string& out, std::span<const std::byte> record);

  /// Appends what stands before the fields: the time, the task and the CPU.
  void append_header(std::string& out, std::span<const std::byte> record);

 private:
  enum class Show : std::uint8_t { Number, Hex, Text, Bytes, Numbers };
  struct Column {
    std::string name;
    std::string json_name;  ///< `,"name":`
    schema::ValueType type;
    std::uint32_t offset = 0;
    Show show = Show::Number;
    std::uint32_t element_size = 1;  ///< Numbers
    bool element_signed = false;     ///< Numbers
    bool result = false;             ///< of a system call: an error's name follows the number
    bool decoded = false;            ///< the user asked for the decoder: its text stands in place of the value
    std::unique_ptr<decode::LabelDecoder> decoder;
  };

  EventFormatter(EventOutput output, std::uint64_t offset) : output_(output), realtime_offset_(offset) {}
  void append_text_header(std::string& out, std::span<const std::byte> record);
  void append_text_fields(std::string& out, std::span<const std::byte> record);
  void append_json_header(std::string& out, std::span<const std::byte> record);
  void append_json_fields(std::string& out, std::span<const std::byte> record);
  void append_clock(std::string& out, std::uint64_t monotonic);
  void append_value(std::string& out, const Column& column, std::span<const std::byte> bytes) const;
  [[nodiscard]] const std::string* name_of(const Column& column, std::span<const std::byte> bytes);
  [[nodiscard]] static Result<Column> with_decoder(Column column, const plan::EventColumn& source,
                                                   std::vector<schema::DecoderCall> calls,
                                                   const decode::Environment& environment);
  [[nodiscard]] static Result<Column> make_column(const plan::EventColumn& source, const plan::EventPlan& plan,
                                                  const kernel::Kernel& kernel, const decode::Environment& environment);

  EventOutput output_;
  std::uint64_t realtime_offset_;
  std::string tracepoint_;
  bool named_ = false;
  std::vector<Column> columns_;
  std::uint64_t second_ = 0;
  std::string second_text_;
  std::vector<std::string> texts_;  // kept for its memory
};

}  // namespace tpx::live
