#include "http/codec.hpp"

#include "base/text.hpp"
#include "http/syntax.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>

namespace sluice::http {

namespace beast = boost::beast;

namespace {

constexpr unsigned kMaxInterimAnswers = 10;             // catalogue 4: 1xx <= 10
constexpr std::uint64_t kMaxUnframedBytes = 64 * 1024;  // catalogue 4: error body <= 64 KiB
constexpr std::string_view kHeadStart = "HTTP/1.";
constexpr std::size_t kSpareHeadBytes = 4 * 1024;  // kept for the next head that comes in pieces

std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Beast's parser, told that there is never a body, filling a ResponseHead whose strings are
/// reused.
class HeadReader final : public beast::http::basic_parser<false> {
 public:
  HeadReader(ResponseHead& head, std::size_t max_bytes) : head_(head) {
    header_limit(static_cast<std::uint32_t>(max_bytes));
    skip(true);
  }

  /// What is wrong with the head, or an empty text.
  std::string read(std::string_view text) {
    boost::system::error_code error;
    put(boost::asio::const_buffer(text.data(), text.size()), error);
    head_.headers.resize(fields_);
    if (!error && is_done()) return {};
    if (error == beast::http::error::bad_content_length) return "has an unclear Content-Length";
    if (error == beast::http::error::multiple_content_length)
      return "has two Content-Length headers that differ";
    if (error == beast::http::error::bad_transfer_encoding)
      return "has an unclear Transfer-Encoding, or one beside a Content-Length";
    return "has a malformed head (" + error.message() + ")";
  }

  int version() const noexcept { return version_; }
  unsigned transfer_encodings() const noexcept { return transfer_encodings_; }
  bool only_chunked() const noexcept { return only_chunked_; }

 private:
  using View = beast::string_view;
  using Code = beast::error_code;

  void on_response_impl(int code, View, int version, Code& error) override {
    head_.status = code;
    version_ = version;
    if (code < 100 || code > 599) error = beast::http::error::bad_status;
  }

  void on_field_impl(beast::http::field name, View spelling, View value, Code&) override {
    if (fields_ == head_.headers.size()) head_.headers.emplace_back();
    auto& [key, text] = head_.headers[fields_++];
    key.assign(spelling.data(), spelling.size());
    text.assign(value.data(), value.size());
    if (name != beast::http::field::transfer_encoding) return;
    ++transfer_encodings_;
    only_chunked_ = text::iequals(text, "chunked");
  }

  void on_header_impl(Code&) override {}
  void on_finish_impl(Code&) override {}
  void on_request_impl(beast::http::verb, View, View, int, Code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {}
  std::size_t on_body_impl(View body, Code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, View, Code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View body, Code&) override { return body.size(); }

  ResponseHead& head_;
  std::size_t fields_ = 0;
  int version_ = 0;
  unsigned transfer_encodings_ = 0;
  bool only_chunked_ = false;
};

Error bad_request(std::string what) {
  return {ErrorKind::usage, "cannot send this request: " + std::move(what)};
}

std::string_view name_of(Method method) noexcept {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::put:
      return "PUT";
    case Method::post:
      return "POST";
  }
  return "GET";
}

/// What is wrong with a header, or an empty text. The value is never quoted: it may be a secret.
std::string header_problem(const std::string& name, const std::string& value) {
  const auto token = [](char c) { return is_token_byte(static_cast<unsigned char>(c)); };
  if (name.empty() || !std::all_of(name.begin(), name.end(), token))
    return "a header has a name that is none: \"" + text::escaped(name) + "\"";
  // To the end, whatever comes: so the compiler takes 16 bytes at a time.
  unsigned misfits = 0;
  for (const char c : value)
    misfits |= static_cast<unsigned>(!is_field_byte(static_cast<unsigned char>(c)));
  if (misfits != 0) return "the header " + name + " holds a line break or another control byte";
  if (text::iequals(name, "Transfer-Encoding")) return "it has a Transfer-Encoding";
  return {};
}

std::string request_problem(const Request& request) {
  if (request.target.empty()) return "it has no target";
  unsigned misfits = 0;
  for (const char c : request.target) {
    const auto byte = static_cast<unsigned char>(c);
    misfits |= static_cast<unsigned>(byte <= 0x20 || byte == 0x7f);
  }
  if (misfits != 0)
    return "its target holds a blank or control byte: \"" + text::escaped(request.target) + "\"";
  unsigned hosts = 0;
  for (const auto& [name, value] : request.headers) {
    std::string problem = header_problem(name, value);
    if (!problem.empty()) return problem;
    if (text::iequals(name, "Host")) ++hosts;
    if (text::iequals(name, "Content-Length") && value != std::to_string(request.body.size()))
      return "its Content-Length is not that of its body";
  }
  if (hosts != 1) return "it has " + std::to_string(hosts) + " Host headers where one is needed";
  return {};
}

}  // namespace

Result<std::string> serialise(const Request& request) {
  return serialise(request, {});
}

Result<std::string> serialise(const Request& request, const Forwarding& forwarding) {
  std::string problem = request_problem(request);
  if (!problem.empty()) return bad_request(std::move(problem));
  std::size_t size = 64 + request.target.size() + request.body.size() + forwarding.origin.size() +
                     forwarding.authorization.size();
  for (const auto& [name, value] : request.headers)
    size += name.size() + value.size() + 4;
  std::string wire;
  wire.reserve(size);
  wire.append(name_of(request.method)).append(" ").append(forwarding.origin);
  wire.append(request.target).append(" HTTP/1.1\r\n");
  bool has_length = false;
  for (const auto& [name, value] : request.headers) {
    wire.append(name).append(": ").append(value).append("\r\n");
    has_length = has_length || text::iequals(name, "Content-Length");
  }
  if (!forwarding.authorization.empty())
    wire.append("Proxy-Authorization: ").append(forwarding.authorization).append("\r\n");
  // RFC 9110 section 8.6: a method that means a body says so even if it is empty.
  const bool means_body = request.method == Method::put || request.method == Method::post;
  if (!has_length && (means_body || !request.body.empty()))
    wire.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  wire.append("\r\n").append(request.body);
  return wire;
}

void ResponseParser::start(Method method, ResponseHandler& handler) {
  handler_ = &handler;
  method_ = method;
  state_ = State::head;
  got_any_ = false;
  keep_alive_ = false;
  interim_answers_ = 0;
  partial_head_.clear();
  if (partial_head_.capacity() > kSpareHeadBytes) partial_head_.shrink_to_fit();
  head_bytes_ = 0;
  line_bytes_ = 0;
  previous_ = 0;
  remaining_ = 0;
  body_bytes_ = 0;
  chunks_ = ChunkDecoder();
}

Error ResponseParser::refuse(std::string_view why) const {
  return {ErrorKind::invalid_answer,
          "the answer of " + std::string(peer_) + " " + std::string(why)};
}

Result<std::size_t> ResponseParser::feed(std::span<const std::byte> bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && state_ != State::done) {
    got_any_ = true;
    const auto rest = bytes.subspan(taken);
    Result<std::size_t> step = state_ == State::head ? feed_head(rest) : feed_body(rest);
    if (!step) return std::move(step).error();
    taken += *step;
  }
  return taken;
}

const char* ResponseParser::check_head_start(std::string_view bytes) const noexcept {
  if (head_bytes_ >= kHeadStart.size()) return nullptr;
  const std::string_view expected = kHeadStart.substr(head_bytes_);
  const std::size_t common = std::min(expected.size(), bytes.size());
  return bytes.substr(0, common) == expected.substr(0, common) ? nullptr : "is not HTTP/1";
}

const char* ResponseParser::scan_head(std::string_view bytes, std::size_t& taken,
                                      bool& complete) noexcept {
  taken = 0;
  while (taken < bytes.size()) {
    const std::size_t newline = bytes.find('\n', taken);
    if (newline == std::string_view::npos) {
      line_bytes_ += bytes.size() - taken;
      taken = bytes.size();
      previous_ = bytes.back();
      return nullptr;
    }
    const char before = newline == 0 ? previous_ : bytes[newline - 1];
    line_bytes_ += newline - taken;
    if (line_bytes_ == 0 || before != '\r') return "has a line in its head that ends without CR";
    taken = newline + 1;
    complete = line_bytes_ == 1;
    line_bytes_ = 0;
    if (complete) return nullptr;
  }
  previous_ = '\n';
  return nullptr;
}

Result<std::size_t> ResponseParser::feed_head(std::span<const std::byte> span) {
  const std::string_view bytes = as_text(span);
  if (const char* problem = check_head_start(bytes)) return refuse(problem);
  std::size_t taken = 0;
  bool complete = false;
  const std::size_t room = max_head_bytes_ - head_bytes_;
  const char* problem = scan_head(bytes.substr(0, room), taken, complete);
  if (problem != nullptr) return refuse(problem);
  head_bytes_ += taken;
  if (!complete) {
    if (bytes.size() > room)
      return refuse("has a head of more than " + std::to_string(max_head_bytes_) + " bytes");
    partial_head_.append(bytes.substr(0, taken));
    return taken;
  }
  Result<void> parsed;
  if (partial_head_.empty()) {
    parsed = parse_head(bytes.substr(0, taken));
  } else {
    partial_head_.append(bytes.substr(0, taken));
    parsed = parse_head(partial_head_);
  }
  if (!parsed) return std::move(parsed).error();
  return taken;
}

Result<void> ResponseParser::parse_head(std::string_view head) {
  // Folded lines are obsolete, and read differently by different parsers.
  if (head.find("\r\n ") != std::string_view::npos || head.find("\r\n\t") != std::string_view::npos)
    return refuse("has a folded header");
  // `HTTP/1.1 200` without the blank that should follow is common enough, and Beast refuses it.
  constexpr std::size_t kBareStatusLine = 12;
  std::string mended;
  if (head.find('\r') == kBareStatusLine) {
    mended.append(head.substr(0, kBareStatusLine)).append(" ").append(head.substr(kBareStatusLine));
    head = mended;
  }
  HeadReader reader(head_, max_head_bytes_ + 1);
  const std::string problem = reader.read(head);
  if (!problem.empty()) return refuse(problem);
  if (head_.status < 200) {
    if (head_.status == 101) return refuse("switches to another protocol");
    if (++interim_answers_ > kMaxInterimAnswers) return refuse("never comes after 10 interim ones");
    partial_head_.clear();
    head_bytes_ = 0;
    return {};
  }
  if (reader.transfer_encodings() > 0 &&
      (reader.transfer_encodings() > 1 || !reader.only_chunked() || reader.version() < 11))
    return refuse("has a Transfer-Encoding other than chunked");
  head_.content_length.reset();
  if (const auto length = reader.content_length()) head_.content_length = *length;
  keep_alive_ = reader.keep_alive();
  return begin_body(reader.transfer_encodings() == 1 ? Coding::chunked : Coding::identity);
}

Result<void> ResponseParser::begin_body(Coding coding) {
  State next = State::done;
  if (method_ == Method::head || head_.status == 204 || head_.status == 304) {
    next = State::done;
  } else if (coding == Coding::chunked) {
    next = State::chunked;
  } else if (head_.content_length) {
    remaining_ = *head_.content_length;
    next = remaining_ == 0 ? State::done : State::sized;
  } else if (head_.status >= 300) {
    keep_alive_ = false;
    next = State::until_end;
  } else {
    return refuse("has no length: whether it is complete could not be seen");
  }
  Result<void> handled = handler_->on_head(head_);
  if (handled) state_ = next;
  return handled;
}

Result<void> ResponseParser::deliver(std::span<const std::byte> content) {
  if (content.empty()) return {};
  body_bytes_ += content.size();
  return handler_->on_body(content);
}

Result<std::size_t> ResponseParser::feed_body(std::span<const std::byte> bytes) {
  std::size_t consumed = bytes.size();
  auto content = bytes;
  if (state_ == State::sized) {
    consumed = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
    content = bytes.first(consumed);
    remaining_ -= consumed;
    if (remaining_ == 0) state_ = State::done;
  } else if (state_ == State::chunked) {
    Result<ChunkDecoder::Step> step = chunks_.step(bytes);
    if (!step) return refuse(step.error().message);
    consumed = step->consumed;
    content = step->content;
    if (chunks_.done()) state_ = State::done;
  } else if (body_bytes_ + bytes.size() > kMaxUnframedBytes) {
    return refuse("has more than 64 KiB and no length");
  }
  Result<void> handled = deliver(content);
  if (!handled) return std::move(handled).error();
  return consumed;
}

void ResponseParser::pass(std::uint64_t bytes) noexcept {
  body_bytes_ += bytes;
  remaining_ -= bytes;
  if (remaining_ == 0) state_ = State::done;
}

Result<void> ResponseParser::end_of_stream() {
  if (state_ == State::until_end) state_ = State::done;
  if (state_ == State::done) return {};
  std::string text = std::string(peer_);
  if (!got_any_)
    text += " closed the connection without an answer";
  else if (state_ == State::head)
    text += " closed the connection in the head of its answer";
  else if (state_ == State::sized)
    text += " closed the connection after " + std::to_string(body_bytes_) + " of " +
            std::to_string(body_bytes_ + remaining_) + " bytes of its answer";
  else
    text += " closed the connection after " + std::to_string(body_bytes_) +
            " bytes of its answer, before the end of it";
  return Error(ErrorKind::transient, std::move(text));
}

}  // namespace sluice::http
