#include "live/event_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <ctime>

#include "base/text.h"
#include "kernel/format.h"
#include "live/field_decoder.h"
#include "live/text_buffer.h"

namespace tpx::live {

using plan::EventPlan;
using schema::ValueType;

namespace {

constexpr std::uint64_t kNanoseconds = 1'000'000'000;

template <class T>
T load(std::span<const std::byte> record, std::uint32_t offset) {
  T value{};
  if (offset + sizeof value <= record.size()) {
    std::memcpy(&value, record.data() + offset, sizeof value);
  }
  return value;
}

std::uint64_t integer_at(std::span<const std::byte> bytes, std::uint32_t size, bool is_signed) {
  switch (size) {
    case 1:
      return is_signed ? static_cast<std::uint64_t>(load<std::int8_t>(bytes, 0)) : load<std::uint8_t>(bytes, 0);
    case 2:
      return is_signed ? static_cast<std::uint64_t>(load<std::int16_t>(bytes, 0)) : load<std::uint16_t>(bytes, 0);
    case 4:
      return is_signed ? static_cast<std::uint64_t>(load<std::int32_t>(bytes, 0)) : load<std::uint32_t>(bytes, 0);
    default:
      return load<std::uint64_t>(bytes, 0);
  }
}

std::string_view string_at(std::span<const std::byte> bytes) {
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  return {text, strnlen(text, bytes.size())};
}

/// Words that read as one: no spaces, nothing invisible.
bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"'; });
}

/// Text as it stands on a terminal: quoted where it would not read as one word, control characters escaped.
void append_word(std::string& out, std::string_view text) {
  if (is_plain(text)) {
    out += text;
    return;
  }
  append_json_string(out, text);
}

}  // namespace

Result<EventFormatter::Column> EventFormatter::with_decoder(Column column, const plan::EventColumn& source,
                                                            std::vector<schema::DecoderCall> calls,
                                                            const decode::Environment& environment) {
  schema::KeyLayout layout;
  layout.size = source.type.size;
  layout.fields.push_back({source.name, 0, source.type, std::move(calls), {}});
  auto decoder = decode::LabelDecoder::make(layout, environment);
  if (!decoder) {
    return fail(std::move(decoder.error()));
  }
  column.decoder = std::make_unique<decode::LabelDecoder>(std::move(*decoder));
  return column;
}

Result<EventFormatter::Column> EventFormatter::make_column(const plan::EventColumn& source, const EventPlan& plan,
                                                           const kernel::Kernel& kernel,
                                                           const decode::Environment& environment) {
  Column column;
  column.name = source.name;
  append_json_string(column.json_name, source.name);
  column.json_name += ':';
  column.type = source.type;
  column.offset = source.offset;
  column.show = source.type.kind == ValueType::Kind::Integer  ? Show::Number
                : source.type.kind == ValueType::Kind::String ? Show::Text
                                                              : Show::Bytes;
  if (!source.decoders.empty()) {
    column.decoded = true;
    return with_decoder(std::move(column), source, source.decoders, environment);
  }
  if (!source.field || source.dereferenced) {
    return column;
  }
  const kernel::Field& field = *source.field;
  const bool syscall = plan.format->category == "syscalls" || plan.format->category == "raw_syscalls";
  column.result = syscall && field.name == "ret";
  if (plan.format->category == "syscalls" && field.type == "int" && source.type.kind == ValueType::Kind::Integer) {
    // The record has whole registers; what an int is, its lower half says (both architectures are little-endian).
    column.type = {ValueType::Kind::Integer, 4, true};
  }
  if (column.show == Show::Number &&
      (field.is_pointer || (plan.format->category == "syscalls" &&
                            (field.name == "flags" || field.name == "mode" || field.name == "addr")))) {
    column.show = Show::Hex;
  }
  if (column.show == Show::Bytes && field.kind == kernel::Field::Kind::Array && field.element_size > 1) {
    column.show = Show::Numbers;
    column.element_size = field.element_size;
    column.element_signed = field.is_signed;
  }
  schema::DecoderCall call = decoder_for(field, *plan.format, kernel);
  if (column.result) {
    call = {};
  }
  return call.name.empty() ? std::move(column)
                           : with_decoder(std::move(column), source, {std::move(call)}, environment);
}

Result<EventFormatter> EventFormatter::make(const EventPlan& plan, const kernel::Kernel& kernel,
                                            const decode::Environment& environment, EventOutput output,
                                            std::uint64_t realtime_offset) {
  EventFormatter formatter(output, realtime_offset);
  formatter.tracepoint_ = plan.tracepoint;
  for (const plan::EventColumn& source : plan.columns) {
    auto column = make_column(source, plan, kernel, environment);
    if (!column) {
      return fail(std::move(column.error()));
    }
    formatter.columns_.push_back(std::move(*column));
  }
  return formatter;
}

std::string EventFormatter::heading() const {
  return output_ == EventOutput::Text ? "TIME            COMM             PID/TID       [CPU] EVENT\n" : "";
}

void EventFormatter::append(std::string& out, std::span<const std::byte> record) {
  append_header(out, record);
  const bool json = output_ == EventOutput::Json;
  if (named_ && !json) {
    out += ' ';
    out += tracepoint_;
  } else if (named_) {
    out += ",\"event\":";
    append_json_string(out, tracepoint_);
  }
  out += json ? ",\"args\":{" : "";
  append_fields(out, record);
  out += json ? "}}\n" : "\n";
}

void EventFormatter::append_header(std::string& out, std::span<const std::byte> record) {
  output_ == EventOutput::Text ? append_text_header(out, record) : append_json_header(out, record);
}

void EventFormatter::append_fields(std::string& out, std::span<const std::byte> record) {
  output_ == EventOutput::Text ? append_text_fields(out, record) : append_json_fields(out, record);
}

/// `12:00:01` in local time or `2026-01-31T12:00:01` in UTC, made once a second.
void EventFormatter::append_clock(std::string& out, std::uint64_t monotonic) {
  const std::uint64_t now = monotonic + realtime_offset_;
  const std::uint64_t second = now / kNanoseconds;
  const bool text = output_ == EventOutput::Text;
  if (second != second_ || second_text_.empty()) {
    second_ = second;
    const auto time = static_cast<std::time_t>(second);
    std::tm parts{};
    text ? localtime_r(&time, &parts) : gmtime_r(&time, &parts);
    std::array<char, 32> buffer{};
    second_text_.assign(buffer.data(),
                        std::strftime(buffer.data(), buffer.size(), text ? "%H:%M:%S." : "%Y-%m-%dT%H:%M:%S.", &parts));
  }
  out += second_text_;
  append_padded(out, text ? now % kNanoseconds / 1000 : now % kNanoseconds, text ? 6 : 9, '0');
}

const std::string* EventFormatter::name_of(const Column& column, std::span<const std::byte> bytes) {
  if (column.decoder == nullptr || !column.decoder->decode(bytes.first(column.type.size), texts_) ||
      texts_.front().empty()) {
    return nullptr;
  }
  return texts_.data();
}

void EventFormatter::append_value(std::string& out, const Column& column, std::span<const std::byte> bytes) const {
  const bool json = output_ == EventOutput::Json;
  switch (column.show) {
    case Show::Number:
      append_integer(out, integer_at(bytes, column.type.size, column.type.is_signed), column.type.is_signed);
      return;
    case Show::Hex: {
      const std::uint64_t value = integer_at(bytes, column.type.size, false);
      json ? append_integer(out, value, false) : append_hex(out, value);
      return;
    }
    case Show::Text: {
      const std::string_view text = string_at(bytes.first(column.type.size));
      json ? append_json_string(out, text) : append_word(out, text);
      return;
    }
    case Show::Bytes:
      out += json ? "\"" : "";
      append_hex_bytes(out, bytes.first(column.type.size));
      out += json ? "\"" : "";
      return;
    case Show::Numbers:
      out += '[';
      for (std::uint32_t i = 0; i + column.element_size <= column.type.size; i += column.element_size) {
        out += i == 0 ? "" : ",";
        append_integer(out, integer_at(bytes.subspan(i), column.element_size, column.element_signed),
                       column.element_signed);
      }
      out += ']';
  }
}

void EventFormatter::append_text_header(std::string& out, std::span<const std::byte> record) {
  append_clock(out, load<std::uint64_t>(record, EventPlan::kTime));
  out += ' ';
  const std::string_view comm = string_at(record.subspan(EventPlan::kComm, 16));
  const std::size_t start = out.size();
  is_plain(comm) ? void(out += comm) : append_visible(out, comm);
  out.append(17 - std::min<std::size_t>(16, out.size() - start), ' ');
  const auto pid = load<std::uint32_t>(record, EventPlan::kPid);
  const auto tid = load<std::uint32_t>(record, EventPlan::kTid);
  const std::size_t ids = out.size();
  append_integer(out, pid, false);
  if (tid != pid) {
    out += '/';
    append_integer(out, tid, false);
  }
  out.append(14 - std::min<std::size_t>(13, out.size() - ids), ' ');
  out += '[';
  append_padded(out, load<std::uint32_t>(record, EventPlan::kCpu), 3, '0');
  out += ']';
}

void EventFormatter::append_text_fields(std::string& out, std::span<const std::byte> record) {
  bool previous = false;
  for (const Column& column : columns_) {
    // What was, then what is.
    const bool next = column.name.starts_with("next_");
    out += previous && next ? " -> " : " ";
    previous = column.name.starts_with("prev_");
    out += column.name;
    out += '=';
    const std::span<const std::byte> bytes = record.subspan(column.offset);
    if (const std::string* name = name_of(column, bytes)) {
      append_word(out, *name);
      continue;
    }
    append_value(out, column, bytes);
    if (const char* error = column.result ? error_name(integer_at(bytes, column.type.size, true)) : nullptr) {
      out += " (";
      out += error;
      out += ')';
    }
  }
}

void EventFormatter::append_json_header(std::string& out, std::span<const std::byte> record) {
  out += "{\"time\":\"";
  append_clock(out, load<std::uint64_t>(record, EventPlan::kTime));
  out += "Z\",\"comm\":";
  append_json_string(out, string_at(record.subspan(EventPlan::kComm, 16)));
  out += ",\"pid\":";
  append_integer(out, load<std::uint32_t>(record, EventPlan::kPid), false);
  out += ",\"tid\":";
  append_integer(out, load<std::uint32_t>(record, EventPlan::kTid), false);
  out += ",\"cpu\":";
  append_integer(out, load<std::uint32_t>(record, EventPlan::kCpu), false);
}

void EventFormatter::append_json_fields(std::string& out, std::span<const std::byte> record) {
  bool first = true;
  for (const Column& column : columns_) {
    out += first ? "" : ",";
    first = false;
    out += column.json_name;
    const std::span<const std::byte> bytes = record.subspan(column.offset);
    const std::string* name = name_of(column, bytes);
    if (column.decoded && name != nullptr) {
      append_json_string(out, *name);
      continue;
    }
    append_value(out, column, bytes);
    const char* error = column.result ? error_name(integer_at(bytes, column.type.size, true)) : nullptr;
    if (name != nullptr || error != nullptr) {
      out += ',';
      out.append(column.json_name, 0, column.json_name.size() - 2);
      out += "_name\":";
      append_json_string(out, name != nullptr ? std::string_view(*name) : std::string_view(error));
    }
  }
}

}  // namespace tpx::live
