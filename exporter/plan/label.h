#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "expression/ast.h"
#include "kernel/kernel.h"
#include "plan/planner.h"
#include "typed/comparisons.h"
#include "typed/event_names.h"

namespace tpx::plan {

/// A label's expression taken apart: what the kernel evaluates, and the decoders the exporter applies to it.
struct ParsedLabel {
  std::string name;
  expression::NodePtr value;
  std::vector<schema::DecoderCall> decoders;  ///< first applied first
  std::vector<const schema::DecoderSignature*> signatures;
  SourceLocation at;  ///< where the expression's text starts
  bool is_probe = false;
};

/// Takes the decoders off a label. Unknown functions get the nearest name as a hint.
[[nodiscard]] Result<ParsedLabel> parse_label(const config::Label& label, const Options& options);

/// Whether decoders that look names up, such as symbol(), are applied to a field.
[[nodiscard]] Result<void> check_named_field(const ParsedLabel& label);

/// What is wrong with the decoders of all labels: unknown functions, their arguments. Needs no kernel; make_plan() reports the
/// same errors.
[[nodiscard]] Errors decoder_errors(const config::Config& config, const Options& options);

/// Binds the part of a label that the kernel evaluates: its value, or the socket address that it points to if ip() decodes
/// it.
[[nodiscard]] Result<TypedExprPtr> bind_label(const ParsedLabel& label, const typed::Names& names,
                                              typed::Comparisons& comparisons);

/// Whether the first decoder accepts a value of this type. Few decoders accept a memory address.
[[nodiscard]] Result<void> check_decoder_input(const ParsedLabel& label, const schema::ValueType& type,
                                               typed::AddressOf address = typed::AddressOf::Nothing);

/// Gives symbol() and flags() the names that the tracepoint's print format, or the enum type of a raw argument, has for the
/// label's field. `from`: the names of a pair's start, or null.
[[nodiscard]] Result<void> find_field_names(ParsedLabel& label, const typed::EventNames& event_names,
                                            const typed::EventNames* from, const kernel::Kernel& kernel);

}  // namespace tpx::plan
