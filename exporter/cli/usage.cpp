#include "cli/usage.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace tpx::cli {

namespace {

std::vector<const CLI::App*> all_commands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

bool names_configuration(const std::string& word) {
  return word.ends_with(".yaml") || word.ends_with(".yml");
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

std::string see_help(const CLI::App& command) {
  const bool subcommand = command.get_parent() != nullptr;
  return "see: tracepoint_exporter " + (subcommand ? command.get_name() + " " : std::string()) + "--help";
}

/// The option that the name misspells, or is a part of (`--listen`).
std::string meant_option(const CLI::App& command, const std::string& name) {
  const std::vector<std::string> names = option_names(command);
  if (const std::string near = did_you_mean(name, names); !near.empty()) {
    return near;
  }
  const std::string part = name.substr(std::min(name.find_first_not_of('-'), name.size()));
  constexpr std::size_t kShortest = 3;
  const auto whole = std::ranges::find_if(names, [&](const std::string& option) {
    return part.size() >= kShortest && option.find(part) != std::string::npos;
  });
  return whole == names.end() ? see_help(command) : "did you mean \"" + *whole + "\"?";
}

Error unexpected(const CLI::App& command, const std::string& word, bool named) {
  if (word.starts_with("-")) {
    const std::string name = word.substr(0, word.find('='));
    if (!named && (name == "-v" || name == "-V" || name == "-version")) {
      return {"no option \"" + name + "\"", "did you mean \"--version\"?"};
    }
    return {(named ? command.get_name() + " has no option \"" : "no option \"") + name + "\"",
            meant_option(command, name)};
  }
  return {command.get_name() + " takes no argument \"" + word + "\"",
          names_configuration(word) && command.get_option_no_throw("--config.file") != nullptr
              ? "a configuration is given as --config.file=" + word
              : see_help(command)};
}

}  // namespace

bool knows_command(const CLI::App& app, const std::string& word) {
  return std::ranges::any_of(all_commands(app), [&](const CLI::App* command) { return command->check_name(word); });
}

Error unknown_command(const CLI::App& app, const std::string& word) {
  if (names_configuration(word)) {
    return {"no command \"" + word + "\"", "to serve that configuration: tracepoint_exporter --config.file=" + word +
                                               "; to check it: tracepoint_exporter check " + word};
  }
  std::vector<std::string> commands;
  for (const CLI::App* command : all_commands(app)) {
    commands.push_back(command->get_name());
  }
  const std::string near = did_you_mean(word, commands);
  return {"no command \"" + word + "\"", near.empty() ? see_help(app) : near};
}

std::optional<Error> option_before_command(const CLI::App& app, const std::vector<std::string>& arguments) {
  const CLI::App* serve = app.get_subcommand("serve");
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const CLI::Option* before = serve->get_option_no_throw(arguments[i - 1]);
    const bool value = before != nullptr && before->get_items_expected_max() > 0;  // `--config.file list`
    if (value || !knows_command(app, arguments[i])) {
      continue;
    }
    std::string line = "tracepoint_exporter " + arguments[i];
    for (std::size_t j = 0; j < arguments.size(); ++j) {
      line += j == i ? "" : " " + arguments[j];
    }
    return Error{"option \"" + arguments[0] + "\" is before the command " + arguments[i],
                 "options come after their command: " + line};
  }
  return std::nullopt;
}

Error usage_error(const CLI::App& app, const CLI::ParseError& error, bool named) {
  const std::vector<CLI::App*> given = app.get_subcommands();
  const CLI::App& command = given.empty() ? app : *given.front();
  if (const std::vector<std::string> extras = command.remaining(); !extras.empty()) {
    return unexpected(command, extras.front(), named);
  }
  return {error.what(), see_help(command)};
}

}  // namespace tpx::cli
