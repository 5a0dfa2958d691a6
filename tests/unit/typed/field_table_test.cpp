// The event.field table on the recorded kernels: which fields it gives, and what the letters of block events are. No root; see
// tests/kernel/field_table* for the proof that records say the same.
#include "typed/field_table.h"

#include <cstring>
#include <map>
#include <memory>
#include <set>

#include "catch.h"
#include "codegen/integers.h"
#include "codegen/texts.h"
#include "support/fixtures.h"
#include "support/interpreter.h"

namespace tpx::test {
namespace {

kernel::Kernel recorded(std::string_view release) {
  const int minor = release == "5.10" ? 10 : release == "6.1" ? 1 : 12;
  return kernel::recorded_kernel(recorded_directory(release),
                                 kernel::features_of_release(release == "5.10" ? 5 : 6, minor))
      .value();
}

/// The raw arguments of an event; null where the kernel has no such event, or no types of it (modules).
std::unique_ptr<typed::RawNames> raw_names(const kernel::Kernel& kernel, const kernel::Format& format) {
  auto arguments = kernel.btf->tracepoint(format.name);
  if (!arguments) {
    return nullptr;
  }
  typed::Event event{format.full_name()};
  event.btf = &*kernel.btf;
  event.arguments = std::move(*arguments);
  event.current_task_btf = kernel.features.current_task_btf;
  return std::make_unique<typed::RawNames>(std::move(event), true);
}

/// The fields of an event that the table does not give; nothing where the kernel has no such event.
std::optional<std::set<std::string>> missing(const kernel::Kernel& kernel, const std::string& event) {
  const auto slash = event.find('/');
  const auto format = kernel.tracefs.format(event.substr(0, slash), event.substr(slash + 1));
  if (!format) {
    return std::nullopt;
  }
  const auto names = raw_names(kernel, *format);
  if (!names) {
    return std::nullopt;
  }
  std::set<std::string> fields;
  for (const kernel::Field& field : format->fields) {
    if (!typed::map_field(field, *names)) {
      fields.insert(field.name);
    }
  }
  return fields;
}

TEST_CASE("the raw arguments give every field of the block events on every recorded kernel") {
  for (const std::string_view release : kRecordedReleases) {
    const kernel::Kernel kernel = recorded(release);
    const auto events = kernel.tracefs.match("block/*");
    REQUIRE(events.has_value());
    CHECK(events->size() >= 18);
    for (const std::string& event : *events) {
      INFO(release << ": " << event);
      const auto fields = missing(kernel, event);
      REQUIRE(fields.has_value());
      // A count over a list has no expression.
      CHECK(*fields == (event == "block/block_rq_remap" ? std::set<std::string>{"nr_bios"} : std::set<std::string>{}));
    }
  }
}

/// Rows that stand in a group which several events share, where some have no use for them: a disk's older place for events that
/// came later, say. And letters that came after the recorded kernels.
bool is_shared(const typed::FieldRow& row) {
  const bool other_kernel = row.bytes > 8 || row.expression.find("rq_disk") != std::string_view::npos ||
                            row.expression == "args.rq->ioprio" ||
                            row.expression.find("bi_bdev->bd_disk") != std::string_view::npos;
  return row.event.starts_with("block/") && other_kernel;
}

TEST_CASE("each row of the table gives its field on a recorded kernel that has it") {
  std::set<const typed::FieldRow*> there;
  std::set<const typed::FieldRow*> taken;
  for (const std::string_view release : kRecordedReleases) {
    const kernel::Kernel kernel = recorded(release);
    for (const auto rows : typed::field_table()) {
      for (const typed::FieldRow& row : rows) {
        for (const std::string& event :
             kernel.tracefs.match(std::string(row.event)).value_or(std::vector<std::string>{})) {
          const auto slash = event.find('/');
          const auto format = kernel.tracefs.format(event.substr(0, slash), event.substr(slash + 1));
          const auto names = format ? raw_names(kernel, *format) : nullptr;
          const kernel::Field* field = names ? format->find(std::string(row.field)) : nullptr;
          if (field != nullptr) {
            there.insert(&row);
            if (typed::bind_field_row(row, *field, *names)) {
              taken.insert(&row);
            }
          }
        }
      }
    }
  }
  for (const typed::FieldRow* row : there) {
    INFO(row->event << " " << row->field << " = " << row->expression);
    CHECK((taken.contains(row) || is_shared(*row)));
  }
}

/// blk_fill_rwbs(), by the numbers of one kernel. `zones` and `atomic`: the letters that came with records of 9 and 10 bytes.
std::string spelled(const kernel::Btf& btf, std::uint64_t flags, bool atomic, bool zones) {
  const auto is = [&](const char* operation) { return btf.enumerator(operation) == (flags & 0xff); };
  const auto has = [&](const char* flag) { return (flags >> btf.enumerator(flag).value_or(63) & 1) != 0; };
  std::string text = has("__REQ_PREFLUSH") ? "F" : "";
  if (is("REQ_OP_WRITE") || is("REQ_OP_WRITE_SAME")) {
    text += 'W';
  } else if (is("REQ_OP_DISCARD")) {
    text += 'D';
  } else if (is("REQ_OP_SECURE_ERASE")) {
    text += "DE";
  } else if (is("REQ_OP_FLUSH")) {
    text += 'F';
  } else if (is("REQ_OP_READ")) {
    text += 'R';
  } else if (zones && is("REQ_OP_ZONE_APPEND")) {
    text += "ZA";
  } else if (zones && is("REQ_OP_ZONE_RESET")) {
    text += "ZR";
  } else if (zones && is("REQ_OP_ZONE_RESET_ALL")) {
    text += "ZRA";
  } else if (zones && is("REQ_OP_ZONE_FINISH")) {
    text += "ZF";
  } else if (zones && is("REQ_OP_ZONE_OPEN")) {
    text += "ZO";
  } else if (zones && is("REQ_OP_ZONE_CLOSE")) {
    text += "ZC";
  } else {
    text += 'N';
  }
  text += has("__REQ_FUA") ? "F" : "";
  text += has("__REQ_RAHEAD") ? "A" : "";
  text += has("__REQ_SYNC") ? "S" : "";
  text += has("__REQ_META") ? "M" : "";
  text += atomic && has("__REQ_ATOMIC") ? "U" : "";
  return text.substr(0, 8);
}

/// The letters of a bound text over a word of flags that stands at the begin of the context.
std::string evaluate(const typed::BitLetters& letters, std::uint64_t flags) {
  assembler::Program program;
  const kernel::Features features;
  codegen::Context context{program, features, false, std::nullopt};
  program.move(codegen::kContext, assembler::Reg::R1);
  typed::BitLetters over_word = letters;
  over_word.bits = typed::make_typed(typed::ContextLoad{0, 8, false}, {schema::ValueType::Kind::Integer, 8, false});
  codegen::Integers integers(context);
  codegen::Texts(context, integers)
      .write(*typed::make_typed(over_word, {schema::ValueType::Kind::String, 8, false}), codegen::kKey, 8);
  program.load(assembler::Size::Double, assembler::Reg::R0, codegen::kFrame, codegen::kKey);
  program.exit();
  REQUIRE_FALSE(context.error.has_value());
  TestKernel kernel;
  std::vector<std::uint8_t> bytes(8);
  std::memcpy(bytes.data(), &flags, 8);
  const auto result = interpret(program, kernel, bytes);
  REQUIRE(result.has_value());
  char text[9] = {};
  std::memcpy(text, &*result, 8);
  return text;
}

TEST_CASE("the letters of block operations are those of the kernel, for every operation with every flag") {
  for (const std::string_view release : kRecordedReleases) {
    INFO(release);
    const kernel::Kernel kernel = recorded(release);
    const auto format = kernel.tracefs.format("block", "block_rq_issue");
    REQUIRE(format.has_value());
    const auto names = raw_names(kernel, *format);
    REQUIRE(names != nullptr);
    for (const std::uint32_t bytes : {8U, 9U, 10U}) {
      if (bytes > 8 && !kernel.btf->enumerator("__REQ_ATOMIC")) {
        continue;  // a record of so many bytes came after that flag
      }
      kernel::Field field = *format->find("rwbs");
      field.size = bytes;
      const auto bound = typed::map_field(field, *names);
      REQUIRE(bound.has_value());
      const auto* letters = std::get_if<typed::BitLetters>(&(*bound)->node);
      REQUIRE(letters != nullptr);
      std::vector<std::uint64_t> flags{0};
      for (const char* name :
           {"__REQ_PREFLUSH", "__REQ_FUA", "__REQ_RAHEAD", "__REQ_SYNC", "__REQ_META", "__REQ_ATOMIC"}) {
        if (const auto bit = kernel.btf->enumerator(name)) {
          for (std::size_t i = 0, count = flags.size(); i < count; ++i) {
            flags.push_back(flags[i] | std::uint64_t{1} << *bit);
          }
        }
      }
      for (const std::uint64_t some : flags) {
        for (std::uint64_t operation = 0; operation < 40; ++operation) {
          const std::uint64_t word = some | operation | 1 << 9;  // a flag without a letter
          CHECK(evaluate(*letters, word) == spelled(*kernel.btf, word, bytes >= 9, bytes >= 10));
        }
      }
    }
  }
}

}  // namespace
}  // namespace tpx::test
