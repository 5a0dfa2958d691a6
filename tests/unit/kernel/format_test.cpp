#include "kernel/format.h"

#include <filesystem>
#include <string>

#include "base/file.h"
#include "catch.h"
#include "support/fixtures.h"

using tpx::kernel::Field;
using tpx::kernel::Format;
using tpx::kernel::parse_format;

namespace {

constexpr const char* kHeader =
    "name: sample\nID: 42\nformat:\n"
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n";

Format sample(const std::string& fields, const std::string& print = "\"x\"") {
  auto format = parse_format("test", kHeader + fields + "\nprint fmt: " + print + "\n");
  INFO((format ? std::string() : format.error().message));
  REQUIRE(format);
  return *format;
}

Field only_field(const std::string& line) {
  const Format format = sample("\tfield:" + line + "\n");
  REQUIRE(format.fields.size() == 1);
  return format.fields[0];
}

void check_sanity(const Field& field) {
  CHECK_FALSE(field.name.empty());
  CHECK_FALSE(field.type.empty());
  CHECK(field.offset + field.size < 65536);
  CHECK(field.name.find_first_of(" []*") == std::string::npos);
  switch (field.kind) {
    case Field::Kind::Integer:
      CHECK((field.size == 1 || field.size == 2 || field.size == 4 || field.size == 8));
      CHECK(field.element_size == field.size);
      break;
    case Field::Kind::CharArray:
      CHECK(field.is_string);
      CHECK(field.element_size == 1);
      CHECK(field.length == field.size);
      break;
    case Field::Kind::Array:
      CHECK_FALSE(field.is_string);
      CHECK(field.element_size * field.length == field.size);
      CHECK(field.length > 0);
      break;
    case Field::Kind::DataLoc:
    case Field::Kind::RelLoc:
      CHECK(field.size == 4);
      CHECK(field.element_size > 0);
      break;
    case Field::Kind::Other:
      // The ftrace category's trailing `buf[]` have no size; everything else is a struct no load can read.
      CHECK((field.size == 0 || field.size > 8));
      break;
  }
}

std::size_t check_tree(const std::string& directory) {
  std::size_t formats = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory + "/events")) {
    if (entry.path().filename() != "format") {
      continue;
    }
    const std::string name = entry.path().parent_path().filename();
    const auto text = tpx::read_file(entry.path());
    REQUIRE(text);
    const auto format = parse_format(entry.path().parent_path().parent_path().filename().string(), *text);
    INFO(entry.path().string() << (format ? std::string() : ": " + format.error().message));
    REQUIRE(format);
    CHECK(format->name == name);
    CHECK(format->id > 0);
    CHECK_FALSE(format->print_format.empty());
    for (const Field& field : format->fields) {
      INFO(field.name << " of type " << field.type);
      CHECK_FALSE(field.name.starts_with("common_"));
      check_sanity(field);
    }
    ++formats;
  }
  return formats;
}

}  // namespace

TEST_CASE("an integer field carries type, place and sign", "[format]") {
  const Field field = only_field("long long delta;\toffset:16;\tsize:8;\tsigned:1;");
  CHECK(field.name == "delta");
  CHECK(field.type == "long long");
  CHECK(field.kind == Field::Kind::Integer);
  CHECK(field.offset == 16);
  CHECK(field.size == 8);
  CHECK(field.element_size == 8);
  CHECK(field.is_signed);
  CHECK_FALSE(field.is_pointer);
  CHECK_FALSE(field.is_string);
}

TEST_CASE("a char array is a string whatever its sign", "[format]") {
  for (const char* sign : {"0", "1"}) {
    const Field field = only_field(std::string("char comm[16];\toffset:9;\tsize:16;\tsigned:") + sign + ";");
    CHECK(field.kind == Field::Kind::CharArray);
    CHECK(field.is_string);
    CHECK(field.name == "comm");
    CHECK(field.length == 16);
    CHECK(field.offset == 9);
  }
  CHECK(only_field("char func[30+1];\toffset:8;\tsize:31;\tsigned:1;").length == 31);
}

TEST_CASE("arrays know their elements", "[format]") {
  const Field longs = only_field("unsigned long args[6];\toffset:16;\tsize:48;\tsigned:0;");
  CHECK(longs.kind == Field::Kind::Array);
  CHECK(longs.element_size == 8);
  CHECK(longs.length == 6);
  const Field mac = only_field("unsigned char addr[6];\toffset:16;\tsize:6;\tsigned:0;");
  CHECK(mac.kind == Field::Kind::Array);
  CHECK(mac.element_size == 1);
  CHECK_FALSE(mac.is_string);
  const Field bytes = only_field("__u8 saddr[sizeof(struct sockaddr_in6)];\toffset:8;\tsize:28;\tsigned:0;");
  CHECK(bytes.kind == Field::Kind::Array);
  CHECK(bytes.length == 28);
  CHECK(bytes.name == "saddr");
  const Field structs = only_field("struct pair p[2];\toffset:8;\tsize:16;\tsigned:0;");
  CHECK(structs.kind == Field::Kind::Array);
  CHECK(structs.element_size == 1);
  CHECK(structs.length == 16);
}

TEST_CASE("dynamic fields know what they point to", "[format]") {
  const Field name = only_field("__data_loc char[] name;\toffset:8;\tsize:4;\tsigned:0;");
  CHECK(name.kind == Field::Kind::DataLoc);
  CHECK(name.name == "name");
  CHECK(name.is_string);
  CHECK(name.element_size == 1);
  CHECK(name.length == 0);
  const Field relative = only_field("__rel_loc char[] name;\toffset:8;\tsize:4;\tsigned:1;");
  CHECK(relative.kind == Field::Kind::RelLoc);
  CHECK(relative.is_string);
  const Field words = only_field("__data_loc u32[] power;\toffset:12;\tsize:4;\tsigned:0;");
  CHECK(words.kind == Field::Kind::DataLoc);
  CHECK(words.element_size == 4);
  CHECK_FALSE(words.is_string);
  const Field mask = only_field("__data_loc cpumask_t cpumask;\toffset:8;\tsize:4;\tsigned:0;");
  CHECK(mask.kind == Field::Kind::DataLoc);
  CHECK(mask.element_size == sizeof(long));
  CHECK(mask.name == "cpumask");
}

TEST_CASE("pointers are integers that point", "[format]") {
  for (const char* type : {"const char *", "const void * *", "const char *const *", "void __seg_gs *", "void *const"}) {
    const Field field = only_field(std::string(type) + " p;\toffset:8;\tsize:8;\tsigned:0;");
    INFO(type);
    CHECK(field.kind == Field::Kind::Integer);
    CHECK(field.is_pointer);
    CHECK_FALSE(field.is_string);
  }
  const Field tagged =
      only_field("const char __attribute__((btf_type_tag(\"user\"))) * p;\toffset:8;\tsize:8;\tsigned:0;");
  CHECK(tagged.name == "p");
  CHECK(tagged.is_pointer);
}

TEST_CASE("what no load can read is marked", "[format]") {
  CHECK(only_field("uuid_t id;\toffset:20;\tsize:16;\tsigned:0;").kind == Field::Kind::Other);
  CHECK(only_field("struct cper_mem_err_compact data;\toffset:48;\tsize:55;\tsigned:0;").kind == Field::Kind::Other);
  CHECK(only_field("struct small s;\toffset:8;\tsize:8;\tsigned:0;").kind == Field::Kind::Other);
  CHECK(only_field("char buf[];\toffset:8;\tsize:0;\tsigned:0;").kind == Field::Kind::Other);
}

TEST_CASE("formats without signs, as of 2.6.3x, still read", "[format]") {
  const Field field = only_field("int old;\toffset:8;\tsize:4;");
  CHECK(field.size == 4);
  CHECK_FALSE(field.is_signed);
}

TEST_CASE("the print format is kept whole and need not parse", "[format]") {
  const Format format =
      sample("\tfield:int a;\toffset:8;\tsize:4;\tsigned:1;\n", "\"%d ((( %s\", REC->a, {{ \n\"more\"");
  CHECK(format.print_format == "\"%d ((( %s\", REC->a, {{ \n\"more\"");
  CHECK(format.find("a") != nullptr);
  CHECK(format.find("b") == nullptr);
  CHECK(format.full_name() == "test/sample");
  CHECK(format.id == 42);
  CHECK(format.field_names() == std::vector<std::string>{"a"});
}

TEST_CASE("text that is no format is an error that shows the line", "[format]") {
  const std::string fine = kHeader;
  for (const std::string& text :
       {std::string(), std::string("hello\n"), std::string("name: x\n"), std::string("name: a b\nID: 1\n"),
        std::string("name: a\nID: x\n"), std::string("name: a\nID: 99999999999\n"), fine + "\tfield:int\n",
        fine + "\tfield:int a[;\toffset:8;\tsize:4;\tsigned:0;\n", fine + "\tfield:a;\toffset:8;\tsize:4;\tsigned:0;\n",
        fine + "\tfield:int a;\toffset:-8;\tsize:4;\tsigned:0;\n",
        fine + "\tfield:int a;\toffset:8;\tsize:4;\tsigned:2;\n",
        fine + "\tfield:int a;\toffset:4294967290;\tsize:4;\tsigned:0;\n",
        fine + "\tfield:int " + std::string(1, '\0') + "a;\toffset:8;\tsize:4;\tsigned:0;\n",
        fine + "\tfield:int " + std::string(5000, 'a') + ";\toffset:8;\tsize:4;\tsigned:0;\n"}) {
    INFO(text);
    CHECK_FALSE(parse_format("test", text));
  }
  const auto broken = parse_format("test", fine + "\tfield:int\n");
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message == "not a tracepoint format: line 7: field:int");
}

TEST_CASE("every format of the recorded kernels reads", "[format][recorded]") {
  CHECK(check_tree(tpx::test::recorded_directory("5.10")) == 1345);
  CHECK(check_tree(tpx::test::recorded_directory("6.1")) == 1390);
  CHECK(check_tree(tpx::test::recorded_directory("6.12-rt")) == 1490);
}
