// Any bytes as an expression: no crash; what parses prints as text that parses to the same tree; what does not is
// reported inside of the text.

#include <cstdlib>
#include <string>

#include "expression/ast.h"

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto tree = tpx::expression::parse(text, {"fuzz", 1, 1});
  if (!tree) {
    require(!tree.error().message.empty());
    require(tree.error().location && tree.error().location->column <= size + 1);
    return 0;
  }
  require((*tree)->begin < (*tree)->end && (*tree)->end <= size);
  const std::string printed = tpx::expression::to_text(**tree);
  if (printed.size() <= 4096) {
    const auto again = tpx::expression::parse(printed, {});
    require(again.has_value());
    require(tpx::expression::same(**tree, **again));
    require(tpx::expression::to_text(**again) == printed);
  }
  return 0;
}
