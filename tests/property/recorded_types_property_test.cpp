// Every field of every tracepoint of the recorded kernels: what the product takes it for is what the tests' own reading of the
// same file says. The reference of configuration_property_test.cpp stands on that reading.

#include <algorithm>
#include <string>

#include "catch.h"
#include "kernel/tracefs.h"
#include "support/c_types.h"
#include "support/decimal.h"
#include "support/fixtures.h"
#include "support/recorded_format.h"
#include "typed/syscall_types.h"

namespace tpx::test {
namespace {

using kernel::Field;
using Kind = RecordedField::Kind;

Kind kind_of(const Field& field) {
  switch (field.kind) {
    case Field::Kind::Integer:
      return Kind::Integer;
    case Field::Kind::CharArray:
      return Kind::Text;
    case Field::Kind::Array:
      return Kind::Array;
    case Field::Kind::DataLoc:
      return Kind::DataLoc;
    case Field::Kind::RelLoc:
      return Kind::RelLoc;
    case Field::Kind::Other:
      break;
  }
  return Kind::Unreadable;
}

bool same(const Field& field, const RecordedField& recorded) {
  const bool loc = recorded.kind == Kind::DataLoc || recorded.kind == Kind::RelLoc;
  const bool is_text = recorded.kind == Kind::Text || (loc && recorded.type == "char");
  const bool is_integer = recorded.kind == Kind::Integer;
  return field.name == recorded.name && field.offset == recorded.offset && field.size == recorded.size &&
         kind_of(field) == recorded.kind && field.is_string == is_text &&
         (!is_integer || field.is_signed == recorded.is_signed);
}

TEST_CASE("fields are what the text of their format says", "[property]") {
  for (const std::string_view release : kRecordedReleases) {
    const auto tracefs = kernel::Tracefs::open(recorded_directory(release));
    REQUIRE(tracefs.has_value());
    std::size_t fields = 0;
    const auto events = tracefs->events();
    REQUIRE(events.has_value());
    for (const std::string& event : *events) {
      INFO(release << " " << event);
      const auto slash = event.find('/');
      const auto format = tracefs->format(event.substr(0, slash), event.substr(slash + 1));
      REQUIRE(format.has_value());
      const auto recorded = RecordedFormat::read(recorded_directory(release) + "/events/" + event + "/format");
      REQUIRE(format->fields.size() == recorded.fields.size());
      for (std::size_t i = 0; i < recorded.fields.size(); ++i) {
        INFO(recorded.fields[i].type << " " << recorded.fields[i].name);
        CHECK(same(format->fields[i], recorded.fields[i]));
        ++fields;
      }
    }
    CHECK(fields > 4000);
  }
}

TEST_CASE("arguments of system calls have the types of the kernel's BTF", "[property]") {
  for (const std::string_view release : kRecordedReleases) {
    const std::string root = recorded_directory(release);
    const CTypes types(root + "/vmlinux.btf");
    const auto tracefs = kernel::Tracefs::open(root);
    REQUIRE(tracefs.has_value());
    std::size_t arguments = 0;
    const auto events = tracefs->match("syscalls/sys_enter_*");
    REQUIRE(events.has_value());
    for (const std::string& event : *events) {
      for (const RecordedField& field : RecordedFormat::read(root + "/events/" + event + "/format").fields) {
        if (field.kind != Kind::Integer || field.size != 8) {
          continue;
        }
        INFO(release << " " << event << ": " << field.type << " " << field.name);
        const schema::ValueType taken = typed::syscall_argument_type(field.type);
        CHECK(CInteger{taken.size, taken.is_signed} == types.scalar(field.type));
        ++arguments;
      }
    }
    CHECK(arguments > 800);
  }
}

TEST_CASE("decimal numbers are exact") {
  const auto times = [](const char* left, const char* right) { return Decimal(left) * Decimal(right); };
  const auto equal = [](const Decimal& left, const Decimal& right) { return left <= right && right <= left; };
  CHECK(equal(times("0.1", "3"), Decimal("0.3")));
  CHECK(equal(times("18446744073709551615", "1e-9"), Decimal("18446744073.709551615")));
  CHECK(equal(times("-1.5e-07", "200"), Decimal("-3e-5")));
  CHECK(equal(times("0", "-7"), Decimal("-0.00")));
  CHECK(equal(times("99999999999999999999", "99999999999999999999"),
              Decimal("9999999999999999999800000000000000000001")));
  CHECK_FALSE(Decimal("0.30000000000000000001") <= Decimal("0.3"));
  CHECK(Decimal("-2") <= Decimal("-1"));
  CHECK_FALSE(Decimal("-1") <= Decimal("-2"));
  CHECK(Decimal("-1") <= Decimal("1e-30"));
  CHECK_FALSE(Decimal("1000") <= Decimal("999.9"));
  CHECK_THROWS(Decimal("1,5"));
}

}  // namespace
}  // namespace tpx::test
