#include "service/configuration.h"

#include "decode/decoder.h"
#include "plan/label.h"

namespace tpx::service {

const char* default_configuration() {
  return
#include "default_config.inc"
      ;
}

config::Loaded load_configuration(const std::vector<std::string>& files) {
  return files.empty() ? config::parse("default.yaml (built in)", default_configuration()) : config::load(files);
}

plan::Options planner_options() {
  plan::Options options;
  options.decoders = decode::signatures();
  return options;
}

Errors errors_without_kernel(const config::Loaded& loaded) {
  Errors errors = loaded.errors;
  const Errors decoders = plan::decoder_errors(loaded.config, planner_options());
  errors.insert(errors.end(), decoders.begin(), decoders.end());
  return errors;
}

}  // namespace tpx::service
