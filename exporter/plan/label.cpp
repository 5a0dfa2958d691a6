#include "plan/label.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/words.h"
#include "expression/tree.h"
#include "typed/bind.h"

namespace tpx::plan {

namespace {

using expression::Node;

Error error_at(const Node& node, const SourceLocation& at, std::string message, std::string hint = {}) {
  return Error{std::move(message), std::move(hint), expression::location_of(node, at)};
}

const schema::DecoderSignature* find_decoder(const std::string& name, const Options& options) {
  const auto found = std::find_if(options.decoders.begin(), options.decoders.end(),
                                  [&](const schema::DecoderSignature& entry) { return entry.name == name; });
  return found == options.decoders.end() ? nullptr : &*found;
}

std::string function_hint(const std::string& name, const Options& options) {
  std::vector<std::string> names{"if", "str"};
  for (const auto& entry : options.decoders) {
    names.emplace_back(entry.name);
  }
  const std::string near = did_you_mean(name, names);
  return near.empty() ? "functions are " + joined(names) : near;
}

/// What no name of the call stands for: a small number, so that it fits wherever the values do.
std::uint64_t unnamed_value(const expression::Call& call) {
  std::uint64_t value = 0;
  while (std::any_of(call.names.begin(), call.names.end(), [&](const auto& named) { return named.value == value; })) {
    ++value;
  }
  return value;
}

Result<schema::DecoderCall> make_call(const Node& node, const expression::Call& call,
                                      const schema::DecoderSignature& signature, const SourceLocation& at) {
  const std::string example = "for example: " + std::string(signature.example);
  const std::size_t wanted = signature.extra == schema::DecoderExtra::Pattern ? 2 : 1;
  if (call.arguments.size() != wanted) {
    return fail(error_at(node, at,
                         call.function + "() takes " + (wanted == 1 ? "one value" : "a value and a pattern") +
                             ", got " + std::to_string(call.arguments.size()),
                         example));
  }
  schema::DecoderCall result{.name = call.function, .pattern = {}, .names = {}, .field_names = nullptr};
  if (signature.extra == schema::DecoderExtra::Names) {
    if (call.names.empty()) {
      return fail(error_at(node, at, call.function + "() names no values", example));
    }
    for (const auto& named : call.names) {
      result.names.emplace_back(named.value, named.name);
    }
    if (call.rest) {
      result.names.emplace_back(unnamed_value(call), *call.rest);
      result.rest_is_named = true;
    }
  } else if (!call.names.empty()) {
    return fail(error_at(node, at, call.function + "() takes no names", "map() does: map(x, 1=\"read\")"));
  }
  if (signature.extra == schema::DecoderExtra::Pattern) {
    const auto* pattern = std::get_if<expression::StringLiteral>(&call.arguments[1]->value);
    if (pattern == nullptr) {
      return fail(error_at(*call.arguments[1], at,
                           "the pattern of " + call.function + "() is not a string in double quotes", example));
    }
    result.pattern = pattern->value;
    if (signature.check_pattern != nullptr) {
      if (auto valid = signature.check_pattern(pattern->value); !valid) {
        Error error = std::move(valid.error());
        error.location = expression::location_of(*call.arguments[1], at);
        return fail(std::move(error));
      }
    }
  }
  return result;
}

/// `if(x == 1 || x == 2, x, 0)` for `map(x, 1="a", 2="b", *="c")`, so that all other values are one row in the kernel too.
expression::NodePtr named_or_rest(const expression::Call& call) {
  const expression::NodePtr& value = call.arguments.front();
  const auto make = [&](auto node) {
    return std::make_shared<const Node>(Node{std::move(node), value->begin, value->end});
  };
  expression::NodePtr known;
  for (const auto& named : call.names) {
    constexpr std::uint64_t kHighest = ~std::uint64_t{0} >> 1U;
    expression::NodePtr literal =
        make(expression::IntegerLiteral{named.value > kHighest ? ~named.value + 1 : named.value});
    if (named.value > kHighest) {
      literal = make(expression::Unary{expression::UnaryOp::Negate, literal});
    }
    expression::NodePtr equal = make(expression::Binary{expression::BinaryOp::Eq, value, literal});
    known = known ? make(expression::Binary{expression::BinaryOp::LogicOr, known, equal}) : equal;
  }
  return make(expression::Call{"if", {known, value, make(expression::IntegerLiteral{unnamed_value(call)})}, {}});
}

/// The first `args.X` of an expression, also behind from; its chain is the whole of a raw argument's path.
const Node* first_field(const Node& node) {
  if (std::holds_alternative<expression::Argument>(node.value) ||
      std::holds_alternative<expression::Member>(node.value) || std::holds_alternative<expression::Index>(node.value)) {
    return &node;
  }
  if (const auto* unary = std::get_if<expression::Unary>(&node.value)) {
    return first_field(*unary->operand);
  }
  if (const auto* binary = std::get_if<expression::Binary>(&node.value)) {
    const Node* left = first_field(*binary->left);
    return left != nullptr ? left : first_field(*binary->right);
  }
  if (const auto* call = std::get_if<expression::Call>(&node.value)) {
    for (const auto& argument : call->arguments) {
      if (const Node* found = first_field(*argument)) {
        return found;
      }
    }
  }
  return nullptr;
}

const expression::Argument* argument_of(const Node& node) {
  if (const auto* member = std::get_if<expression::Member>(&node.value)) {
    return argument_of(*member->base);
  }
  if (const auto* index = std::get_if<expression::Index>(&node.value)) {
    return argument_of(*index->base);
  }
  return std::get_if<expression::Argument>(&node.value);
}

/// What the record of the raw tracepoint's event calls the values of an argument that it copies: a field of the same name
/// and enum. (An event has short names, `NO_SOCKET`, for enumerators such as SKB_DROP_REASON_NO_SOCKET.)
kernel::FieldNames names_of_record(const std::string& name, const std::string& type, const std::string& raw_event,
                                   const kernel::Kernel& kernel) {
  const auto events = kernel.tracefs.match("*/" + raw_event);
  for (const std::string& event : events ? *events : std::vector<std::string>()) {
    const auto format = kernel.tracefs.format(event);
    const kernel::Field* field = format ? format->find(name) : nullptr;
    if (field == nullptr || field->type != "enum " + type) {
      continue;
    }
    auto names = kernel::resolve_names(kernel::names_of(*format, name), &*kernel.btf);
    if (!names.symbols.empty() || !names.flags.empty()) {
      return names;
    }
  }
  return {};
}

kernel::FieldNames names_at(const Node& field, const expression::Argument& argument,
                            const typed::EventNames& event_names, const kernel::Kernel& kernel) {
  const typed::Event& event = event_names.event();
  if (event.format) {
    return kernel::resolve_names(kernel::names_of(*event.format, argument.name), kernel.btf ? &*kernel.btf : nullptr);
  }
  kernel::FieldNames names;
  const auto type = event_names.type_of(*expression::strip_from(field));
  if (type && type->kind == kernel::Btf::Kind::Enum) {
    if (std::holds_alternative<expression::Argument>(field.value)) {
      names = names_of_record(argument.name, type->name, event.name, kernel);
    }
    if (!names.empty()) {
      return names;
    }
    for (const auto& [value, name] : event.btf->enumerators(type->id)) {
      names.symbols.emplace(value, name);
      if (value != 0) {
        names.flags.emplace_back(value, name);
      }
    }
  }
  return names;
}

/// Whether the print format has names for the field that only BTF can give a value.
bool needs_btf(const expression::Argument& argument, const typed::Event& event, const kernel::Kernel& kernel) {
  return !kernel.btf && event.format && !kernel::names_of(*event.format, argument.name).unresolved.empty();
}

/// Whether a decoder means something by an address: its digits, a name that the configuration or the tracepoint gives it, or
/// the function that it is in.
bool takes_address(const std::string& decoder, typed::AddressOf address) {
  constexpr std::array<std::string_view, 5> kAny{"hex", "map", "match", "symbol", "flags"};
  return address == typed::AddressOf::Nothing || std::find(kAny.begin(), kAny.end(), decoder) != kAny.end() ||
         (decoder == "ksym" && address == typed::AddressOf::Kernel);
}

Result<void> check_address(const ParsedLabel& label, typed::AddressOf address) {
  const std::string& decoder = label.decoders.front().name;
  if (takes_address(decoder, address)) {
    return {};
  }
  const std::string text = expression::to_text(*label.value);
  std::string hint = "hex(" + text + ") shows the address";
  if (address == typed::AddressOf::SocketAddress) {
    hint = "ip(" + text + ") reads the socket address there";
  } else if (address == typed::AddressOf::User) {
    hint = "a number there is " + text + "[0], a text str(" + text + ")";
  }
  return fail(error_at(*label.value, label.at,
                       decoder + "() cannot be applied to \"" + text + "\", which is the address of something in " +
                           (address == typed::AddressOf::Kernel ? "the kernel" : "the process"),
                       hint));
}

}  // namespace

Result<ParsedLabel> parse_label(const config::Label& label, const Options& options) {
  ParsedLabel result{label.name.value, label.expression.node, {}, {}, label.expression.at, false};
  while (const auto* call = std::get_if<expression::Call>(&result.value->value)) {
    if (call->function == "if" || call->function == "str") {
      break;
    }
    const schema::DecoderSignature* signature = find_decoder(call->function, options);
    if (signature == nullptr) {
      return fail(error_at(*result.value, result.at, "unknown function \"" + call->function + "\"",
                           function_hint(call->function, options)));
    }
    auto decoder = make_call(*result.value, *call, *signature, result.at);
    if (!decoder) {
      return fail(std::move(decoder.error()));
    }
    result.decoders.insert(result.decoders.begin(), std::move(*decoder));
    result.signatures.insert(result.signatures.begin(), signature);
    const expression::NodePtr inner = call->rest ? named_or_rest(*call) : call->arguments[0];
    result.value = inner;
  }
  for (std::size_t i = 1; i < result.signatures.size(); ++i) {
    if (result.signatures[i]->input != schema::DecoderInput::Any &&
        result.signatures[i]->input != schema::DecoderInput::String) {
      return fail(
          error_at(*result.value, result.at,
                   result.decoders[i].name + "() takes no text, which " + result.decoders[i - 1].name + "() gives",
                   "only match() goes around another decoder"));
    }
  }
  const auto* builtin = std::get_if<expression::BuiltinRef>(&result.value->value);
  result.is_probe = builtin != nullptr && builtin->builtin == expression::Builtin::Probe;
  return result;
}

Result<TypedExprPtr> bind_label(const ParsedLabel& label, const typed::Names& names, typed::Comparisons& comparisons) {
  auto bound = typed::bind(*label.value, names, label.at, &comparisons);
  const bool ip = !label.decoders.empty() && label.decoders.front().name == "ip";
  if (!bound || !ip || (*bound)->address_of != typed::AddressOf::SocketAddress) {
    return bound;
  }
  const Node read{expression::Call{typed::kSocketAddress, {label.value}, {}}, label.value->begin, label.value->end};
  return typed::bind(read, names, label.at, &comparisons);
}

Result<void> check_decoder_input(const ParsedLabel& label, const schema::ValueType& type, typed::AddressOf address) {
  if (label.signatures.empty()) {
    return {};
  }
  const bool integer = type.kind == schema::ValueType::Kind::Integer;
  const bool bytes = type.kind == schema::ValueType::Kind::Bytes;
  std::string wanted;
  switch (label.signatures.front()->input) {
    case schema::DecoderInput::Integer:
      wanted = integer ? "" : "an integer";
      break;
    case schema::DecoderInput::String:
      wanted = type.kind == schema::ValueType::Kind::String ? "" : "a string";
      break;
    case schema::DecoderInput::Bytes:
      wanted = bytes ? "" : "an array";
      break;
    case schema::DecoderInput::IntegerOrBytes:
      wanted = integer || bytes ? "" : "an integer or an array";
      break;
    case schema::DecoderInput::Any:
      break;
  }
  if (label.is_probe) {
    return {};
  }
  if (wanted.empty()) {
    return check_address(label, address);
  }
  const std::string is = integer ? "an integer" : bytes ? "an array" : "a string";
  return fail(error_at(
      *label.value, label.at,
      label.decoders.front().name + "() takes " + wanted + ", \"" + expression::to_text(*label.value) + "\" is " + is,
      "for example: " + std::string(label.signatures.front()->example)));
}

Result<void> check_named_field(const ParsedLabel& label) {
  const Node* field = first_field(*label.value);
  const bool named = field != nullptr && argument_of(*field) != nullptr;
  for (std::size_t i = 0; i < label.decoders.size() && !named; ++i) {
    if (label.signatures[i]->extra == schema::DecoderExtra::Field) {
      return fail(error_at(*label.value, label.at, label.decoders[i].name + "() takes a field, whose names it looks up",
                           "for example: " + std::string(label.signatures[i]->example)));
    }
  }
  return {};
}

Errors decoder_errors(const config::Config& config, const Options& options) {
  Errors errors;
  const auto check = [&](const auto& metric, const std::vector<config::Label>& labels, bool fields) {
    for (const config::Label& label : labels) {
      auto parsed = parse_label(label, options);
      auto checked = !parsed  ? Result<void>(fail(std::move(parsed.error())))
                     : fields ? check_named_field(*parsed)
                              : Result<void>();
      if (!checked) {
        const std::string& name = metric.name.value;
        errors.push_back(std::move(checked.error())
                             .with_context(name.empty() ? "" : "metric \"" + name + "\": ")
                             .at(label.expression.at));
      }
    }
  };
  for (const config::Config::File& file : config.files) {
    for (const auto* metrics : {&file.metrics, &file.incomplete}) {
      for (const config::Metric& metric : *metrics) {
        check(metric, metric.labels, true);
      }
    }
    for (const config::Object& object : file.objects) {
      for (const auto* metrics : {&object.metrics, &object.incomplete}) {
        for (const config::ObjectMetric& metric : *metrics) {
          check(metric, metric.labels.value_or(std::vector<config::Label>()), false);
        }
      }
    }
  }
  return errors;
}

Result<void> find_field_names(ParsedLabel& label, const typed::EventNames& event_names, const typed::EventNames* from,
                              const kernel::Kernel& kernel) {
  for (std::size_t i = 0; i < label.decoders.size(); ++i) {
    if (label.signatures[i]->extra != schema::DecoderExtra::Field) {
      continue;
    }
    const std::string& decoder = label.decoders[i].name;
    if (auto named = check_named_field(label); !named) {
      return named;
    }
    const Node* field = first_field(*label.value);
    const expression::Argument* argument = argument_of(*field);
    const typed::EventNames& home = argument->from && from != nullptr ? *from : event_names;
    auto names = names_at(*field, *argument, home, kernel);
    const bool found = decoder == "flags" ? !names.flags.empty() || !names.symbols.empty()
                                          : !names.symbols.empty() || !names.flags.empty();
    if (!found && needs_btf(*argument, home.event(), kernel)) {
      return fail(error_at(
          *label.value, label.at,
          decoder + "() of field \"" + argument->name + "\" of " + home.event().name +
              " needs the kernel's type information (BTF), which gives the names their values",
          "use a kernel with CONFIG_DEBUG_INFO_BTF, or give the names: map(args." + argument->name + ", 1=\"one\")"));
    }
    if (!found) {
      return fail(
          error_at(*label.value, label.at,
                   home.event().name + ": its print format gives field \"" + argument->name + "\" no names",
                   "leave " + decoder + "() out, or give the names: map(args." + argument->name + ", 1=\"one\")"));
    }
    label.decoders[i].field_names = std::make_shared<const kernel::FieldNames>(std::move(names));
  }
  return {};
}

}  // namespace tpx::plan
