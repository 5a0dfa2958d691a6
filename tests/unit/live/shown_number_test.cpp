#include "live/shown_number.h"

#include "catch.h"

using namespace tpx;
using live::shown_number;
using live::shown_rate;
using live::Unit;

TEST_CASE("a metric's name says its unit") {
  REQUIRE(live::unit_of("tracepoint_syscall_seconds") == Unit::Seconds);
  REQUIRE(live::unit_of("cpu_seconds_total") == Unit::Seconds);
  REQUIRE(live::unit_of("sent_bytes_total") == Unit::Bytes);
  REQUIRE(live::unit_of("milliseconds_total") == Unit::None);
  REQUIRE(live::unit_of("sched_switch_total") == Unit::None);
}

TEST_CASE("seconds have the unit that makes them short") {
  REQUIRE(shown_number(2.76e-06, Unit::Seconds) == "2.76 µs");
  REQUIRE(shown_number(2.76e-06, Unit::Seconds, false) == "2.76 us");
  REQUIRE(shown_number(812e-9, Unit::Seconds) == "812 ns");
  REQUIRE(shown_number(0.0153, Unit::Seconds) == "15.3 ms");
  REQUIRE(shown_number(0.9999, Unit::Seconds) == "1.00 s");
  REQUIRE(shown_number(1, Unit::Seconds) == "1 s");
  REQUIRE(shown_number(0, Unit::Seconds) == "0 s");
}

TEST_CASE("bytes have binary units") {
  REQUIRE(shown_number(512, Unit::Bytes) == "512 B");
  REQUIRE(shown_number(1536, Unit::Bytes) == "1.50 KiB");
  REQUIRE(shown_number(3.2e9, Unit::Bytes) == "2.98 GiB");
}

TEST_CASE("other numbers are short, and have no exponent") {
  REQUIRE(shown_number(0) == "0");
  REQUIRE(shown_number(999) == "999");
  REQUIRE(shown_number(1234) == "1.23k");
  REQUIRE(shown_number(123456) == "123k");
  REQUIRE(shown_number(999999) == "1.00M");
  REQUIRE(shown_number(0.00012) == "0.000120");
  REQUIRE(shown_number(-2.5e9) == "-2.50G");
}

TEST_CASE("rates below 1000 have one decimal") {
  REQUIRE(shown_rate(0) == "0.0");
  REQUIRE(shown_rate(997) == "997.0");
  REQUIRE(shown_rate(0.31) == "0.3");
  REQUIRE(shown_rate(0.01) == "<0.1");
  REQUIRE(shown_rate(1234.5) == "1.23k");
  REQUIRE(shown_rate(0.25, Unit::Seconds) == "250 ms");
}
