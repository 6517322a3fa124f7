#include "command_line.hpp"

#include "base/text.hpp"
#include "config_file.hpp"
#include "flags.hpp"
#include "help.hpp"
#include "source_uri.hpp"

#include "sluice/mirror.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <array>
#include <map>
#include <optional>

namespace sluice::cli {
namespace {

Error usage(std::string message) {
  return Error(ErrorKind::usage, std::move(message));
}

/// "[sync], [watch] and [ls]", and so on.
std::string verb_names(std::string_view before = "", std::string_view after = "") {
  std::string out;
  for (const Verb verb : kVerbs) {
    if (!out.empty()) out += verb == kVerbs.back() ? " and " : ", ";
    out += fmt::format("{}{}{}", before, name_of(verb), after);
  }
  return out;
}

std::optional<Verb> find_verb(std::string_view name) {
  for (const Verb verb : kVerbs)
    if (name == name_of(verb)) return verb;
  return std::nullopt;
}

Error unknown_verb(std::string_view word) {
  if (word.starts_with('-'))
    return usage(fmt::format("{}: flags come after the verb: sluice sync {}", text::escaped(word),
                             text::escaped(word)));
  std::vector<std::string_view> names;
  for (const Verb verb : kVerbs)
    names.push_back(name_of(verb));
  const std::string_view near = text::nearest(word, names);
  return usage(fmt::format(
      "\"{}\" is no verb{}", text::escaped(word),
      near.empty() ? "; there are " + verb_names() : fmt::format("; did you mean {}?", near)));
}

/// What CLI11 made of the words after the verb, before any of it is judged.
struct Words {
  struct Setting {
    const Flag* flag;
    std::string value;
  };
  bool help = false;
  std::vector<Setting> settings;  ///< in the order given
  std::vector<std::string> positionals;
};

/// CLI11 would take the next word as the value of `--name=`.
std::optional<Error> find_empty_value(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word == "--") break;
    if (!word.starts_with("--") || word.find('=') != word.size() - 1) continue;
    const Flag* flag = find_flag(std::string_view(word).substr(2, word.size() - 3));
    if (flag != nullptr) return usage(fmt::format("--{} lacks its value after =", flag->name));
  }
  return std::nullopt;
}

Error unknown_word(Verb verb, std::string_view word) {
  if (word.starts_with("--")) {
    const std::string_view name = word.substr(2, word.find('=') - 2);
    return usage(fmt::format("sluice {} has no flag --{}{}", name_of(verb), text::escaped(name),
                             flag_suggestion(name, verb, "--")));
  }
  if (word.size() > 1 && word.starts_with('-'))
    return usage(fmt::format("sluice {} has no flag {}; sluice {} --help lists them", name_of(verb),
                             text::escaped(word), name_of(verb)));
  return usage(fmt::format("\"{}\" is one argument too many; patterns need quotes from the shell",
                           text::escaped(word)));
}

/// CLI11 names the option first: "--transfers: 1 required TEXT missing".
Error in_our_words(Verb verb, const CLI::ParseError& error) {
  const std::string_view text = error.what();
  if (text.starts_with("--")) {
    const Flag* flag = find_flag(text.substr(2, text.find_first_of(": =,") - 2));
    if (flag != nullptr && !flag->is_switch())
      return usage(fmt::format("--{} needs a value: write for example --{} {}", flag->name,
                               flag->name, flag->sample));
  }
  return usage(fmt::format("{}; see sluice {} --help", text::escaped(text), name_of(verb)));
}

/// After the source; for doctor it may be left out.
bool takes_directory(Verb verb) noexcept {
  return verb == Verb::sync || verb == Verb::watch || verb == Verb::doctor;
}

Result<Words> split_words(Verb verb, const std::vector<std::string>& words) {
  if (auto error = find_empty_value(words)) return *std::move(error);

  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  const CLI::Option* help = app.add_flag("-h,--help");
  std::map<const CLI::Option*, const Flag*> flags;
  for (const Flag& flag : all_flags()) {
    if (!flag.applies_to(verb)) continue;
    std::string names = fmt::format("--{}", flag.name);
    if (flag.letter != '\0') names += fmt::format(",-{}", flag.letter);
    CLI::Option* option = flag.is_switch() ? app.add_flag(names) : app.add_option(names);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    flags.emplace(option, &flag);
  }

  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    return in_our_words(verb, error);
  }

  Words out;
  out.help = help->count() > 0;
  std::map<const CLI::Option*, std::size_t> used;
  for (const CLI::Option* option : app.parse_order())
    if (const auto found = flags.find(option); found != flags.end())
      out.settings.push_back({found->second, option->results()[used[option]++]});

  bool only_positionals = false;
  const std::size_t wanted = takes_directory(verb) ? 2 : 1;
  for (std::string& word : app.remaining()) {
    if (word == "--" && !only_positionals)
      only_positionals = true;
    else if (word.size() > 1 && word.starts_with('-') && !only_positionals && !out.help)
      return unknown_word(verb, word);
    else
      out.positionals.push_back(std::move(word));
  }
  if (out.positionals.size() > wanted && !out.help)
    return unknown_word(verb, out.positionals[wanted]);
  return out;
}

// --- The places a value may come from, weakest first ---

Result<void> apply_aws_environment(Settings& settings, const Environment& environment) {
  const char* value = environment("AWS_MAX_ATTEMPTS");
  if (value == nullptr || *value == '\0') return {};
  return find_flag("max-attempts")->set(settings, {"AWS_MAX_ATTEMPTS", value});
}

Result<void> apply_entry(Settings& settings, Verb verb, const ConfigEntry& entry,
                         std::string_view file) {
  const std::string place = fmt::format("{}:{}: ", text::escaped(file), entry.line);
  const auto section = find_verb(entry.section);
  if (!section && !entry.section.empty())
    return usage(fmt::format("{}there is no section [{}], only {}", place,
                             text::escaped(entry.section), verb_names("[", "]")));
  const Flag* flag = find_flag(entry.name);
  if (flag == nullptr || (section && !flag->applies_to(*section)))
    return usage(fmt::format("{}there is no flag named {}{}", place, text::escaped(entry.name),
                             flag_suggestion(entry.name, section.value_or(verb), "")));
  if (flag->name == "config")
    return usage(fmt::format("{}a config file cannot name another", place));
  if (entry.values.size() != 1 && !flag->may_repeat())
    return usage(
        fmt::format("{}{} takes one value, not {}", place, flag->name, entry.values.size()));
  // Settings of the other verbs are checked too, so that a mistake shows when it is made.
  Settings elsewhere;
  const bool is_meant = section.value_or(verb) == verb && flag->applies_to(verb);
  for (const std::string& value : entry.values) {
    const std::string where = place + entry.name;
    const Result<void> set = flag->set(is_meant ? settings : elsewhere, {where, value});
    if (!set) return set;
  }
  return {};
}

Result<void> apply_config_file(Settings& settings, Verb verb, const std::string& path) {
  const auto entries = read_config(path);
  if (!entries) return entries.error();
  for (const bool in_section : {false, true}) {
    settings.begin_layer();
    for (const ConfigEntry& entry : *entries) {
      if (entry.section.empty() == in_section) continue;
      const Result<void> set = apply_entry(settings, verb, entry, path);
      if (!set) return set;
    }
  }
  return {};
}

std::string environment_name(const Flag& flag) {
  std::string name = "SLUICE_";
  for (const char c : flag.name)
    name += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
  return name;
}

/// One pattern a line where a flag may be given several times.
Result<void> apply_environment(Settings& settings, Verb verb, const Environment& environment) {
  settings.begin_layer();
  for (const Flag& flag : all_flags()) {
    const std::string name = environment_name(flag);
    const char* found = flag.applies_to(verb) ? environment(name.c_str()) : nullptr;
    std::string_view left = found == nullptr ? "" : found;
    while (!left.empty()) {
      const std::size_t end = flag.may_repeat() ? left.find('\n') : std::string_view::npos;
      const std::string_view value = left.substr(0, end);
      left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
      if (value.empty()) continue;
      const Result<void> set = flag.set(settings, {name, value});
      if (!set) return set;
    }
  }
  return {};
}

Result<void> apply_words(Settings& settings, const Words& words) {
  settings.begin_layer();
  for (const Words::Setting& setting : words.settings) {
    const std::string where = fmt::format("--{}", setting.flag->name);
    const Result<void> set = setting.flag->set(settings, {where, setting.value});
    if (!set) return set;
  }
  return {};
}

std::string config_path(const Words& words, const Environment& environment) {
  std::string path;
  if (const char* value = environment("SLUICE_CONFIG"); value != nullptr) path = value;
  for (const Words::Setting& setting : words.settings)
    if (setting.flag->name == "config") path = setting.value;
  return path;
}

Result<void> apply_directory(Settings& settings, Verb verb, const std::vector<std::string>& given) {
  if (given.empty() || given[0].empty())
    return usage(fmt::format("the directory is missing: sluice {} DIR", name_of(verb)));
  if (given[0].starts_with("s3://"))
    return usage(
        fmt::format("sluice {0} looks at a mirror on this machine: sluice {0} DIR", name_of(verb)));
  settings.mirror.dir = given[0];
  return {};
}

Result<void> apply_positionals(Settings& settings, Verb verb,
                               const std::vector<std::string>& given) {
  if (verb == Verb::status || verb == Verb::changes) return apply_directory(settings, verb, given);
  const bool wants_dir = takes_directory(verb);
  const bool needs_dir = wants_dir && verb != Verb::doctor;
  const std::string form = fmt::format("sluice {} s3://BUCKET[/PREFIX]{}", name_of(verb),
                                       needs_dir   ? " DIR"
                                       : wants_dir ? " [DIR]"
                                                   : "");
  if (given.empty()) return usage("the source is missing: " + form);
  if (given.size() == 2 && !given[0].starts_with("s3://") && given[1].starts_with("s3://"))
    return usage("sluice only downloads, the source comes first: " + form);
  auto source = parse_source_uri(given[0]);
  if (!source) return source.error();
  settings.mirror.source.bucket = std::move(source->bucket);
  settings.mirror.source.prefix = std::move(source->prefix);
  if (!wants_dir || (given.size() < 2 && !needs_dir)) return {};
  if (given.size() < 2 || given[1].empty()) return usage("the directory is missing: " + form);
  if (given[1].starts_with("s3://"))
    return usage(
        fmt::format("\"{}\" is no directory: sluice only downloads", text::escaped(given[1])));
  settings.mirror.dir = given[1];
  return {};
}

Result<Command> make_command(Verb verb, const Words& words, const Environment& environment) {
  Command command;
  command.verb = verb;
  Settings& settings = command.settings;
  Result<void> done = apply_aws_environment(settings, environment);
  const std::string config = config_path(words, environment);
  if (done && !config.empty()) done = apply_config_file(settings, verb, config);
  if (done) done = apply_environment(settings, verb, environment);
  if (done) done = apply_words(settings, words);
  if (done) done = apply_positionals(settings, verb, words.positionals);
  if (!done) return done.error();
  return command;
}

}  // namespace

Result<std::variant<Command, Information>> parse_command_line(
    const std::vector<std::string>& arguments, const Environment& environment) {
  using Answer = std::variant<Command, Information>;
  if (arguments.empty())
    return usage(
        fmt::format("give a verb; there are {} (sluice --help explains them)", verb_names()));
  std::string first = arguments.front();
  if (first == "-V" || first == "--version" || first == "version")
    return Answer(Information{std::string(build_description())});
  if (first == "-h" || first == "--help" || first == "help") {
    if (arguments.size() == 1 || first != "help") return Answer(Information{general_help()});
    if (const auto verb = find_verb(arguments[1])) return Answer(Information{verb_help(*verb)});
    return unknown_verb(arguments[1]);
  }
  const auto verb = find_verb(first);
  if (!verb) return unknown_verb(first);

  const auto words = split_words(*verb, {arguments.begin() + 1, arguments.end()});
  if (!words) return words.error();
  if (words->help) return Answer(Information{verb_help(*verb)});
  auto command = make_command(*verb, *words, environment);
  if (!command) return command.error();
  return Answer(*std::move(command));
}

}  // namespace sluice::cli
