#include "plan/object_labels.h"

#include <memory>

#include "plan/label.h"
#include "typed/bind.h"

namespace tpx::plan {

namespace {

using kernel::Btf;

kernel::FieldNames names_of_enum(std::uint32_t type, const Btf& btf) {
  kernel::FieldNames names;
  for (const auto& [value, name] : btf.enumerators(type)) {
    names.symbols.emplace(value, name);
    if (value != 0) {
      names.flags.emplace_back(value, name);
    }
  }
  return names;
}

schema::DecoderCall decoder(const char* name) {
  return {name, {}, {}, nullptr};
}

bool is_address(std::uint32_t type, const Btf& btf) {
  const Btf::Type resolved = btf.resolve(type);
  if (resolved.kind == Btf::Kind::Struct) {
    return (resolved.name == "in_addr" && resolved.size == 4) || (resolved.name == "in6_addr" && resolved.size == 16);
  }
  if (resolved.kind != Btf::Kind::Array || (resolved.length != 4 && resolved.length != 16)) {
    return false;
  }
  const Btf::Type element = btf.resolve(resolved.target);
  return element.kind == Btf::Kind::Integer && element.size == 1 && !element.is_char && !element.is_signed;
}

/// What a value of this type reads as without being told.
void add_default_decoder(schema::KeyField& field, std::uint32_t type, const Btf& btf) {
  const Btf::Type resolved = btf.resolve(type);
  if (resolved.kind == Btf::Kind::Enum) {
    schema::DecoderCall symbol = decoder("symbol");
    symbol.field_names = std::make_shared<const kernel::FieldNames>(names_of_enum(resolved.id, btf));
    field.decoders.push_back(std::move(symbol));
  } else if (is_address(type, btf)) {
    field.decoders.push_back(decoder("ip"));
  }
}

Result<void> add_member(const typed::EntryPlace& place, const std::string& name, const Btf& btf,
                        std::vector<ObjectLabel>& labels) {
  const Btf::Type type = btf.resolve(place.type);
  if (type.kind == Btf::Kind::Struct && !is_address(place.type, btf)) {
    for (const std::string& member_name : btf.member_names(type.id)) {
      const auto member = btf.member(type.id, member_name);
      if (!member || is_padding(member_name)) {
        continue;
      }
      const typed::EntryPlace inner{place.area, place.bit_offset + member->bit_offset, member->bit_size, member->type};
      auto added = add_member(inner, name.empty() ? member_name : name + "_" + member_name, btf, labels);
      if (!added) {
        return added;
      }
    }
    return {};
  }
  const std::string label = name.empty() ? "key" : name;
  auto value = typed::value_at(place, btf);
  if (!value) {
    return fail(std::move(value.error()).with_context("member \"" + label + "\" "));
  }
  ObjectLabel result{{label, 0, (*value)->type, {}, {}}, *value};
  add_default_decoder(result.field, place.type, btf);
  labels.push_back(std::move(result));
  return {};
}

Result<void> find_names(ParsedLabel& label, const typed::EntryNames& names) {
  for (std::size_t i = 0; i < label.decoders.size(); ++i) {
    if (label.signatures[i]->extra != schema::DecoderExtra::Field) {
      continue;
    }
    const auto place = names.find(*label.value);
    const bool is_enum = place && names.types().btf->resolve(place->type).kind == Btf::Kind::Enum;
    if (!is_enum) {
      return fail(Error{label.decoders[i].name + "() takes a member whose type is an enum",
                        "declare the member as an enum in the program, or give the names: map(x, 1=\"one\")",
                        expression::location_of(*label.value, label.at)});
    }
    label.decoders[i].field_names = std::make_shared<const kernel::FieldNames>(
        names_of_enum(names.types().btf->resolve(place->type).id, *names.types().btf));
  }
  return {};
}

}  // namespace

bool is_padding(const std::string& member) {
  return member.starts_with("_") || member.starts_with("pad");
}

Result<std::vector<ObjectLabel>> labels_of_key(const typed::EntryNames& names, bool one_row) {
  std::vector<ObjectLabel> labels;
  if (one_row) {
    return labels;
  }
  auto added = add_member({typed::EntryArea::Key, 0, 0, names.types().key_type}, "", *names.types().btf, labels);
  if (!added) {
    return fail(std::move(added.error()).with_context("the key of map \"" + names.types().map + "\": "));
  }
  return labels;
}

Result<ObjectLabel> bind_label(const config::Label& label, const typed::EntryNames& names, const Options& options,
                               typed::Comparisons& comparisons) {
  auto parsed = parse_label(label, options);
  if (!parsed) {
    return fail(std::move(parsed.error()));
  }
  auto value = typed::bind(*parsed->value, names, parsed->at, &comparisons);
  if (!value) {
    return fail(std::move(value.error()).with_context("label \"" + label.name.value + "\": "));
  }
  if (auto fits = check_decoder_input(*parsed, (*value)->type); !fits) {
    return fail(std::move(fits.error()));
  }
  if (auto named = find_names(*parsed, names); !named) {
    return fail(std::move(named.error()));
  }
  ObjectLabel result{{label.name.value, 0, (*value)->type, std::move(parsed->decoders), {}}, *value};
  if (result.field.decoders.empty()) {
    if (const auto place = names.find(*parsed->value)) {
      add_default_decoder(result.field, place->type, *names.types().btf);
    }
  }
  return result;
}

}  // namespace tpx::plan
