#include "live/event_pairs.h"

#include <array>
#include <charconv>
#include <cstring>

#include "live/shown_number.h"
#include "live/top_table.h"

namespace tpx::live {

using plan::EventPlan;
using schema::ValueType;

namespace {

constexpr std::size_t kLatency = 9;  ///< columns

template <class T>
T load(std::span<const std::byte> record, std::uint32_t offset) {
  T value{};
  std::memcpy(&value, record.data() + offset, sizeof value);
  return value;
}

}  // namespace

EventPairs::EventPairs(const EventPlan& start, EventFormatter start_formatter, const EventPlan& end,
                       EventFormatter end_formatter, EventOutput output, bool utf8)
    : start_key_{start.columns.front().offset, start.columns.front().type},
      end_key_{end.columns.front().offset, end.columns.front().type},
      start_(std::move(start_formatter)),
      end_(std::move(end_formatter)),
      output_(output),
      utf8_(utf8) {}

std::string EventPairs::heading() {
  return "TIME            COMM             PID/TID       [CPU]   LATENCY EVENT\n";
}

/// Integers of any width compare as 64 bits, texts up to their NUL.
std::string_view EventPairs::key_of(const Column& column, std::span<const std::byte> record) {
  const auto* bytes = reinterpret_cast<const char*>(record.data()) + column.offset;
  if (column.type.kind == ValueType::Kind::Integer) {
    const bool negative =
        column.type.is_signed && (static_cast<unsigned char>(bytes[column.type.size - 1]) & 0x80U) != 0;
    key_.assign(8, negative ? '\xff' : '\0');
    std::memcpy(key_.data(), bytes, column.type.size);
  } else {
    const bool text = column.type.kind == ValueType::Kind::String;
    key_.assign(bytes, text ? strnlen(bytes, column.type.size) : column.type.size);
  }
  return key_;
}

bool EventPairs::append(std::string& out, std::span<const std::byte> record) {
  const bool starts = load<std::uint32_t>(record, EventPlan::kNumber) == kStart;
  const std::string key(key_of(starts ? start_key_ : end_key_, record));
  if (starts) {
    if (waiting_.size() >= kMostStarts && !waiting_.contains(key)) {
      ++refused_starts_;
    } else {
      waiting_[key].assign(record.begin(), record.end());
    }
    return false;
  }
  const auto start = waiting_.extract(key);
  if (!start) {
    ++without_start_;
    return false;
  }
  const std::span<const std::byte> first(start.mapped());
  const auto nanoseconds = static_cast<std::int64_t>(load<std::uint64_t>(record, EventPlan::kTime) -
                                                     load<std::uint64_t>(first, EventPlan::kTime));
  end_.append_header(out, record);
  if (output_ == EventOutput::Json) {
    std::array<char, 32> number{};
    const auto done =
        std::to_chars(number.data(), number.data() + number.size(), static_cast<double>(nanoseconds) * 1e-9);
    out += ",\"latency_seconds\":" + std::string(number.data(), done.ptr) + ",\"from\":{";
    start_.append_fields(out, first);
    out += "},\"args\":{";
    end_.append_fields(out, record);
    out += "}}\n";
    return true;
  }
  out += ' ' + fitted(shown_number(static_cast<double>(nanoseconds) * 1e-9, Unit::Seconds, utf8_), kLatency, true);
  start_.append_fields(out, first);
  const std::size_t before = out.size();
  out += " ->";
  end_.append_fields(out, record);
  if (out.size() == before + 3) {
    out.resize(before);  // an end without fields
  }
  out += '\n';
  return true;
}

}  // namespace tpx::live
